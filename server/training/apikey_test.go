package training_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/server/training"
)

func TestAnAPIKeyIsCheckedFieldByField(t *testing.T) {
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	later, never := now.Add(1), time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600))
	good := training.NewAPIKey{Name: "HR", Scopes: []string{"me:read"}, ExpiresAt: &later}
	for name, test := range map[string]struct {
		bend func(*training.NewAPIKey)
		want string
	}{
		"good":               {func(*training.NewAPIKey) {}, ""},
		"never expires":      {func(k *training.NewAPIKey) { k.ExpiresAt = nil }, ""},
		"a long name":        {func(k *training.NewAPIKey) { k.Name = strings.Repeat("ü", 100) }, ""},
		"too long a name":    {func(k *training.NewAPIKey) { k.Name = strings.Repeat("ü", 101) }, "name"},
		"no name":            {func(k *training.NewAPIKey) { k.Name = " \t" }, "name"},
		"a name with NUL":    {func(k *training.NewAPIKey) { k.Name = "a\x00" }, "name"},
		"a name of lines":    {func(k *training.NewAPIKey) { k.Name = "a\nb" }, "name"},
		"no scope":           {func(k *training.NewAPIKey) { k.Scopes = nil }, "scopes"},
		"an unknown scope":   {func(k *training.NewAPIKey) { k.Scopes = []string{"me:read", "keys:write"} }, "scopes"},
		"two scopes in one":  {func(k *training.NewAPIKey) { k.Scopes = []string{"me:read users:write"} }, "scopes"},
		"expired":            {func(k *training.NewAPIKey) { k.ExpiresAt = &now }, "expires_at"},
		"expires too late":   {func(k *training.NewAPIKey) { k.ExpiresAt = &never }, "expires_at"},
		"everything at once": {func(k *training.NewAPIKey) { *k = training.NewAPIKey{ExpiresAt: &now} }, "name scopes expires_at"},
	} {
		t.Run(name, func(t *testing.T) {
			k := good
			test.bend(&k)
			var fields []string
			for _, e := range k.Normalize().Check(now) {
				fields = append(fields, e.Field)
			}
			if got := strings.Join(fields, " "); got != test.want {
				t.Errorf("%q", got)
			}
		})
	}
	k := training.NewAPIKey{Name: " HR ", Scopes: []string{"users:read", "me:read", "users:read"}}.Normalize()
	if k.Name != "HR" || !slices.Equal(k.Scopes, []string{"me:read", "users:read"}) {
		t.Errorf("%+v", k)
	}
}

func TestScopesAreSortedSoThatOneSetIsOneText(t *testing.T) {
	if scopes := training.Scopes(); !slices.IsSorted(scopes) || len(slices.Compact(slices.Clone(scopes))) != len(scopes) {
		t.Errorf("%q", scopes)
	}
}

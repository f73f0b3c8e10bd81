package training_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"

	"outpost/server/training"
)

func TestASlugIsMadeOfAName(t *testing.T) {
	for name, want := range map[string]string{
		"Nordwind Logistik GmbH": "nordwind-logistik-gmbh",
		"Müller & Söhne AG":      "mueller-soehne-ag",
		"MU\u0308LLER":           "mueller", // decomposed
		"Société d'Énergie":      "societe-denergie",
		"Łódź Østre Weiß":        "lodz-oestre-weiss",
		"  3M -- (Schweiz)  ":    "3m-schweiz",
		"株式会社":                   "",
		"Acme 株式会社":              "",
		"???":                    "",
		"":                       "",
	} {
		if got := training.SlugOf(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	if got := training.SlugOf(strings.Repeat("abcd ", 30)); len(got) > training.MaxSlug || strings.HasSuffix(got, "-") || !strings.HasPrefix(got, "abcd-abcd") {
		t.Errorf("a long name becomes %q", got)
	}
}

func TestCountriesAreThoseOfTheStandard(t *testing.T) {
	all := training.Countries()
	if len(all) != 249 || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("%d countries, want 249 in order", len(all))
	}
	for _, code := range all {
		if r, err := language.ParseRegion(code); err != nil || !r.IsCountry() || r.String() != code {
			t.Errorf("%s is no country: %v", code, err)
		}
	}
}

func said(errs []training.FieldError) string {
	names := make([]string, len(errs))
	for i, e := range errs {
		names[i] = e.Field
	}
	return strings.Join(names, " ")
}

func TestWhatIsWrongWithANewCompanyIsSaidAtOnce(t *testing.T) {
	for want, n := range map[string]training.NewCompany{
		"":             {Name: " Acme ", Country: "DE"},
		"name country": {Country: "ZZ"},
		"slug":         {Name: "株式会社", Country: "JP"},
		"slug country data_zone locale privacy_mode": {
			Name: "Acme", Slug: "Acme--X", Country: "de", Zone: "EU", Locale: "fr", PrivacyMode: "open",
		},
		"name": {Name: strings.Repeat("x", training.MaxCompanyName+1), Slug: "x", Country: "DE"},
	} {
		if got := said(n.Complete().Validate()); got != want {
			t.Errorf("%+v: %q, want %q", n, got, want)
		}
	}
	whole := training.NewCompany{Name: "Acme", Slug: "acme", Country: "DE", Zone: "global", Locale: "en", PrivacyMode: training.Aggregate}
	if got := (training.NewCompany{Name: " Acme ", Country: "DE"}).Complete(); got != whole {
		t.Errorf("what was left out is %+v", got)
	}
}

func TestAnAdminChangesWhatTheirCompanyDecides(t *testing.T) {
	name, country, locale, mode, yes := "Acme", "AT", "de", training.Individual, true
	no, empty, badMode := "xx", "", training.PrivacyMode("open")
	for i, c := range []struct {
		change          training.CompanyChange
		admin, platform string
	}{
		{training.CompanyChange{Name: &name, Locale: &locale, PrivacyMode: &mode}, "", ""},
		{training.CompanyChange{Country: &country, IsActive: &yes}, "country is_active", ""},
		{training.CompanyChange{Name: &empty, Locale: &empty, PrivacyMode: &badMode}, "name locale privacy_mode", "name locale privacy_mode"},
		{training.CompanyChange{Country: &no}, "country", "country"},
	} {
		for who, want := range map[training.Role]string{training.Admin: c.admin, training.PlatformAdmin: c.platform} {
			if got := said(c.change.Validate(training.Principal{Role: who})); got != want {
				t.Errorf("%d by %s: %q, want %q", i, who, got, want)
			}
		}
	}
}

func TestNobodyDeactivatesTheirOwnCompany(t *testing.T) {
	who := training.Principal{CompanyID: 1, Role: training.PlatformAdmin}
	for _, c := range []struct {
		id            int64
		before, after bool
		want          training.Code
	}{{1, true, false, training.Conflict}, {1, true, true, ""}, {1, false, false, ""}, {2, true, false, ""}, {2, false, true, ""}} {
		before := training.CompanyDetail{Company: training.Company{ID: c.id}, IsActive: c.before}
		after, differs := training.CompanyChange{IsActive: &c.after}.Apply(before)
		if err := training.MayChangeCompany(who, before, after); training.CodeOf(err) != c.want || differs != (c.before != c.after) {
			t.Errorf("%s: %v, differs %v", fmt.Sprint(c), err, differs)
		}
	}
}

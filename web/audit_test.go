package web

import (
	"encoding/json"
	"net/url"
	"reflect"
	"testing"

	"outpost/server/api/openapi"
)

func TestAuditChangesTellWhatWasAndWhatIs(t *testing.T) {
	for name, c := range map[string]struct {
		details string
		want    []auditChange
	}{
		"nothing":    {`{}`, nil},
		"an update":  {`{"update": {"name": ["A", "B"], "due_at": [null, "2026-12-31"]}}`, []auditChange{{"due_at", "–", "2026-12-31", true, true}, {"name", "A", "B", true, true}}},
		"an insert":  {`{"insert": {"id": 7, "scopes": ["a", "b"]}}`, []auditChange{{"id", "", "7", false, true}, {"scopes", "", `["a","b"]`, false, true}}},
		"a deletion": {`{"delete": {"name": "A"}}`, []auditChange{{"name", "A", "", true, false}}},
		"beside it":  {`{"people": 12}`, []auditChange{{"people", "", "12", false, true}}},
		"no columns": {`{"update": "all"}`, []auditChange{{"update", "", "all", false, true}}},
	} {
		got, err := auditChanges(json.RawMessage(c.details))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	if _, err := auditChanges(json.RawMessage(`[`)); err == nil {
		t.Error("details that are no object were read")
	}
}

func TestDaysBecomeTimes(t *testing.T) {
	for got, want := range map[string]string{
		dayStart("2026-12-31"): "2026-12-31T00:00:00Z", dayMorning("2026-12-31"): "2026-12-31T06:00:00Z",
		dayEnd("2026-12-31"): "2026-12-31T23:59:59Z", dayAfter("2026-12-31"): "2027-01-01T00:00:00Z", dayEnd("soon"): "soon",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRemindedTakesNumbersOnly(t *testing.T) {
	got := reminded(url.Values{"reminded": {"12"}, "skipped": {"3"}})
	if want := (openapi.ReminderOutcome{People: 12, Skipped: 3}); got == nil || *got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, query := range []string{"", "reminded=12", "reminded=-1&skipped=0", "reminded=many&skipped=0"} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := reminded(values); got != nil {
			t.Errorf("%q gives %+v", query, got)
		}
	}
}

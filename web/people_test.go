package web

import (
	"net/url"
	"slices"
	"testing"

	"outpost/server/api/openapi"
)

func TestReadTable(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		header []string
		rows   int
		second string
	}{
		"commas":            {"email,full_name\r\na@example.com,A\r\n,B\r\n", []string{"email", "full_name"}, 2, "B"},
		"semicolons":        {"\ufeffEMail ;full_name\n\"a;b\";A\nc@example.com;C\n", []string{"email", "full_name"}, 2, "c@example.com"},
		"Excel's separator": {"sep=\t\nemail\tfull_name\na\tA\nb\tB\n", []string{"email", "full_name"}, 2, "b"},
		"cells too few":     {"full_name,email\nA,a\nB\n", []string{"full_name", "email"}, 2, "B"},
		"what is no CSV":    {"email,full_name\na,A\n\"b", []string{"email", "full_name"}, 1, ""},
		"nothing":           {"", nil, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := readTable(c.text)
			if !slices.Equal(got.Header, c.header) || len(got.Rows) != c.rows || got.name(2) != c.second {
				t.Errorf("%q with %d rows, the second of %q; want %q, %d, %q", got.Header, len(got.Rows), got.name(2), c.header, c.rows, c.second)
			}
			for _, row := range got.First() {
				if len(row) != len(got.Header) {
					t.Errorf("%q does not fit the header", row)
				}
			}
		})
	}
}

func TestImportedNamesBadRows(t *testing.T) {
	id := int64(7)
	out := &openapi.BulkOutcome{Created: 1, Failed: 3, Rows: []openapi.BulkRow{
		{Row: 1, Id: &id}, {Row: 2, Errors: &[]openapi.FieldError{{Field: "email", Message: "must not be empty"}}},
	}}
	got := newImported(out, "email,full_name\na@example.com,A\n,B\n")
	if got.Good != 1 || got.Unsaid != 2 || len(got.Bad) != 1 || got.Bad[0].Person != "B" || got.Bad[0].Row != 2 {
		t.Errorf("%+v", got)
	}
}

func TestFreshNamesWhatDiffers(t *testing.T) {
	r := &Request{Locale: "en", Form: url.Values{"full_name": {" Ada "}, "department": {"Sales"}, "email": {"ada@example.com"}}}
	got := freshOf(r, &openapi.PersonDetail{FullName: "Ada", Email: "ada@example.com", Role: "manager"})
	if want := []fresh{{r.T("people.department"), "–", "Sales"}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestDriverWeighs(t *testing.T) {
	high, middle := 0.9, 0.6
	for want, c := range map[openapi.RiskComponentName]*openapi.AnalyticsComponents{
		"":         nil,
		"phishing": {Exposure: &high, Phishing: &middle},
		"exposure": {Exposure: &high},
	} {
		if got := (dashboard{}).Driver(openapi.AnalyticsPerson{Components: c}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

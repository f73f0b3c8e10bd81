package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"outpost/server/training"
)

// golden holds that a document is as it was when somebody last looked at it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "reports", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not as it was; if it is right, go test ./server/report -update:\n%s", name, differs(got, string(want)))
	}
}

func differs(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is\n%.400s\nwant\n%.400s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func TestReportsReadAsTheyShould(t *testing.T) {
	for _, kind := range []training.ReportType{training.GDPR, training.LearningNow, training.RiskNow} {
		for _, c := range []struct {
			name, locale string
			mode         training.PrivacyMode
		}{
			{"groups", "en", training.Aggregate},
			{"pseudonyms", "en", training.Pseudonymous},
			{"people", "de", training.Individual},
			{"own", "de", training.Aggregate},
		} {
			r, f := requested(kind, c.locale), staff(33, c.mode, c.locale)
			if c.name == "own" {
				r, f.people = own(r), f.people[5:6]
			}
			content := worked(t, r, f)
			name := string(kind) + "-" + c.name
			golden(t, name+".txt", strings.Join(pagesOf(t, written(t, content, training.PDF)), "\f\n"))
			golden(t, name+".csv", string(written(t, content, training.CSV)))
			golden(t, name+".json", string(written(t, content, training.JSON)))
			golden(t, name+".html", string(written(t, content, training.HTML)))
		}
	}
}

// What one would hand to an auditor is on every document, whatever it is about and in which language.
func TestEveryReportSaysWhatItIs(t *testing.T) {
	for _, kind := range training.ReportTypes() {
		for _, locale := range training.Locales() {
			t.Run(string(kind)+" "+locale, func(t *testing.T) {
				content := worked(t, requested(kind, locale), staff(63, training.Individual, locale))
				pages := pagesOf(t, written(t, content, training.PDF))
				first := strings.ReplaceAll(pages[0], "\n", " ")
				wants := map[string][]string{
					"de": {"Müller & Söhne GmbH", "9. März 2026, 12:30:00 UTC", "Umfang", "Methode", "Alle aktiven Personen von Müller & Söhne GmbH: 63.", "Personen mit Namen", "Prüfsumme des Inhalts (SHA-256)"},
					"en": {"Müller & Söhne GmbH", "9 March 2026, 12:30:00 UTC", "Scope", "Method", "All active people of Müller & Söhne GmbH: 63.", "People by name", "Content hash (SHA-256)"},
				}[locale]
				if kind.Framework() {
					wants = append(wants, map[string]string{"de": "Verordnung (EU) 2016/679, Datenschutz-Grundverordnung", "en": "Regulation (EU) 2016/679, General Data Protection Regulation"}[locale])
				}
				for _, want := range append(wants, content.Title, content.hash(), "4711") {
					if !strings.Contains(first, want) {
						t.Errorf("the first page lacks %q:\n%s", want, first)
					}
				}
				number := map[string]string{"de": "Seite %d von %d", "en": "Page %d of %d"}[locale]
				for i, page := range pages {
					if !strings.Contains(page, fmt.Sprintf(number, i+1, len(pages))) || !strings.Contains(page, content.hash()) {
						t.Errorf("page %d lacks its number or the hash:\n%s", i+1, page)
					}
				}
				page := string(written(t, content, training.HTML))
				for _, want := range []string{`<html lang="` + locale + `">`, "<title>" + content.Title, `<th scope="col"`, `<th scope="row"`, `<title id="chart-title">`, content.hash()} {
					if !strings.Contains(page, want) {
						t.Errorf("the page lacks %s", want)
					}
				}
				if strings.Contains(page, "<script") || strings.Contains(page, "http:") || strings.Contains(page, "https:") {
					t.Error("the page runs or loads something")
				}
			})
		}
	}
}

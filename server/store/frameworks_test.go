package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"outpost/server/store"
	"outpost/server/training"
)

func frameworkFixture() []string {
	return []string{
		`INSERT INTO courses (slug, category, minutes, is_published, default_locale) VALUES
			('both', 'email', 1, true, 'en'), ('english', 'email', 1, true, 'en'), ('bare', 'email', 1, true, 'en'), ('draft', 'email', 1, false, 'en')`,
		`INSERT INTO course_translations (course_id, locale, title) VALUES
			(1, 'en', 'Both'), (1, 'de', 'Beide'), (2, 'en', 'English'), (4, 'en', 'Draft')`,
		`INSERT INTO frameworks (code, name) VALUES ('z', 'Zed'), ('empty', 'Empty'), ('a', 'Ay')`,
		`INSERT INTO framework_translations (framework_id, locale, name, title) VALUES
			(1, 'en', 'Z', 'All of Z'), (1, 'de', 'Zett', 'Ganz Z')`,
		// A framework's order is not that of texts, nor of ids.
		`INSERT INTO requirements (framework_id, code, text, interval_months) VALUES
			(1, 'Art. 30', 'thirty', 12), (3, 'x', 'ex', NULL), (1, 'Art. 29', 'twenty-nine', 12), (1, 'Art. 5', 'five', 6)`,
		`INSERT INTO requirement_translations (requirement_id, locale, text) VALUES (4, 'de', 'fünf'), (3, 'en', 'English 29')`,
		`INSERT INTO requirement_courses (requirement_id, course_id) VALUES (4, 4), (4, 2), (4, 1), (2, 3), (3, 4)`,
	}
}

func TestFrameworksNameWhatSatisfiesThem(t *testing.T) {
	s := store.New(load(t, frameworkFixture()...))
	s.Finished = func(queries int) {
		if queries > 4 {
			t.Errorf("a read made %d queries", queries)
		}
	}
	for _, c := range []struct {
		locale      string
		unpublished bool
		want        string
	}{
		{"en", false, "z Z (All of Z): Art. 5 five 6 [1 both Both, 2 english English]; Art. 29 English 29 12 []; Art. 30 thirty 12 []\n" +
			"empty Empty (Empty): \n" +
			"a Ay (Ay): x ex 0 [3 bare bare]\n"},
		{"de", false, "z Zett (Ganz Z): Art. 5 fünf 6 [1 both Beide, 2 english English]; Art. 29 twenty-nine 12 []; Art. 30 thirty 12 []\n" +
			"empty Empty (Empty): \n" +
			"a Ay (Ay): x ex 0 [3 bare bare]\n"},
		{"en", true, "z Z (All of Z): Art. 5 five 6 [1 both Both, 2 english English, 4 draft Draft]; Art. 29 English 29 12 [4 draft Draft]; Art. 30 thirty 12 []\n" +
			"empty Empty (Empty): \n" +
			"a Ay (Ay): x ex 0 [3 bare bare]\n"},
	} {
		found, err := ask(t, s, func(ctx context.Context, q training.Queries) ([]training.Framework, error) {
			return q.Frameworks(ctx, c.locale, c.unpublished)
		})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, f := range found {
			b.WriteString(framework(f) + "\n")
		}
		if b.String() != c.want {
			t.Errorf("in %s:\n%swant\n%s", c.locale, b.String(), c.want)
		}
	}
}

func framework(f training.Framework) string {
	requirements := make([]string, len(f.Requirements))
	for i, r := range f.Requirements {
		courses := make([]string, len(r.Courses))
		for n, c := range r.Courses {
			courses[n] = fmt.Sprint(c.ID, " ", c.Slug, " ", c.Title)
		}
		requirements[i] = fmt.Sprintf("%s %s %d [%s]", r.Code, r.Text, r.Interval, strings.Join(courses, ", "))
	}
	return fmt.Sprintf("%s %s (%s): %s", f.Code, f.Name, f.Title, strings.Join(requirements, "; "))
}

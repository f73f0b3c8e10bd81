package store_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/store"
	"outpost/server/training"
	"outpost/server/training/search"
	"outpost/sql/seed"
)

// library is the catalogue, and lessons of it as courses of their own: many words, as people write
// them, and altogether no more courses than a page holds. It also gives those words, no more of them than
// there is time for, and all of some courses that are there for their words.
func library(t *testing.T) (statements, words []string) {
	t.Helper()
	catalogue, err := seed.Content()
	if err != nil {
		t.Fatal(err)
	}
	own, lessons := map[string]bool{}, map[string]bool{} // words
	number := 0
	add := func(seen map[string]bool, locale string, texts map[string][2]string) {
		number++
		statements = append(statements, fmt.Sprintf(
			`INSERT INTO courses (slug, category, minutes, is_published, default_locale) VALUES ('s%d', 'email', 1, true, '%s')`, number, locale))
		for l, text := range texts {
			statements = append(statements, fmt.Sprintf(
				`INSERT INTO course_translations (course_id, locale, title, description) VALUES (%d, '%s', %s, %s)`,
				number, l, literal(text[0]), literal(text[1])))
			for _, w := range strings.Fields(text[0] + " " + text[1]) {
				seen[w] = true
			}
		}
	}
	for _, c := range catalogue.Courses {
		texts := map[string][2]string{}
		for l, text := range c.Texts {
			texts[l] = [2]string{text.Title, text.Description}
		}
		add(lessons, c.DefaultLocale, texts)
		for _, lesson := range c.Lessons {
			if number >= 60 {
				break
			}
			texts := map[string][2]string{}
			for l, text := range lesson.Texts {
				texts[l] = [2]string{text.Title, text.Body}
			}
			add(lessons, c.DefaultLocale, texts)
		}
	}
	add(own, "de", map[string][2]string{"de": {"Nur auf Deutsch: Überwachung & Größe", "Straßenverkehr, Maße, Datenschutz-Grundverordnung, E-Mail, aenderung"}})
	add(own, "en", map[string][2]string{"en": {"English only: résumé, naïve café", "It's a user's data; don't re-use 2FA-codes. Œuvre, ﬁle, ＦＵＬＬ, Łódź"}})
	add(own, "fr", map[string][2]string{"fr": {"Les mots de passe", "Les données à caractère personnel, für alle"}})
	add(own, "en", map[string][2]string{"en": {"!?", ""}})
	add(own, "en", nil)
	most := 150
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		most = len(lessons)
	}
	words = slices.Sorted(maps.Keys(lessons))
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	words = words[:min(most, len(words))]
	return statements, append(words, slices.Sorted(maps.Keys(own))...)
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// postgresSearch is the text of Postgres' SearchCourses.
func postgresSearch(t *testing.T) string {
	t.Helper()
	file, err := os.ReadFile("../../sql/postgres/queries/courses.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(file), "-- name: SearchCourses :many\n")
	text, _, ended := strings.Cut(text, ";")
	if !found || !ended {
		t.Fatal("there is no query SearchCourses")
	}
	return text
}

// TestASearchFindsWhatPostgresFinds asks both engines for every word of the catalogue, for how words
// begin, for pairs of words and for what is no word at all.
func TestASearchFindsWhatPostgresFinds(t *testing.T) {
	statements, words := library(t)
	path := filepath.Join(t.TempDir(), "replica.db")
	url := replicate(t, path, statements...)
	s := store.New(open(t, path))
	conn, meaning := pgtest.Connect(t, url), postgresSearch(t)

	random := rand.New(rand.NewPCG(1, 2))
	one := func() string { return words[random.IntN(len(words))] }
	searches := slices.Clone(words)
	for range 60 {
		runes := []rune(one())
		searches = append(
			searches,
			string(runes[:1+random.IntN(len(runes))]), one()+" ", one()+" "+one(), strings.ToUpper(one())+"-"+one(),
			// Endings that no text has, for the stemmers.
			one()+[]string{"en", "er", "ungen", "heit", "lich", "ing", "ed", "s", "ation", "ly"}[random.IntN(10)],
		)
	}
	searches = append(
		searches,
		"ä", "ae", "a", "Ä", "maße", "masse", "MASSE", "straße", "strasse", "uberwachung", "ueberwachung", "überwachung", "ÜBERWACHUNG", "U\u0308berwachung",
		"grose", "groesse", "größe", "datenschutz", "grundverordnung", "datenschutzgrundverordnung", "daten schutz", "schutz", "email", "e-mail", "aenderung", "änderung",
		"resume", "naive CAFE", "user's", "don't", "reuse", "re-use", "2fa", "2", "oeuvre", "œuvre", "file", "full", "lodz", "donnees", "données", "mot", "mots", "passe",
		"fuer", "für", "der die das", "the", "it", "the it", "die d", "daten daten", "daten x daten", "die die", "data the", "the data ",
		`"`, `'`, `"daten`, `daten" OR "x`, "daten OR passwort", "NOT daten", "NEAR(daten passwort)", "title:daten", "daten*", "^daten", "-daten", "daten & !passwort", "(", "a:*", "\\", "%", "_",
		"𝓓𝓪𝓽𝓮𝓷", "ﬁ", "Ελλάδα", "данные", "数据", "🔒", "\u200b", "x\u0301y", strings.Repeat("a", 190), strings.Repeat("ß", 90),
	)
	found := 0
	var began time.Time
	var mine, theirs time.Duration
	for _, locale := range []string{"de", "en"} {
		for _, q := range searches {
			if len(q) > search.MaxBytes {
				t.Fatalf("%q is too long", q)
			}
			began = time.Now()
			rows, err := conn.Query(t.Context(), meaning, pgx.NamedArgs{"q": q, "locale": locale})
			if err != nil {
				t.Fatalf("Postgres, %q: %v", q, err)
			}
			want, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			if err != nil {
				t.Fatalf("Postgres, %q: %v", q, err)
			}
			theirs += time.Since(began)
			began = time.Now()
			have := everything(t, s, training.CourseFilter{Locale: locale, Search: search.Parse(q)})
			mine += time.Since(began)
			slices.Sort(have)
			if search.Parse(q).Given() && !slices.Equal(have, want) {
				t.Errorf("%s, %q: the replica finds %v, Postgres %v", locale, q, have, want)
			}
			found += len(have)
		}
	}
	if found < len(words) {
		t.Errorf("%d searches find %d courses: hardly a comparison", 2*len(searches), found)
	}
	t.Logf("%d searches in two locales, %d courses found; replica %v, Postgres %v", len(searches), found, mine, theirs)
}

// everything gives the ids of all that a filter finds, best first.
func everything(t *testing.T, s *store.Store, f training.CourseFilter) (ids []int64) {
	t.Helper()
	f.Page, f.Size, f.Sort, f.Parts = 1, 100, f.Sorts()[0], training.CourseRow
	page, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.Course], error) {
		return q.Courses(ctx, f)
	})
	if err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
	if page.Total != int64(len(page.Items)) {
		t.Errorf("%+v: a total of %d, and %d courses", f, page.Total, len(page.Items))
	}
	for _, c := range page.Items {
		ids = append(ids, c.ID)
	}
	return ids
}

// TestTheStopWordsAreThoseOfPostgres holds both lists to the files that Postgres' own dictionaries read.
func TestTheStopWordsAreThoseOfPostgres(t *testing.T) {
	url := replicate(t, filepath.Join(t.TempDir(), "replica.db"))
	conn := pgtest.Connect(t, url)
	for language, file := range map[string]string{"de": "german", "en": "english"} {
		rows, err := conn.Query(t.Context(), `
			SELECT DISTINCT form FROM pg_config, regexp_split_to_table(pg_read_file(setting || '/tsearch_data/' || $1 || '.stop'), '\s+') word,
			LATERAL regexp_split_to_table(course_words('', word), ' ') form WHERE name = 'SHAREDIR' AND form <> ''`, file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(want) < 100 {
			t.Fatalf("%d words, %v", len(want), err)
		}
		for _, w := range want {
			if terms := search.Parse("xyz " + w + " ").Terms(language); len(terms) != 1 || terms[0].Word != "xyz" {
				t.Errorf("%s: %s is no stop word: %+v", language, w, terms)
			}
		}
		rows, err = conn.Query(t.Context(), `SELECT unnest(stop_words($1))`, language)
		if err != nil {
			t.Fatal(err)
		}
		have, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("%s: stop_words gives %q, the file %q", language, have, want)
		}
	}
}

func TestASearchIsRankedPagedFilteredAndFallsBack(t *testing.T) {
	statements := []string{}
	add := func(category, locale, title, description string) {
		n := len(statements)/2 + 1
		statements = append(statements,
			fmt.Sprintf(`INSERT INTO courses (slug, category, minutes, is_published, default_locale) VALUES ('c%d', '%s', %d, %t, '%s')`, n, category, 10-n, category != "draft", locale),
			fmt.Sprintf(`INSERT INTO course_translations (course_id, locale, title, description) VALUES (%d, '%s', '%s', '%s')`, n, locale, title, description))
	}
	add("a", "de", "Sichere Post", "Passwort und Passwörter, Passwort, Passwort")
	add("a", "de", "Gute Passwörter", "Wie man sie wählt")
	add("b", "de", "Das Passwort", "")
	add("b", "en", "Password managers", "One passwort for all")
	add("draft", "de", "Passwort", "")
	statements = append(statements, `INSERT INTO course_translations (course_id, locale, title) VALUES (3, 'en', 'Passphrases')`)
	s := store.New(load(t, statements...))
	passwort := search.Parse("passwort")
	for name, c := range map[string]struct {
		filter training.CourseFilter
		want   []int64
	}{
		"the title first, and what is in no translation of the locale too": {training.CourseFilter{Locale: "de", Search: passwort}, []int64{2, 3, 1, 4}},
		"the very word before its forms":                                   {training.CourseFilter{Locale: "de", Search: search.Parse("Passwörter")}, []int64{2, 3, 1, 4}},
		"what has a translation is searched in it":                         {training.CourseFilter{Locale: "en", Search: passwort}, []int64{2, 1, 4}},
		"by category":               {training.CourseFilter{Locale: "de", Search: passwort, Category: "b"}, []int64{3, 4}},
		"by level":                  {training.CourseFilter{Locale: "de", Search: passwort, Level: training.Advanced}, nil},
		"drafts, for those who may": {training.CourseFilter{Locale: "de", Search: passwort, Unpublished: true}, []int64{2, 3, 5, 1, 4}},
		"all words":                 {training.CourseFilter{Locale: "de", Search: search.Parse("post passw")}, []int64{1}},
		"nothing":                   {training.CourseFilter{Locale: "de", Search: search.Parse("!?")}, nil},
	} {
		if got := everything(t, s, c.filter); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for _, sort := range training.SearchSorts() {
		var byPage, byKey []string
		for page := 1; page <= 2; page++ {
			p, err := ask(t, s, courses(t, training.CourseFilter{Locale: "de", Search: passwort, Paging: training.Paging{Page: page, Size: 2, Sort: sort}}))
			if err != nil || p.Total != 4 || (p.NextAfter == "") != (page == 2) {
				t.Fatalf("%s, page %d: %+v, %v", sort, page, p, err)
			}
			byPage = append(byPage, slugs(p)...)
		}
		for after := ""; ; {
			p, err := ask(t, s, courses(t, training.CourseFilter{Locale: "de", Search: passwort, Paging: training.Paging{Size: 1, Sort: sort, After: after}}))
			if err != nil {
				t.Fatal(err)
			}
			byKey = append(byKey, slugs(p)...)
			if after = p.NextAfter; after == "" {
				break
			}
		}
		if len(byPage) != 4 || !slices.Equal(byPage, byKey) {
			t.Errorf("%s: %v by page, %v by key", sort, byPage, byKey)
		}
	}
	for _, f := range []training.CourseFilter{
		{Paging: training.Paging{Sort: training.Relevance}},
		{Paging: training.Paging{Sort: training.Relevance, Desc: true}, Search: passwort},
		{Paging: training.Paging{Sort: training.Relevance, After: "%"}, Search: passwort},
	} {
		if _, err := ask(t, s, courses(t, f)); training.CodeOf(err) != training.Invalid {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestOnlyTheWantedPartsOfACourseAreRead(t *testing.T) {
	s := reader(t)
	for parts, want := range map[training.CourseParts]training.Course{
		0:                          {Locale: "de", Title: "Anfang", Lessons: 3},
		training.CourseRow:         {},
		training.CourseText:        {Locale: "de", Title: "Anfang"},
		training.CourseDescription: {Locale: "de"},
		training.CourseLessonCount: {Lessons: 3},
	} {
		c, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.CourseDetail, error) {
			return q.Course(ctx, training.CourseRef{IDOrSlug: "c1", Locale: "de", Parts: parts})
		})
		if err != nil {
			t.Fatal(err)
		}
		if c.Locale != want.Locale || c.Title != want.Title || c.Lessons != want.Lessons || c.Slug != "c1" || c.Version == 0 {
			t.Errorf("%b: %+v", parts, c)
		}
		if (c.Contents != nil) != parts.Has(training.CourseContents) {
			t.Errorf("%b: contents %v", parts, c.Contents)
		}
	}
}

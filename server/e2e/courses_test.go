package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	neturl "net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/training"
)

// TestCourses searches, writes and reads courses through edges.
func TestCourses(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd", "iad"})
	w.startInside(nil)
	t.Run("a search", func(t *testing.T) { coursesAreFound(t, w) })
	t.Run("fields", func(t *testing.T) { onlyTheFieldsAreGiven(t, w) })
	t.Run("writing", func(t *testing.T) { coursesAreWritten(t, w) })
	t.Run("what people have done stays", func(t *testing.T) { progressSurvives(t, w) })
	t.Run("the answers stay in Postgres", func(t *testing.T) { answersStay(t, w) })
}

type foundCourses struct {
	Items []struct {
		ID          int64  `json:"id"`
		Slug        string `json:"slug"`
		Title       string `json:"title"`
		Locale      string `json:"locale"`
		IsPublished bool   `json:"is_published"`
	}
	Total     int    `json:"total"`
	NextAfter string `json:"next_after"`
}

func (c *client) search(api, query string, headers ...string) (found foundCourses, slugs []string) {
	c.t.Helper()
	c.get(api+"/api/v1/courses?"+query, headers...).into(c.t, &found)
	for _, item := range found.Items {
		slugs = append(slugs, item.Slug)
	}
	return found, slugs
}

func coursesAreFound(t *testing.T, w *world) {
	learner := w.as(t, "syd", "user1@example.com")
	for _, c := range []struct{ locale, q, slug string }{
		{"de", "Passwörter", "passwords-and-passkeys"},
		{"de", "PASSWORTER", "passwords-and-passkeys"},
		{"de", "passwoerter ", "passwords-and-passkeys"},
		{"de", "passw", "passwords-and-passkeys"},
		{"en", "passkey", "passwords-and-passkeys"},
		{"en", "the passwords", "passwords-and-passkeys"},
		{"en", "phish", "phishing"},
		{"en", `"recognise" phishing`, "phishing"},
	} {
		found, slugs := learner.search(w.api("syd"), "locale="+c.locale+"&q="+neturl.QueryEscape(c.q))
		if !slices.Contains(slugs, c.slug) || found.Total != len(slugs) {
			t.Errorf("%q in %s finds %v of %d", c.q, c.locale, slugs, found.Total)
		}
		if found.Items[0].Locale != c.locale {
			t.Errorf("%q in %s is answered in %s", c.q, c.locale, found.Items[0].Locale)
		}
	}
	for _, q := range []string{"xyzzy", "!", `"`, `'`, "OR", "NEAR(xyzzy", "*", "a* AND xyzzy(", "\x00", "\xff\xfe", "phishing xyzzy", "-", "title:phishing xyz", "🔒", "%", strings.Repeat("z", 200)} {
		a := learner.get(w.api("syd") + "/api/v1/courses?locale=en&q=" + neturl.QueryEscape(q))
		var found foundCourses
		if a.into(t, &found); found.Total != 0 && q != "OR" {
			t.Errorf("%q finds %s", q, a.body)
		}
	}
	for _, query := range []string{"q=" + strings.Repeat("z", 201), "q=a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q", "sort=relevance", "q=a&sort=-relevance", "q=a&after=x", "level=none", "fields=body"} {
		learner.must(http.StatusUnprocessableEntity, http.MethodGet, w.api("syd")+"/api/v1/courses?"+query, nil).problem(t)
	}
	// Whoever has no locale of their own gets their browser's, from the cache too.
	pgtest.Exec(t, w.url, "UPDATE users SET locale = '' WHERE email = 'user3@example.com'")
	anybody, at := w.as(t, "syd", "user3@example.com"), w.now(t, "syd")
	for _, language := range []string{"de", "en-GB, de;q=0.5", "de", "en"} {
		found, _ := anybody.search(w.api("syd"), "q=phishing", "Accept-Language", language, "Outpost-Position", at)
		if len(found.Items) == 0 || found.Items[0].Locale != language[:2] {
			t.Errorf("%s: %+v", language, found)
		}
	}
}

func onlyTheFieldsAreGiven(t *testing.T, w *world) {
	learner := w.as(t, "syd", "user1@example.com")
	if a := learner.get(w.api("syd") + "/api/v1/courses/phishing?fields=id,lesson_count&locale=en"); !bytes.HasPrefix(a.body, []byte(`{"id":`)) || bytes.Contains(a.body, []byte(`"lesson_count":0`)) || bytes.Contains(a.body, []byte("title")) {
		t.Errorf("%s", a.body)
	}
	if a := learner.get(w.api("syd") + "/api/v1/courses?q=phishing&fields=slug,title&locale=en"); !bytes.Contains(a.body, []byte(`{"slug":"phishing","title":"`)) || bytes.Contains(a.body, []byte(`"title":""`)) {
		t.Errorf("%s", a.body)
	}
}

// marked is a course whose answers can be searched for.
func marked(slug string) training.CourseSource {
	text := func(s string) map[string]training.LessonSourceText {
		return map[string]training.LessonSourceText{"en": {Title: s, Body: "# " + s}}
	}
	return training.CourseSource{
		Slug: slug, Category: "email", Level: training.Beginner, IsPublished: true, DefaultLocale: "en",
		Translations: map[string]training.SourceText{"en": {Title: "Quarantined zebras", Description: "Of stripes."}, "de": {Title: "Zebras unter Quarantäne"}},
		Lessons: []training.LessonSource{
			{Kind: training.TextLesson, Minutes: 2, Translations: text("One")},
			{Kind: training.TextLesson, Minutes: 2, Translations: text("Two")},
			{Kind: training.QuizLesson, Minutes: 2, Translations: text("Three"), Quiz: &training.QuizSource{PassPercent: 50, Questions: []training.QuestionSource{{
				Kind: training.SingleChoice, Translations: map[string]training.QuestionSourceText{"en": {Text: "Which?", Explanation: marker}},
				Options: []training.OptionSource{
					{IsRight: true, Translations: map[string]training.OptionSourceText{"en": {Text: "This"}}},
					{Translations: map[string]training.OptionSourceText{"en": {Text: "That"}}},
				},
			}}}},
		},
	}
}

func coursesAreWritten(t *testing.T, w *world) {
	author, learner := w.as(t, "syd", "admin@example.com"), w.as(t, "iad", "user1@example.com")
	courses := func(region string) string { return w.api(region) + "/api/v1/courses" }
	_, before := learner.search(w.api("iad"), "q=zebras&locale=en")
	if len(before) > 0 {
		t.Fatalf("there are zebras: %v", before)
	}
	for method, path := range map[string]string{"POST": "", "PUT": "/phishing", "DELETE": "/phishing"} {
		learner.must(http.StatusForbidden, method, courses("iad")+path, marked("mine")).problem(t)
	}
	learner.must(http.StatusForbidden, http.MethodGet, courses("iad")+"/phishing/source", nil).problem(t)

	a := author.must(http.StatusCreated, http.MethodPost, courses("syd"), marked("zebras"))
	var made training.CourseSource
	a.into(t, &made)
	if a.header.Get("Location") != "/api/v1/courses/zebras" || made.Lessons[2].Quiz.Questions[0].Translations["en"].Explanation != marker {
		t.Errorf("%v %s", a.header, a.body)
	}
	author.must(http.StatusConflict, http.MethodPost, courses("syd"), marked("zebras")).problem(t)
	// Read by its position at another edge, in a list that was cached before, and found by its words.
	for locale, q := range map[string]string{"en": "zebra", "de": "quarantan"} {
		found, slugs := learner.search(w.api("iad"), "q="+q+"&locale="+locale, "Outpost-Position", a.position())
		if !slices.Equal(slugs, []string{"zebras"}) || found.Items[0].Locale != locale {
			t.Errorf("%s: %+v", locale, found)
		}
	}
	shown := learner.get(courses("iad")+"/zebras", "Outpost-Position", a.position())
	if version, _, _ := strings.Cut(shown.header.Get("ETag"), "."); version != fmt.Sprintf(`"%d`, made.Version) {
		t.Errorf("the ETag at the edge is %s, the version %d", shown.header.Get("ETag"), made.Version)
	}
	source := author.get(courses("syd") + "/zebras/source")
	if source.header.Get("ETag") != a.header.Get("ETag") || !bytes.Equal(source.body, a.body) {
		t.Errorf("the source is %s, was %s", source.body, a.body)
	}

	// A change, by whoever saw the newest.
	made.Translations["en"] = training.SourceText{Title: "Okapis", Description: "Of stripes."}
	put := author.must(http.StatusOK, http.MethodPut, courses("syd")+"/zebras", made, "If-Match", shown.header.Get("ETag"))
	author.must(http.StatusPreconditionFailed, http.MethodPut, courses("syd")+"/zebras", made, "If-Match", shown.header.Get("ETag")).problem(t)
	if _, slugs := learner.search(w.api("iad"), "q=zebra&locale=en", "Outpost-Position", put.position()); len(slugs) != 0 {
		t.Errorf("what it was called before finds it: %v", slugs)
	}
	if _, slugs := learner.search(w.api("iad"), "q=okapi&locale=en", "Outpost-Position", put.position()); len(slugs) != 1 {
		t.Error("what it is called now does not find it")
	}
	// Withdrawn: nobody sees it but who writes courses.
	made.IsPublished = false
	put = author.must(http.StatusOK, http.MethodPut, courses("syd")+"/zebras", made)
	if _, slugs := learner.search(w.api("iad"), "q=okapi&locale=en", "Outpost-Position", put.position()); len(slugs) != 0 {
		t.Errorf("a withdrawn course is found: %v", slugs)
	}
	learner.must(http.StatusNotFound, http.MethodGet, courses("iad")+"/zebras", nil, "Outpost-Position", put.position()).problem(t)
	if _, slugs := author.search(w.api("syd"), "q=okapi&locale=en", "Outpost-Position", put.position()); len(slugs) != 1 {
		t.Error("its author does not find it")
	}
	gone := author.must(http.StatusNoContent, http.MethodDelete, courses("syd")+"/zebras", nil)
	author.must(http.StatusNotFound, http.MethodGet, courses("iad")+"/zebras", nil, "Outpost-Position", gone.position()).problem(t)
	author.must(http.StatusNotFound, http.MethodDelete, courses("syd")+"/zebras", nil).problem(t)
	author.must(http.StatusConflict, http.MethodDelete, courses("syd")+"/phishing", nil).problem(t)

	// Two writes of one key are one.
	first := author.must(http.StatusCreated, http.MethodPost, courses("syd"), marked("okapis"), "Idempotency-Key", "okapis-1")
	again := author.must(http.StatusCreated, http.MethodPost, courses("iad"), marked("okapis"), "Idempotency-Key", "okapis-1")
	if !bytes.Equal(first.body, again.body) {
		t.Errorf("%s and %s", first.body, again.body)
	}
}

func progressSurvives(t *testing.T, w *world) {
	author, learner := w.as(t, "syd", "admin@example.com"), w.as(t, "iad", "user2@example.com")
	var made training.CourseSource
	a := author.must(http.StatusCreated, http.MethodPost, w.api("syd")+"/api/v1/courses", marked("gnus"))
	a.into(t, &made)
	learner.get(w.api("iad")+"/api/v1/courses/gnus", "Outpost-Position", a.position())
	e, _ := learner.enroll(w.api("iad"), "gnus")
	learner.must(http.StatusOK, http.MethodPut, enrollmentURL(w.api("iad"), e.ID)+"/lessons/2", map[string]int{"seconds": 5})

	fewer := made
	fewer.Lessons = made.Lessons[:2]
	author.must(http.StatusConflict, http.MethodPut, w.api("syd")+"/api/v1/courses/gnus", fewer).problem(t)
	moved := made
	moved.Lessons = []training.LessonSource{made.Lessons[1], made.Lessons[0], made.Lessons[2]}
	put := author.must(http.StatusOK, http.MethodPut, w.api("syd")+"/api/v1/courses/gnus", moved)
	var after struct {
		LessonsDone int `json:"lessons_done"`
		Progress    []struct {
			LessonID int64 `json:"lesson_id"`
			Lesson   int   `json:"lesson"`
		} `json:"progress"`
	}
	learner.get(enrollmentURL(w.api("iad"), e.ID), "Outpost-Position", put.position()).into(t, &after)
	if after.LessonsDone != 1 || len(after.Progress) != 1 || after.Progress[0].LessonID != made.Lessons[1].ID {
		t.Errorf("%+v", after)
	}
	author.must(http.StatusConflict, http.MethodDelete, w.api("syd")+"/api/v1/courses/gnus", nil).problem(t)
}

func answersStay(t *testing.T, w *world) {
	learner := w.as(t, "iad", "user1@example.com")
	at := w.now(t, "iad")
	for _, path := range []string{"/okapis", "/okapis/lessons/3", "?q=okapi&locale=en", "?q=gnus"} {
		a := learner.get(w.api("iad")+"/api/v1/courses"+path, "Outpost-Position", at)
		if bytes.Contains(a.body, []byte(marker)) || bytes.Contains(a.body, []byte("is_right")) {
			t.Errorf("%s shows what is right: %s", path, a.body)
		}
	}
	var kept int
	if err := pgtest.Connect(t, w.url).QueryRow(t.Context(), "SELECT count(*) FROM question_explanations WHERE text = $1", marker).Scan(&kept); err != nil || kept != 2 {
		t.Errorf("%d explanations, %v: the search would find nothing", kept, err)
	}
	for _, region := range w.regions {
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(w.replicaFile(region) + suffix)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte(marker)) || bytes.Contains(b, []byte("question_keys")) {
				t.Errorf("the replica of %s holds the answers", region)
			}
		}
	}
}

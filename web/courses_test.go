package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

func bilingual() training.CourseSource {
	return training.CourseSource{DefaultLocale: "en", Translations: map[string]training.SourceText{"en": {Title: "A"}, "de": {Title: "B"}}}
}

// form is a request with a form, of names and values in turn.
func form(pairs ...string) *Request {
	r := &Request{Locale: "de", Form: url.Values{}}
	for i := 0; i < len(pairs); i += 2 {
		r.Form.Set(pairs[i], pairs[i+1])
	}
	return r
}

func TestMoveExchangesNeighbours(t *testing.T) {
	for _, c := range []struct{ direction, id, want string }{
		{"up", "2", "2 1 3"}, {"down", "2", "1 3 2"}, {"up", "1", "1 2 3"}, {"down", "3", "1 2 3"},
	} {
		items := []string{"1", "2", "3"}
		if err := move(items, c.direction, c.id, func(s string) int64 { return int64(s[0] - '0') }); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(items, " "); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.direction, c.id, got, c.want)
		}
	}
	if p, ok := asProblem(move([]int64{1}, "up", "7", func(n int64) int64 { return n })); !ok || p.Status != http.StatusNotFound {
		t.Errorf("what is not there: %v", p)
	}
}

func TestAQuestionIsReadWithoutItsEmptyRows(t *testing.T) {
	s := bilingual()
	r := form("kind", "single", "translations.en.text", " Why?\r\nHow? ", "options[0].translations.en.text", "Yes", "options[0].id", "7",
		"options[2].translations.en.text", "No", "options[2].is_right", "true")
	q, err := r.readQuestion(&s, "", training.QuestionSource{ID: 5})
	if err != nil {
		t.Fatal(err)
	}
	if q.ID != 5 || q.Translations["en"].Text != "Why?\nHow?" || len(q.Translations) != 1 || len(q.Options) != 2 ||
		q.Options[0].ID != 7 || q.Options[0].IsRight || q.Options[1].ID != 0 || !q.Options[1].IsRight {
		t.Errorf("%+v", q)
	}
	for want, change := range map[string][2]string{
		"options":                         {"options[0].is_right", "true"},
		"options[3].translations.en.text": {"options[3].translations.de.text", "Vielleicht"},
	} {
		again := form()
		for name, values := range r.Form {
			again.Form[name] = values
		}
		again.Form.Set(change[0], change[1])
		_, err := again.readQuestion(&s, "", training.QuestionSource{})
		if p, ok := asProblem(err); !ok || p.Field(want) == "" {
			t.Errorf("%v: %v, want a problem with %s", change, err, want)
		}
	}
	r.Form.Del("options[2].is_right")
	if _, err := r.readQuestion(&s, "", training.QuestionSource{}); err == nil {
		t.Error("no answer is right, and that is no problem")
	}
}

func TestALanguageGoesOnlyWhenNoLessonIsInIt(t *testing.T) {
	s := bilingual()
	s.Lessons = []training.LessonSource{{Translations: map[string]training.LessonSourceText{"en": {Title: "x"}}}}
	r := form("default_locale", "en", "translations.en.title", "A")
	if err := r.readCourse(&s); err != nil || len(s.Translations) != 1 {
		t.Errorf("%v, %v", err, s.Translations)
	}
	s = bilingual()
	s.Lessons = []training.LessonSource{{Translations: map[string]training.LessonSourceText{"de": {Title: "x"}}}}
	if p, ok := asProblem(r.readCourse(&s)); !ok || p.Field("translations.de.title") == "" {
		t.Errorf("%v", p)
	}
}

func TestWhyACourseWasNotWrittenIsSaidInTheReadersLanguage(t *testing.T) {
	r := form()
	for _, c := range []struct {
		status      int
		field, want string
	}{
		{412, "", "author.outdated"},
		{409, "", "author.inuse"},
		{409, "slug", "author.slug.taken"},
		{409, "lessons", "author.undo.lesson"},
		{409, "lessons[2].kind", "author.undo.lesson"},
		{409, "lessons[2].quiz.questions", "author.undo.answer"},
		{409, "lessons[2].quiz.questions[0].options", "author.undo.answer"},
	} {
		p := &Problem{Status: c.status, Detail: "in English"}
		if c.field != "" {
			p.Fields = []openapi.FieldError{{Field: c.field, Message: "x"}}
		}
		if got, ok := asProblem(explainCourse(r, p, "")); !ok || got.Detail != r.T(c.want) {
			t.Errorf("%d %s: %v", c.status, c.field, got)
		}
	}
	p := &Problem{Status: 422, Fields: []openapi.FieldError{{Field: "lessons[2].translations.de.title"}}}
	if err := explainCourse(r, p, "lessons[2]."); !errors.Is(err, p) || p.Fields[0].Field != "translations.de.title" {
		t.Errorf("%+v", p)
	}
}

func TestAFormKeepsTheVersionItWasMadeOf(t *testing.T) {
	r := form()
	if got := r.FormVersion(4); got != "4" {
		t.Error(got)
	}
	r = form("version", "3")
	for status, want := range map[int]string{0: "3", 422: "3", 409: "3", 412: "4"} {
		if r.Problem = nil; status != 0 {
			r.Problem = &Problem{Status: status}
		}
		if got := r.FormVersion(4); got != want {
			t.Errorf("after %d: %s, want %s", status, got, want)
		}
	}
}

func TestCountriesAreInOrderOfTheirNames(t *testing.T) {
	list := countries("de")
	at := func(code string) int {
		for i, c := range list {
			if c.Value == code {
				return i
			}
		}
		t.Fatalf("%s is missing", code)
		return 0
	}
	if len(list) != len(training.Countries()) || at("AT") > at("PL") || country("de", "AT") != "Österreich" || country("en", "AT") != "Austria" {
		t.Errorf("%v", list[at("AT")])
	}
}

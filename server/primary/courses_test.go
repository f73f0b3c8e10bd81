package primary_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
)

var author = training.Principal{UserID: 5, CompanyID: 1, Role: training.PlatformAdmin, Locale: "en", Zone: "eu"}

const makeAuthor = `INSERT INTO users (company_id, data_zone, email, full_name, role) VALUES (1, 'eu', 'author@example.com', 'Author', 'platform_admin')`

// phishing is a course of a text, a video and a quiz, whose right options all come first.
func phishing() training.CourseSource {
	year := 365
	quiz := &training.QuizSource{PassPercent: 70}
	for i := range 12 {
		q := training.QuestionSource{Kind: training.SingleChoice, Translations: map[string]training.QuestionSourceText{
			"en": {Text: fmt.Sprintf("Question %d?", i), Explanation: "Because."}, "de": {Text: fmt.Sprintf("Frage %d?", i), Explanation: "Darum."},
		}}
		for j := range 4 {
			q.Options = append(q.Options, training.OptionSource{IsRight: j == 0, Translations: map[string]training.OptionSourceText{
				"en": {Text: fmt.Sprintf("Answer %d", j)}, "de": {Text: fmt.Sprintf("Antwort %d", j)},
			}})
		}
		quiz.Questions = append(quiz.Questions, q)
	}
	return training.CourseSource{
		Slug: "spear-phishing", Category: "email", Level: training.Advanced, IsPublished: true, ValidityDays: &year, DefaultLocale: "en",
		Translations: map[string]training.SourceText{"en": {Title: "Spear phishing", Description: "Aimed."}, "de": {Title: "Gezieltes Phishing"}},
		Lessons: []training.LessonSource{
			{Kind: training.TextLesson, Minutes: 4, Translations: map[string]training.LessonSourceText{"en": {Title: "Bait", Body: "# Bait"}, "de": {Title: "Köder"}}},
			{Kind: training.VideoLesson, Minutes: 3, VideoURL: "https://example.com/v", Translations: map[string]training.LessonSourceText{"en": {Title: "Film"}}},
			{Kind: training.QuizLesson, Minutes: 5, Translations: map[string]training.LessonSourceText{"en": {Title: "Quiz"}}, Quiz: quiz},
		},
	}
}

func TestACourseIsWrittenReadAndWrittenAgain(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		var seen observed
		p, url := open(t, mode, func(c *primary.Config) { c.Observe = seen.see })
		pgtest.Exec(t, url, makeAuthor)
		seen.take()
		made, lsn, err := p.CreateCourse(t.Context(), author, phishing())
		if err != nil || lsn == 0 {
			t.Fatal(err)
		}
		if types, n := seen.take(); n >= 5 {
			t.Errorf("%d statements: %v", n, types)
		}
		if made.ID == 0 || made.Minutes != 12 || made.Version < 1 || made.Lessons[2].Quiz.Questions[11].Options[3].ID == 0 {
			t.Errorf("%+v", made)
		}
		for _, name := range []string{made.Slug, fmt.Sprint(made.ID)} {
			if got, err := p.CourseSource(t.Context(), name); err != nil || !reflect.DeepEqual(got, made) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		// The same again changes nothing, with ids and without.
		for name, s := range map[string]training.CourseSource{"with ids": made, "without": phishing()} {
			seen.take()
			again, _, err := p.PutCourse(t.Context(), author, made.Slug, made.Version, s)
			if err != nil || !reflect.DeepEqual(again, made) {
				t.Errorf("%s: %+v, %v", name, again, err)
			}
			if types, n := seen.take(); n >= 5 {
				t.Errorf("%s: %d statements: %v", name, n, types)
			}
		}
		// What is right and why is in no table that is published.
		if n := value[int64](t, url, `SELECT count(*) FROM pg_publication_tables WHERE pubname = 'outpost' AND tablename IN ('question_keys', 'question_explanations')`); n != 0 {
			t.Error("the answers are published")
		}
		if n := value[int64](t, url, `SELECT count(DISTINCT position) FROM options o JOIN question_keys k ON k.option_id = o.id WHERE o.course_id = $1`, made.ID); n < 2 {
			t.Error("the right option of each question stands at the same place")
		}
		if n := value[int64](t, url, `SELECT count(DISTINCT o.id - (SELECT min(x.id) FROM options x WHERE x.question_id = o.question_id))
			FROM options o JOIN question_keys k ON k.option_id = o.id WHERE o.course_id = $1`, made.ID); n < 2 {
			t.Error("the right option of each question has the same id among them")
		}
		if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE action = 'createCourse' AND actor_id = 5 AND subject = 'courses' AND subject_id = $1`, made.ID); n != 1 {
			t.Errorf("%d entries in the audit log", n)
		}
	})
}

func TestPuttingACourseKeepsWhatPeopleHaveDone(t *testing.T) {
	p, url := open(t)
	pgtest.Exec(t, url, makeAuthor)
	made, _, err := p.CreateCourse(t.Context(), author, phishing())
	if err != nil {
		t.Fatal(err)
	}
	put := func(change func(s *training.CourseSource)) (training.CourseSource, error) {
		t.Helper()
		s, err := p.CourseSource(t.Context(), made.Slug)
		if err != nil {
			t.Fatal(err)
		}
		change(&s)
		got, _, err := p.PutCourse(t.Context(), author, made.Slug, 0, s)
		return got, err
	}
	// While nobody has begun, everything may go.
	got, err := put(func(s *training.CourseSource) {
		s.Lessons = []training.LessonSource{s.Lessons[2], s.Lessons[0]}
		s.Lessons[0].Quiz.Questions = slices.Delete(s.Lessons[0].Quiz.Questions, 0, 2)
		delete(s.Translations, "de")
		delete(s.Lessons[1].Translations, "de")
		for i := range s.Lessons[0].Quiz.Questions {
			delete(s.Lessons[0].Quiz.Questions[i].Translations, "de")
			for j := range s.Lessons[0].Quiz.Questions[i].Options {
				delete(s.Lessons[0].Quiz.Questions[i].Options[j].Translations, "de")
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Version <= made.Version || got.Minutes != 9 || len(got.Translations) != 1 || len(got.Lessons[1].Translations) != 1 ||
		got.Lessons[0].ID != made.Lessons[2].ID || got.Lessons[1].ID != made.Lessons[0].ID ||
		got.Lessons[0].Quiz.Questions[0].ID != made.Lessons[2].Quiz.Questions[2].ID {
		t.Fatalf("%+v", got)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM option_translations t JOIN options o ON o.id = t.option_id WHERE o.course_id = $1`, made.ID); n != 40 {
		t.Errorf("%d texts of options are left", n)
	}

	e, _, _, err := p.Enroll(t.Context(), learner, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.RecordProgress(t.Context(), learner, e.ID, 2, 10); err != nil {
		t.Fatal(err)
	}
	quiz := got.Lessons[0].Quiz
	chosen := quiz.Questions[0].Options[1]
	pgtest.Exec(
		t, url,
		fmt.Sprintf(`INSERT INTO quiz_attempts (company_id, data_zone, user_id, enrollment_id, quiz_id, number, score, passed) VALUES (1, 'eu', 1, %d, %d, 1, 50, false)`, e.ID, quiz.ID),
		fmt.Sprintf(`INSERT INTO quiz_attempt_answers (quiz_attempt_id, question_id, option_id) VALUES (1, %d, %d)`, quiz.Questions[0].ID, chosen.ID),
	)
	for name, change := range map[string]func(s *training.CourseSource){
		"a lesson goes":             func(s *training.CourseSource) { s.Lessons = s.Lessons[:1] },
		"a quiz becomes a text":     func(s *training.CourseSource) { s.Lessons[0].Kind, s.Lessons[0].Quiz = training.TextLesson, nil },
		"an answered question goes": func(s *training.CourseSource) { q := s.Lessons[0].Quiz; q.Questions = q.Questions[1:] },
		"a chosen option goes": func(s *training.CourseSource) {
			q := &s.Lessons[0].Quiz.Questions[0]
			q.Options = slices.DeleteFunc(q.Options, func(o training.OptionSource) bool { return o.ID == chosen.ID })
		},
	} {
		if _, err := put(change); training.CodeOf(err) != training.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(s *training.CourseSource){
		"another course's lesson": func(s *training.CourseSource) { s.Lessons[0].ID = 1 },
		"a lesson twice":          func(s *training.CourseSource) { s.Lessons[1] = s.Lessons[0] },
		"another's option":        func(s *training.CourseSource) { s.Lessons[0].Quiz.Questions[0].Options[0].ID = 1 },
	} {
		if _, err := put(change); training.CodeOf(err) != training.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What may still be done: texts, what is right, places, and more of everything.
	got, err = put(func(s *training.CourseSource) {
		s.Lessons = append([]training.LessonSource{{Kind: training.TextLesson, Minutes: 1, Translations: map[string]training.LessonSourceText{"en": {Title: "New"}}}}, s.Lessons...)
		q := &s.Lessons[1].Quiz.Questions[0]
		for i := range q.Options {
			q.Options[i].IsRight = q.Options[i].ID == chosen.ID
		}
		q.Options = append(q.Options, training.OptionSource{Translations: map[string]training.OptionSourceText{"en": {Text: "Another"}}})
		q.Translations["en"] = training.QuestionSourceText{Text: "Changed?", Explanation: "Changed."}
	})
	if err != nil {
		t.Fatal(err)
	}
	question := got.Lessons[1].Quiz.Questions[0]
	if got.Lessons[0].ID == 0 || len(question.Options) != 5 || question.Translations["en"].Explanation != "Changed." {
		t.Errorf("%+v", got)
	}
	for _, o := range question.Options {
		if o.IsRight != (o.ID == chosen.ID) {
			t.Errorf("%+v", question.Options)
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM lesson_progress WHERE enrollment_id = $1 AND lesson_id = $2`, e.ID, made.Lessons[0].ID); n != 1 {
		t.Error("the progress is gone")
	}
}

func TestCoursesAreRefusedAndDeleted(t *testing.T) {
	p, url := open(t)
	pgtest.Exec(t, url, makeAuthor)
	taken := phishing()
	taken.Slug = "one"
	_, _, err := p.CreateCourse(t.Context(), author, taken)
	var refused *training.Error
	if training.CodeOf(err) != training.Conflict || !errors.As(err, &refused) || len(refused.Fields) != 1 || refused.Fields[0].Field != "slug" {
		t.Errorf("a slug that is taken: %+v", err)
	}
	made, _, err := p.CreateCourse(t.Context(), author, phishing())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.PutCourse(t.Context(), author, made.Slug, 0, taken); training.CodeOf(err) != training.Conflict {
		t.Errorf("PUT with a slug that is taken: %v", err)
	}
	if _, _, err := p.PutCourse(t.Context(), author, made.Slug, made.Version+1, made); training.CodeOf(err) != training.Precondition {
		t.Errorf("another version: %v", err)
	}
	if _, _, err := p.PutCourse(t.Context(), author, "none", 0, made); training.CodeOf(err) != training.NotFound {
		t.Errorf("no course: %v", err)
	}
	if _, err := p.CourseSource(t.Context(), "999"); training.CodeOf(err) != training.NotFound {
		t.Errorf("no course's source: %v", err)
	}
	demoted := author
	demoted.UserID = 1
	if _, _, err := p.CreateCourse(t.Context(), demoted, taken); training.CodeOf(err) != training.Unauthorized {
		t.Errorf("somebody who is no platform admin any more: %v", err)
	}
	if _, _, _, err := p.Enroll(t.Context(), learner, 1); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]training.Code{"one": training.Conflict, "none": training.NotFound} {
		if _, err := p.DeleteCourse(t.Context(), author, name, 0); training.CodeOf(err) != want {
			t.Errorf("deleting %s: %v", name, err)
		}
	}
	if _, err := p.DeleteCourse(t.Context(), author, made.Slug, made.Version+1); training.CodeOf(err) != training.Precondition {
		t.Errorf("deleting another version: %v", err)
	}
	if _, err := p.DeleteCourse(t.Context(), author, made.Slug, made.Version); err != nil {
		t.Error(err)
	}
	left := value[int64](t, url, `SELECT (SELECT count(*) FROM courses WHERE id = $1) + (SELECT count(*) FROM lesson_translations WHERE course_id = $1)
		+ (SELECT count(*) FROM options WHERE course_id = $1)`, made.ID)
	if left != 0 {
		t.Errorf("%d rows are left", left)
	}
}

func TestTheVersionMovesWithTheAnswers(t *testing.T) {
	p, url := open(t)
	pgtest.Exec(t, url, makeAuthor)
	made, _, err := p.CreateCourse(t.Context(), author, phishing())
	if err != nil {
		t.Fatal(err)
	}
	before := made.Version
	for _, change := range []string{
		`UPDATE question_explanations SET text = 'Otherwise.' WHERE question_id = $1`,
		`DELETE FROM question_keys WHERE question_id = $1`,
		`UPDATE lesson_translations SET body = body || '.' WHERE course_id = (SELECT course_id FROM questions WHERE id = $1)`,
		`UPDATE option_translations SET text = text || '.' FROM options o WHERE o.id = option_id AND o.question_id = $1`,
	} {
		pgtest.Exec(t, url, strings.ReplaceAll(change, "$1", fmt.Sprint(made.Lessons[2].Quiz.Questions[0].ID)))
		after := value[int64](t, url, `SELECT version FROM courses WHERE id = $1`, made.ID)
		if after != before+1 {
			t.Errorf("%s: from version %d to %d", change, before, after)
		}
		before = after
	}
}

package training_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"outpost/server/training"
)

// keys are two questions: 1, of whose options 11 is right, and 2, of whose 21 and 22 are.
func keys() []training.Key {
	return []training.Key{
		{QuestionID: 1, Options: map[int64]bool{11: true, 12: false}},
		{QuestionID: 2, Multiple: true, Options: map[int64]bool{21: true, 22: true, 23: false}},
	}
}

func answer(question int64, options ...int64) training.Answer {
	return training.Answer{QuestionID: question, OptionIDs: options}
}

func TestGradingTakesExactlyTheRightSet(t *testing.T) {
	for _, c := range []struct {
		answers []training.Answer
		want    []bool
	}{
		{nil, []bool{false, false}},
		{[]training.Answer{answer(1, 11), answer(2, 22, 21)}, []bool{true, true}},
		{[]training.Answer{answer(2, 21), answer(1, 12)}, []bool{false, false}},
		{[]training.Answer{answer(2, 21, 22, 23)}, []bool{false, false}},
		{[]training.Answer{answer(1), answer(2)}, []bool{false, false}},
		{[]training.Answer{answer(1, 11)}, []bool{true, false}},
	} {
		got, wrong := training.Grade(keys(), c.answers)
		if !reflect.DeepEqual(got, c.want) || wrong != nil {
			t.Errorf("%v: %v, %v, want %v", c.answers, got, wrong, c.want)
		}
	}
	// A question without a right option is a mistake of whoever wrote it, and no gift.
	if got, _ := training.Grade([]training.Key{{QuestionID: 1, Multiple: true}}, []training.Answer{answer(1)}); got[0] {
		t.Error("naming nothing is right where nothing is")
	}
}

func TestWhatIsNoAnswerIsNamed(t *testing.T) {
	for _, c := range []struct {
		answers []training.Answer
		fields  string
	}{
		{[]training.Answer{answer(3, 11)}, "answers[0].question_id"},
		{[]training.Answer{answer(1, 11), answer(1, 12)}, "answers[1].question_id"},
		{[]training.Answer{answer(1, 21)}, "answers[0].option_ids[0]"},
		{[]training.Answer{answer(1, 11, 12)}, "answers[0].option_ids"},
		{[]training.Answer{answer(2, 21, 21)}, "answers[0].option_ids[1]"},
		{[]training.Answer{answer(1, 99), answer(9), answer(2, 11, 22)}, "answers[0].option_ids[0] answers[1].question_id answers[2].option_ids[0]"},
	} {
		_, wrong := training.Grade(keys(), c.answers)
		var fields []string
		for _, w := range wrong {
			fields = append(fields, w.Field)
		}
		if got := strings.Join(fields, " "); got != c.fields {
			t.Errorf("%v: %q, want %q", c.answers, got, c.fields)
		}
	}
}

func TestScoreIsAWholePercentage(t *testing.T) {
	for _, c := range []struct{ right, of, want int }{{0, 0, 0}, {0, 8, 0}, {1, 8, 13}, {5, 8, 63}, {1, 3, 33}, {2, 3, 67}, {8, 8, 100}} {
		right := make([]bool, c.of)
		for i := range c.right {
			right[i] = true
		}
		if got := training.Score(right); got != c.want {
			t.Errorf("%d of %d: %d, want %d", c.right, c.of, got, c.want)
		}
	}
}

func TestWhatIsRightIsToldWhenItHelpsNobody(t *testing.T) {
	for _, c := range []struct {
		limit, used int
		passed      bool
		left        string
		reveals     bool
	}{
		{0, 9, false, "any", false}, {0, 9, true, "any", true}, {3, 2, false, "1", false}, {3, 2, true, "1", true}, {3, 3, false, "0", true}, {3, 4, false, "0", true},
	} {
		left := training.AttemptsLeft(c.limit, c.used)
		got := "any"
		if left != nil {
			got = fmt.Sprint(*left)
		}
		if got != c.left || training.Reveals(c.passed, left) != c.reveals {
			t.Errorf("%+v: %s left, revealed %v", c, got, training.Reveals(c.passed, left))
		}
	}
}

func TestTheNetworkHasItsGrace(t *testing.T) {
	s := training.Start{EndsAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	if s.Late(s.EndsAt.Add(training.Grace)) || !s.Late(s.EndsAt.Add(training.Grace+1)) {
		t.Error("an attempt is late after the grace and not before")
	}
}

func TestCertificateCodesAreReadAsPeopleTypeThem(t *testing.T) {
	var random [training.CodeBytes]byte
	for i := range random {
		random[i] = byte(9*i + 3)
	}
	code := training.CertificateCode(random)
	if len(code) != 34 || strings.Count(code, "-") != 6 {
		t.Fatalf("the code is %q", code)
	}
	plain := strings.ReplaceAll(code, "-", "")
	misread := strings.NewReplacer("0", "o", "1", "l").Replace(strings.ToLower(code))
	for _, typed := range []string{code, plain, strings.ToLower(code), misread, strings.ReplaceAll(code, "-", " ")} {
		if got, ok := training.ParseCertificateCode(typed); !ok || got != code {
			t.Errorf("%q is read as %q, %v", typed, got, ok)
		}
	}
	for _, typed := range []string{"", "1234", code + "0", code[1:], strings.Replace(code, code[:1], "U", 1), strings.Repeat("-", 100), plain[:27] + "é", "\x00\xff"} {
		if got, ok := training.ParseCertificateCode(typed); ok {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
}

func FuzzParseCertificateCode(f *testing.F) {
	f.Add("Q960-AG16-AN3Z-E0VF-FZ9K-JSZ9-T6R4")
	f.Add("q960ag16an3zeovf fz9kjsz9t6r4")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := training.ParseCertificateCode(typed)
		if !ok {
			return
		}
		if again, ok := training.ParseCertificateCode(code); !ok || again != code || len(code) != 34 {
			t.Errorf("%q is %q, which is %q, %v", typed, code, again, ok)
		}
	})
}

func TestACertificateKnowsWhenItChangesByItself(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	soon := now.Add(time.Hour)
	c := training.Certificate{ExpiresAt: &soon}
	if c.StatusAt(now) != training.CertificateValid || !c.ValidUntil(now).Equal(soon) || c.StatusAt(soon) != training.CertificateExpired || !c.ValidUntil(soon).IsZero() {
		t.Error("it is valid until it expires")
	}
	c.RevokedAt = &now
	if c.StatusAt(now) != training.CertificateRevoked || c.StatusAt(soon) != training.CertificateRevoked || !c.ValidUntil(now).IsZero() {
		t.Error("what is revoked stays so")
	}
}

func TestNextLessonIsTheFirstThatIsNotDone(t *testing.T) {
	done := func(positions ...int) (out []training.Progress) {
		for _, p := range positions {
			out = append(out, training.Progress{Lesson: p})
		}
		return out
	}
	for _, c := range []struct {
		done []training.Progress
		want int
	}{{nil, 1}, {done(1), 3}, {done(3), 1}, {done(1, 3), 4}, {done(4, 3, 1), 0}} {
		if got := training.NextLesson([]int32{1, 3, 4}, c.done); got != c.want {
			t.Errorf("after %v: %d, want %d", c.done, got, c.want)
		}
	}
	if training.NextLesson(nil, nil) != 0 {
		t.Error("a course without lessons has a next one")
	}
}

func TestACourseIsCompletedOnce(t *testing.T) {
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	rules := training.Completion{Lessons: 2, ValidityDays: 10}
	half, completed := rules.Advance(training.Standing{Status: training.Assigned}, 1, at)
	if completed || half.Status != training.InProgress || half.CompletedAt != nil {
		t.Errorf("half: %+v", half)
	}
	whole, completed := rules.Advance(half, 2, at)
	if !completed || whole.Status != training.Completed || !whole.CompletedAt.Equal(at) || !whole.ExpiresAt.Equal(at.AddDate(0, 0, 10)) {
		t.Errorf("whole: %+v", whole)
	}
	if again, completed := rules.Advance(whole, 2, at.Add(time.Hour)); completed || again != whole {
		t.Errorf("again: %+v", again)
	}
}

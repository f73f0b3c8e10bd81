package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"outpost/server/api/openapi"
)

// quizPart is a quiz on its lesson's page.
type quizPart struct {
	openapi.QuizDetail
	Tries     openapi.Attempts
	Questions []quizQuestion
	Number    int                    // of the attempt that is next
	Ends      *time.Time             // when the attempt that runs has to be in; nil: none runs, or there is no limit
	Result    *openapi.AttemptResult // of the attempt that was handed in just now
}

// quizQuestion is a question with what was answered.
type quizQuestion struct {
	openapi.Question
	Multi   bool
	Options []quizOption
	Graded  *openapi.GradedQuestion
}

type quizOption struct {
	openapi.Option
	Chosen bool
}

// Name is that of a question's fields in the form.
func (q quizQuestion) Name() string { return fmt.Sprintf("q%d", q.Id) }

// Out says whether no attempt is left.
func (p *quizPart) Out() bool { return p.Tries.AttemptsLeft != nil && *p.Tries.AttemptsLeft == 0 }

// Limit is the time limit in minutes; 0: none.
func (p *quizPart) Limit() int {
	if p.TimeLimitSeconds == nil {
		return 0
	}
	return (*p.TimeLimitSeconds + 59) / 60
}

// Asks says whether the questions are to be shown.
func (p *quizPart) Asks() bool {
	return !p.Tries.Passed && !p.Out() && (p.TimeLimitSeconds == nil || p.Ends != nil)
}

// quiz reads a quiz with one's attempts. The end of an attempt that runs is told when it is started, and
// stands in the page's address from then on.
func (r *Request) quiz(id int64) (*quizPart, error) {
	p := new(quizPart)
	if err := r.Get(fmt.Sprintf("/quizzes/%d", id), &p.QuizDetail); err != nil {
		return nil, err
	}
	if err := r.Get(fmt.Sprintf("/quizzes/%d/attempts", id), &p.Tries); err != nil {
		return nil, err
	}
	p.Number = len(p.Tries.Attempts) + 1
	if ends, err := time.Parse(time.RFC3339, r.Query.Get("ends")); err == nil && p.TimeLimitSeconds != nil {
		p.Ends = &ends
	}
	for _, q := range p.QuizDetail.Questions {
		shown := quizQuestion{Question: q, Multi: q.Kind == openapi.Multiple}
		for _, o := range q.Options {
			shown.Options = append(shown.Options, quizOption{o, has(r.Form[shown.Name()], o.Id)})
		}
		p.Questions = append(p.Questions, shown)
	}
	return p, nil
}

func has(values []string, id int64) bool {
	for _, v := range values {
		if v == strconv.FormatInt(id, 10) {
			return true
		}
	}
	return false
}

// startQuiz begins an attempt with a time limit, or goes on with the one that runs.
func startQuiz(r *Request, lesson openapi.Lesson) (string, error) {
	if lesson.Quiz == nil {
		return "", NotFound()
	}
	if _, err := r.enrolled(lesson.CourseId); err != nil {
		return "", err
	}
	var s openapi.QuizStart
	if err := r.Post(fmt.Sprintf("/quizzes/%d/start", lesson.Quiz.Id), nil, &s); err != nil {
		return "", err
	}
	return coursePath(lesson.CourseSlug, lesson.Position) + "?ends=" + url.QueryEscape(s.EndsAt.UTC().Format(time.RFC3339)), nil
}

// submitQuiz hands an attempt in and shows what became of it. What was right is told then and never
// again, so it is the answer to the form; loading that again shows it again and uses up no attempt.
func submitQuiz(r *Request, lesson openapi.Lesson) (string, error) {
	if lesson.Quiz == nil {
		return "", NotFound()
	}
	enrollment, err := r.enrolled(lesson.CourseId)
	if err != nil {
		return "", err
	}
	in, err := answers(r.Form)
	if err != nil {
		return "", Invalid("answers", r.T("quiz.answers.wrong"))
	}
	number, err := strconv.Atoi(r.Form.Get("number"))
	if err != nil {
		return "", Invalid("number", r.T("quiz.answers.wrong"))
	}
	var result openapi.AttemptResult
	key := fmt.Sprintf("page-%d-%d-%d", lesson.Quiz.Id, enrollment, number)
	if err := r.Once(key, fmt.Sprintf("/quizzes/%d/attempts", lesson.Quiz.Id), in, &result); err != nil {
		if p, ok := asProblem(err); ok && p.Field("Idempotency-Key") != "" {
			return "", &Problem{Status: http.StatusConflict, Detail: r.T("quiz.twice")}
		}
		return "", err
	}
	view, err := showLesson(r)
	if err != nil {
		return "", err
	}
	view.Data.(*lessonPage).Quiz.grade(&result)
	r.Answer = &view
	return "", nil
}

// grade puts the result beside the questions.
func (p *quizPart) grade(result *openapi.AttemptResult) {
	p.Result = result
	for i := range p.Questions {
		for n := range result.Questions {
			if result.Questions[n].QuestionId == p.Questions[i].Id {
				p.Questions[i].Graded = &result.Questions[n]
			}
		}
	}
}

// answers reads the fields of the questions: q113=450, once for each option that was chosen. They are
// always in the same order, so that the same form is the same request.
func answers(form url.Values) (openapi.AttemptRequest, error) {
	in := openapi.AttemptRequest{Answers: []openapi.Answer{}}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		digits, ok := strings.CutPrefix(name, "q")
		if !ok {
			continue
		}
		question, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return in, err
		}
		a := openapi.Answer{QuestionId: question}
		for _, v := range form[name] {
			option, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return in, err
			}
			a.OptionIds = append(a.OptionIds, option)
		}
		in.Answers = append(in.Answers, a)
	}
	return in, nil
}

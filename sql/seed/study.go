package seed

import (
	"math"
	"time"
)

// study takes a person through so many lessons from a moment on, in sittings: several lessons in a row,
// then a break of hours or days. The quiz comes last, with as many attempts as it takes. What would happen
// after the enrollment closes does not.
func (e *enrollment) study(at time.Time, lessons int) {
	rng, rhythm := e.person.rng, e.person.company.rhythm
	for i := range lessons {
		switch {
		case i == 0:
		case chance(rng, 20):
			at = rhythm.within(rng, at.Add(time.Hour))
		default:
			at = at.Add(time.Duration(3+rng.IntN(100)) * time.Second)
		}
		if i == len(e.course.lessons)-1 {
			e.takeQuiz(at)
			return
		}
		seconds := e.seconds(i)
		at = at.Add(time.Duration(seconds) * time.Second)
		if !at.Before(e.closes) {
			return
		}
		e.done = append(e.done, done{at, seconds})
	}
}

// seconds is how long a lesson took: those who care less read faster than it is meant.
func (e *enrollment) seconds(lesson int) int {
	minutes, rng := float64(e.course.Lessons[lesson].Minutes), e.person.rng
	return int(60 * minutes * (0.45 + 0.7*rng.Float64() + 0.1*e.person.care*rng.Float64()))
}

// takeQuiz tries until the quiz is passed, there are no attempts left or the person has had enough.
// After a failure the next attempt comes minutes later, or another day.
func (e *enrollment) takeQuiz(at time.Time) {
	rng, rhythm, quiz := e.person.rng, e.person.company.rhythm, &e.course.Quiz
	most := quiz.MaxAttempts
	if most == 0 {
		most = 10
	}
	for n := range most {
		switch {
		case n == 0:
		case chance(rng, 6):
			return
		case chance(rng, 65):
			at = at.Add(time.Duration(60+rng.IntN(1200)) * time.Second)
		default:
			at = rhythm.within(rng, at.Add(8*time.Hour))
		}
		seconds, counted := e.seconds(len(e.course.lessons)-1), 0
		if quiz.TimeLimitSeconds > 0 {
			seconds = min(seconds, quiz.TimeLimitSeconds)
			counted = seconds
		}
		at = at.Add(time.Duration(seconds) * time.Second)
		if !at.Before(e.closes) {
			return
		}
		score := e.score(n)
		passed := score >= quiz.PassPercent
		e.attempts = append(e.attempts, attempt{at, counted, score, passed})
		if passed {
			e.done = append(e.done, done{at, seconds})
			return
		}
	}
}

// score is what comes of answering each question for itself, in percent: better with care and with
// every attempt, worse the harder the course.
func (e *enrollment) score(before int) int {
	rng, questions := e.person.rng, len(e.course.Quiz.Questions)
	known := 1.25 + 0.4*e.person.care + 0.3*float64(before)
	switch e.course.Level {
	case "intermediate":
		known -= 0.15
	case "advanced":
		known -= 0.4
	}
	right, p := 0, odds(known)
	for range questions {
		if happens(rng, p) {
			right++
		}
	}
	return int(math.Round(100 * float64(right) / float64(questions)))
}

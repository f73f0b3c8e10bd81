package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Profile(ctx context.Context, companyID int64) (training.CompanyProfile, error) {
	if companyID == 0 {
		active, err := runPlain(ctx, q, "active_total", q.sql.ActiveTotal)
		return training.CompanyProfile{Privacy: training.Aggregate, ActiveUsers: int(active)}, err
	}
	r, err := run(ctx, q, "company_profile", q.sql.CompanyProfile, companyID)
	if err != nil {
		return training.CompanyProfile{}, notFound(err, "company")
	}
	return training.CompanyProfile{
		ID: r.ID, Name: r.Name, Locale: r.Locale, Privacy: training.PrivacyMode(r.PrivacyMode), ActiveUsers: int(r.ActiveUsers),
	}, nil
}

func (q *queries) PopularCourses(ctx context.Context, companyID int64, locale string, limit int) ([]training.PopularCourse, error) {
	rows, err := run(ctx, q, "popular_courses", q.sql.PopularCourses, sqlite.PopularCoursesParams{
		Locale: locale, CompanyID: companyID, People: training.MinGroup, Size: int64(limit),
	})
	if err != nil {
		return nil, err
	}
	courses := make([]training.PopularCourse, len(rows))
	for i, r := range rows {
		courses[i] = training.PopularCourse{
			CourseID: r.ID, Slug: r.Slug, Title: r.Title, Enrollments: int(r.Enrollments), Completed: int(r.Completed),
		}
	}
	return courses, nil
}

func (q *queries) Requirements(ctx context.Context, framework, locale string) ([]training.Requirement, error) {
	rows, err := run(ctx, q, "requirements", q.sql.Requirements, sqlite.RequirementsParams{Locale: locale, Framework: framework})
	if err != nil {
		return nil, err
	}
	requirements := make([]training.Requirement, len(rows))
	var n numbers
	for i, r := range rows {
		requirements[i] = training.Requirement{ID: r.ID, Framework: r.Framework, Code: r.Code, Text: r.Text, Interval: int(r.IntervalMonths)}
		for _, course := range strings.Fields(r.Courses) {
			requirements[i].Courses = append(requirements[i].Courses, n.of(course))
		}
	}
	slices.SortFunc(requirements, func(a, b training.Requirement) int {
		return cmp.Or(cmp.Compare(a.Framework, b.Framework), compareCodes(a.Code, b.Code))
	})
	return requirements, n.err
}

// compareCodes orders as the frameworks count: 5.4 before 12.6.
func compareCodes(a, b string) int {
	for a != "" && b != "" {
		i, j := digits(a), digits(b)
		if i > 0 && j > 0 {
			if c := cmp.Or(cmp.Compare(i, j), cmp.Compare(a[:i], b[:j])); c != 0 {
				return c
			}
		} else if i, j = 1, 1; a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[i:], b[j:]
	}
	return cmp.Compare(a, b)
}

// digits is how many s begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

// Facts streams one query, so that its cost in memory is one person's. It is timed with what each
// does.
func (q *queries) Facts(ctx context.Context, f training.FactFilter, each func(*training.PersonFacts) error) error {
	first, last := int64(1), int64(maxID)
	if f.UserID != 0 {
		first, last = f.UserID, f.UserID
	}
	query, args := any(q.sql.Facts), []any{int64(f.Want), f.CompanyID, first, last}
	if f.CompanyID == 0 {
		query, args = q.sql.FactsEverywhere, []any{int64(f.Want), first, last}
	}
	_, err := timed(ctx, q, "facts", query, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, q.facts(ctx, textOf(query), args, each)
	})
	return err
}

// facts runs the query by its text: the generated method would hold all of its rows at once.
func (q *queries) facts(ctx context.Context, text string, args []any, each func(*training.PersonFacts) error) (err error) {
	rows, err := q.tx.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var r sqlite.FactsRow
	var facts factReader
	for rows.Next() {
		if err := rows.Scan(&r.ID, &r.CompanyID, &r.Department, &r.JobRisk, &r.FullName, &r.Email, &r.Pseudonym,
			&r.Duties, &r.Events, &r.LastQuiz, &r.Requirements); err != nil {
			return err
		}
		if err := facts.read(&r); err != nil {
			return fmt.Errorf("of user %d: %w", r.ID, err)
		}
		if err := each(&facts.person); err != nil {
			return err
		}
	}
	return rows.Err()
}

// factReader makes a person of a row, in the room of the one before.
type factReader struct {
	person    training.PersonFacts
	campaigns []int64 // of the person's simulations
	sent      []bool  // of these: when is known
	quiz      int
}

func (f *factReader) read(r *sqlite.FactsRow) error {
	p := &f.person
	p.UserID, p.CompanyID, p.FullName, p.Email, p.Pseudonym = r.ID, r.CompanyID, r.FullName, r.Email, r.Pseudonym
	p.Department, p.JobRisk, p.LastQuiz = r.Department, r.JobRisk, nil
	if r.LastQuiz >= 0 {
		f.quiz, p.LastQuiz = int(r.LastQuiz), &f.quiz
	}
	var err error
	if p.Requirements == nil { // the same in every row
		p.Requirements, err = requirementCourses(r.Requirements)
	}
	return errors.Join(err, f.duties(r.Duties), f.simulations(r.Events))
}

// duties reads "id course cycle status due started completed expires;…".
func (f *factReader) duties(text string) error {
	f.person.Duties = f.person.Duties[:0]
	var n numbers
	var t times
	for text != "" {
		var c cells
		c.rest, text, _ = strings.Cut(text, ";")
		d := training.Duty{EnrollmentID: n.of(c.next()), CourseID: n.of(c.next()), Cycle: int(n.of(c.next()))}
		status := training.EnrollmentStatus(c.next())
		d.Open = status == training.Assigned || status == training.InProgress
		t.instant(c.next(), &d.DueAt)
		t.instant(c.next(), &d.StartedAt)
		t.instant(c.next(), &d.CompletedAt)
		t.instant(c.next(), &d.ExpiresAt)
		f.person.Duties = append(f.person.Duties, d)
	}
	return errors.Join(n.err, t.err)
}

// simulations reads "campaign kind occurred;…". Events come late and in any order: whoever did
// something in a campaign was reached by it, at the latest then.
func (f *factReader) simulations(text string) error {
	f.person.Simulations, f.campaigns, f.sent = f.person.Simulations[:0], f.campaigns[:0], f.sent[:0]
	var n numbers
	var t times
	for text != "" {
		var c cells
		c.rest, text, _ = strings.Cut(text, ";")
		campaign, kind, at := n.of(c.next()), c.next(), t.at(c.next())
		i := slices.Index(f.campaigns, campaign)
		if i < 0 {
			i = len(f.campaigns)
			f.campaigns, f.sent = append(f.campaigns, campaign), append(f.sent, false)
			f.person.Simulations = append(f.person.Simulations, training.Simulation{SentAt: at})
		}
		s := &f.person.Simulations[i]
		switch kind {
		case "sent":
			s.SentAt, f.sent[i] = at, true
		case "clicked":
			s.Clicked = true
		case "submitted":
			s.Submitted = true
		case "reported":
			s.Reported = true
		}
		if !f.sent[i] && at.Before(s.SentAt) {
			s.SentAt = at
		}
	}
	return errors.Join(n.err, t.err)
}

// requirementCourses reads "requirement course;…".
func requirementCourses(text string) ([]training.Requirement, error) {
	var requirements []training.Requirement
	var n numbers
	for text != "" {
		var c cells
		c.rest, text, _ = strings.Cut(text, ";")
		id, course := n.of(c.next()), n.of(c.next())
		i := slices.IndexFunc(requirements, func(r training.Requirement) bool { return r.ID == id })
		if i < 0 {
			i = len(requirements)
			requirements = append(requirements, training.Requirement{ID: id})
		}
		requirements[i].Courses = append(requirements[i].Courses, course)
	}
	return requirements, n.err
}

// cells are fields between blanks.
type cells struct{ rest string }

func (c *cells) next() (cell string) {
	cell, c.rest, _ = strings.Cut(c.rest, " ")
	return cell
}

// numbers reads several and remembers the first error.
type numbers struct{ err error }

func (n *numbers) of(s string) int64 {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil && n.err == nil {
		n.err = fmt.Errorf("the replica holds %q where a number should be: %w", s, err)
	}
	return v
}

package report

import (
	"context"
	"fmt"
	"slices"
	"time"

	"outpost/server/training"
)

// facts are all that a report is made of, as they were in one transaction.
type facts struct {
	at           time.Time // for which the figures are worked out
	company      training.CompanyProfile
	framework    framework              // of a report about one
	requirements []training.Requirement // its
	courses      map[int64]string       // titles in the report's language, by id
	people       []training.PersonFacts // by id
}

// framework is what a framework is called.
type framework struct {
	Code  string `json:"code"`
	Name  string `json:"name"`
	Title string `json:"title"` // in full
}

// fetch waits until the replica has what was asked about, and reads it.
func (m *Maker) fetch(ctx context.Context, r training.Report) (facts, error) {
	if err := m.Fresh(ctx); err != nil {
		return facts{}, fmt.Errorf("waiting for the replica: %w", err)
	}
	var f facts
	_, err := m.Read(ctx, func(q training.Queries) (err error) {
		f = facts{at: m.Now().UTC()} // the read may be begun anew
		return f.read(ctx, q, r)
	})
	return f, err
}

func (f *facts) read(ctx context.Context, q training.Queries, r training.Report) (err error) {
	if f.company, err = q.Profile(ctx, r.SubjectID); err != nil {
		return err
	}
	if r.Type.Framework() {
		if err := f.readFramework(ctx, q, r); err != nil {
			return err
		}
	}
	if f.courses, err = titles(ctx, q, r.Locale); err != nil {
		return err
	}
	filter := training.FactFilter{CompanyID: r.SubjectID, Want: wanted(r.Type)}
	if r.Scope == training.OwnReport {
		filter.UserID = r.RequestedBy
	}
	err = q.Facts(ctx, filter, func(p *training.PersonFacts) error {
		kept := *p
		kept.Duties, kept.Simulations = slices.Clone(p.Duties), slices.Clone(p.Simulations)
		if p.LastQuiz != nil {
			percent := *p.LastQuiz
			kept.LastQuiz = &percent
		}
		f.people = append(f.people, kept)
		return nil
	})
	if err == nil && r.Scope == training.OwnReport && len(f.people) == 0 {
		err = training.Errorf(training.NotFound, "There is no such person, or they are not active.")
	}
	return err
}

// readFramework reads what the framework is called and what it asks for.
func (f *facts) readFramework(ctx context.Context, q training.Queries, r training.Report) error {
	all, err := q.Frameworks(ctx, r.Locale, true)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(f training.Framework) bool { return f.Code == string(r.Type) })
	if at < 0 {
		return training.Errorf(training.NotFound, "There is no such framework.")
	}
	f.framework = framework{all[at].Code, all[at].Name, all[at].Title}
	f.requirements, err = q.Requirements(ctx, string(r.Type), r.Locale)
	return err
}

// wanted is what a report of a type needs of each person. What it does not need it cannot show.
func wanted(t training.ReportType) training.Fact {
	if t == training.RiskNow {
		return training.FactNames | training.FactDuties | training.FactSimulations | training.FactQuiz
	}
	return training.FactNames | training.FactDuties
}

// titles are those of all courses, of unpublished ones too: somebody may have completed one.
func titles(ctx context.Context, q training.Queries, locale string) (map[int64]string, error) {
	all := map[int64]string{}
	filter := training.CourseFilter{
		Paging: training.Paging{Page: 1, Size: training.MaxSize, Sort: training.CourseSorts()[0]},
		Locale: locale, Unpublished: true, Parts: training.CourseText,
	}
	for {
		page, err := q.Courses(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, course := range page.Items {
			all[course.ID] = course.Title
		}
		if !page.HasNext() {
			return all, nil
		}
		filter.After = page.NextAfter
	}
}

package primary

import (
	"context"
	"time"

	"outpost/replicate/change"
	"outpost/server/mail"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// RemindOverdue writes a reminder now to every active person of the principal's company who is chosen and has
// anything overdue, all of it in one letter, unless they had such a letter on the same day of UTC. It is
// beside those that Remind writes. Of what nobody has overdue there is nothing to remind, which is no error.
func (p *Primary) RemindOverdue(ctx context.Context, who training.Principal, r training.ReminderRequest) (training.ReminderOutcome, change.LSN, error) {
	out, lsn, err := operate(ctx, p, operation{"remind", who, r}, func(q *pgsql.Queries, at time.Time) (training.ReminderOutcome, error) {
		return remindOverdue(ctx, q, who, r, at)
	})
	if err == nil && out.People > 0 {
		p.outbox.wake()
	}
	return out, lsn, err
}

func remindOverdue(ctx context.Context, q *pgsql.Queries, who training.Principal, r training.ReminderRequest, at time.Time) (out training.ReminderOutcome, err error) {
	c, err := q.ReminderContext(ctx, pgsql.ReminderContextParams{
		UserID: r.UserID, CourseID: r.CourseID, Department: r.Department, CompanyID: who.CompanyID, At: at, Most: training.MaxReminded + 1,
	})
	switch {
	case err != nil:
		return out, err
	case !c.HasUser:
		return out, training.Errorf(training.NotFound, "There is no such user.")
	case !c.HasCourse:
		return out, training.InvalidField("course_id", "is no course of the company")
	case c.People > training.MaxReminded:
		return out, training.Errorf(training.Invalid,
			"More than %d people are overdue, and no more are reminded at once. Choose a department or a course.", training.MaxReminded)
	case c.People == 0:
		return out, nil
	}
	row, err := q.RemindOverdue(ctx, pgsql.RemindOverdueParams{
		UserID: r.UserID, CourseID: r.CourseID, Department: r.Department, CompanyID: who.CompanyID, At: at,
		Today: date(at.UTC().Truncate(24 * time.Hour)), Kind: string(mail.Reminder), Life: (remindLate * 24 * time.Hour).Seconds(),
	})
	return training.ReminderOutcome{People: row.Reminded, Skipped: row.People - row.Reminded}, err
}

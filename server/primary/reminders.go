package primary

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/server/mail"
	"outpost/server/primary/pgsql"
)

const (
	// remindInterval is how soon is seen that a day's reminders are to be written, or that a due date
	// was moved to where one is lacking.
	remindInterval = 5 * time.Minute
	// remindBatch is how many enrollments one transaction walks along.
	remindBatch = 500
	// remindHour is when a day's reminders are written, in UTC: in the morning of most.
	remindHour = 6
	// remindLate is how many days later one is still written.
	remindLate = 3
)

// reminderDays are how many days before the due date people are reminded; below zero: after it. Days
// are those of UTC.
func reminderDays() []int32 { return []int32{14, 3, 0, -7} }

// keepReminding writes reminders until ctx ends. Of failures in a row the first is told.
func (p *Primary) keepReminding(ctx context.Context) {
	tick := time.NewTicker(remindInterval)
	defer tick.Stop()
	failing := false
	for {
		err := p.Remind(ctx, time.Now())
		if err != nil && ctx.Err() == nil && !failing {
			p.log.Warn("reminders are not written yet", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Remind writes the reminders that are to be written at that time and are not: once for each open
// enrollment, due date and distance, and all of a person's in one letter. Who is not active, or whose
// company is not, gets none. Several primaries may do so at once.
func (p *Primary) Remind(ctx context.Context, at time.Time) error {
	today := at.UTC().Add(-remindHour * time.Hour).Truncate(24 * time.Hour)
	letters := int64(0)
	for _, days := range reminderDays() {
		place := pgsql.WriteRemindersParams{
			AfterDue: today.AddDate(0, 0, int(days)-remindLate), Until: today.AddDate(0, 0, int(days)+1),
			Days: days, AllDays: reminderDays(), Today: date(today), Earliest: date(today.AddDate(0, 0, -remindLate)),
			At: at, Kind: string(mail.Reminder), Life: (remindLate * 24 * time.Hour).Seconds(), Size: remindBatch,
		}
		for walked := int64(remindBatch); walked == remindBatch; {
			err := p.with(ctx, "writing reminders", func(conn *pgxpool.Conn) error {
				row, err := pgsql.New(conn).WriteReminders(ctx, place)
				if err != nil {
					return err
				}
				walked, place.AfterDue, place.AfterID = row.Walked, row.LastDue, row.LastID
				letters += row.Letters
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	if letters > 0 {
		p.outbox.wake()
		p.log.InfoContext(ctx, "reminders were written", "letters", letters)
	}
	return nil
}

func date(day time.Time) pgtype.Date { return pgtype.Date{Time: day, Valid: true} }

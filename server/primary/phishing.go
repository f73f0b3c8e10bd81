package primary

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// CreatePhishingCampaign makes a campaign of a company known: the asker's own, or any for a platform
// administrator.
func (p *Primary) CreatePhishingCampaign(
	ctx context.Context, who training.Principal, company int64, n training.NewPhishingCampaign,
) (training.PhishingCampaign, change.LSN, error) {
	request := struct {
		Company  int64
		Campaign training.NewPhishingCampaign
	}{company, n}
	return operate(ctx, p, operation{"createPhishingCampaign", who, request}, func(q *pgsql.Queries, at time.Time) (training.PhishingCampaign, error) {
		company, err := companyFor(who, company)
		if err != nil {
			return training.PhishingCampaign{}, err
		}
		if errs := n.Validate(at); len(errs) > 0 {
			return training.PhishingCampaign{}, invalid(errs)
		}
		arg := pgsql.InsertPhishingCampaignParams{
			Name: n.Name, Template: n.Template, StartedAt: at, EndedAt: n.EndedAt, CompanyID: company,
		}
		if n.StartedAt != nil {
			arg.StartedAt = *n.StartedAt
		}
		row, err := q.InsertPhishingCampaign(ctx, arg)
		if errors.Is(err, pgx.ErrNoRows) {
			return training.PhishingCampaign{}, noCompany()
		}
		return phishingCampaign(row, training.PhishingCounts{}), err
	})
}

// ChangePhishingCampaign changes a campaign of the changer's company, or any for a platform
// administrator. A version that is not 0 must be the campaign's, else it is Precondition. Nothing is
// written when nothing would be different.
func (p *Primary) ChangePhishingCampaign(
	ctx context.Context, who training.Principal, id, version int64, c training.PhishingCampaignChange,
) (training.PhishingCampaign, change.LSN, error) {
	request := struct {
		ID, Version int64
		Change      training.PhishingCampaignChange
	}{id, version, c}
	return operate(ctx, p, operation{"updatePhishingCampaign", who, request}, func(q *pgsql.Queries, at time.Time) (training.PhishingCampaign, error) {
		return changePhishingCampaign(ctx, q, who, id, version, c, at)
	})
}

func changePhishingCampaign(
	ctx context.Context, q *pgsql.Queries, who training.Principal, id, version int64, c training.PhishingCampaignChange, at time.Time,
) (training.PhishingCampaign, error) {
	row, err := q.LockPhishingCampaign(ctx, pgsql.LockPhishingCampaignParams{
		ID: id, AnyCompany: who.Role == training.PlatformAdmin, CompanyID: who.CompanyID,
	})
	if err != nil {
		return training.PhishingCampaign{}, notFound(err, "campaign")
	}
	counts := training.PhishingCounts{
		Sent: int(row.People), Opened: int(row.Opened), Clicked: int(row.Clicked), Submitted: int(row.Submitted), Reported: int(row.Reported),
	}
	before := phishingCampaign(row.PhishingCampaign, counts)
	if version != 0 && version != before.Version {
		return before, training.Errorf(training.Precondition, "The campaign is not what If-Match says any more.")
	}
	if errs := c.Validate(before.StartedAt, at); len(errs) > 0 {
		return before, invalid(errs)
	}
	after, differs := c.Apply(before)
	if !differs {
		return before, nil
	}
	changed, err := q.UpdatePhishingCampaign(ctx, pgsql.UpdatePhishingCampaignParams{ID: id, Name: after.Name, EndedAt: after.EndedAt})
	return phishingCampaign(changed, counts), err
}

func phishingCampaign(c pgsql.PhishingCampaign, counts training.PhishingCounts) training.PhishingCampaign {
	return training.PhishingCampaign{
		ID: c.ID, CompanyID: c.CompanyID, Name: c.Name, Template: c.Template, StartedAt: c.StartedAt.UTC(), EndedAt: utc(c.EndedAt),
		Results: counts.Shown(), CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(), Version: c.Version,
	}
}

// RecordPhishing writes down what happened to the mails of simulations, in one statement. Of each
// campaign, person and kind the earliest event is kept, in whatever order they come, late ones too. The
// good ones are taken though others are not; when there is no good one, it is an error that names each.
// Campaigns and people are those of the asker's company, for a platform administrator of any; campaign
// and person are of the same. What happened more than a day before its campaign began did not.
func (p *Primary) RecordPhishing(ctx context.Context, who training.Principal, events []training.PhishingEvent) (training.PhishingOutcome, change.LSN, error) {
	return operate(ctx, p, operation{"recordPhishing", who, events}, func(q *pgsql.Queries, at time.Time) (out training.PhishingOutcome, err error) {
		errs := make([][]training.FieldError, len(events))
		for i := range events {
			if errs[i] = events[i].Errors; len(errs[i]) == 0 {
				errs[i] = events[i].Validate(at)
			}
		}
		verdicts, err := recordPhishing(ctx, q, who, events, errs)
		if err != nil {
			return out, err
		}
		for i := range events {
			if len(errs[i]) > 0 {
				out.Refuse(events[i].Row, errs[i]...)
				continue
			}
			count(&out, &events[i], &verdicts[0])
			verdicts = verdicts[1:]
		}
		return out, out.Refusal()
	})
}

// recordPhishing has the events judged of which nothing is known to be wrong: as many verdicts, in the
// same order.
func recordPhishing(
	ctx context.Context, q *pgsql.Queries, who training.Principal, events []training.PhishingEvent, errs [][]training.FieldError,
) ([]pgsql.RecordPhishingRow, error) {
	arg := pgsql.RecordPhishingParams{AnyCompany: who.Role == training.PlatformAdmin, CompanyID: who.CompanyID}
	for i := range events {
		if e := &events[i]; len(errs[i]) == 0 {
			arg.Numbers = append(arg.Numbers, int32(i))
			arg.Campaigns, arg.Users, arg.Emails = append(arg.Campaigns, e.CampaignID), append(arg.Users, e.UserID), append(arg.Emails, e.Email)
			arg.Kinds, arg.Times = append(arg.Kinds, e.Kind), append(arg.Times, e.OccurredAt)
		}
	}
	if len(arg.Numbers) == 0 {
		return nil, nil
	}
	verdicts, err := q.RecordPhishing(ctx, arg)
	if isForeignKey(err) { // somebody moved between companies in the same instant
		return nil, errAgain
	}
	return verdicts, err
}

// count puts an event to what became of all.
func count(out *training.PhishingOutcome, e *training.PhishingEvent, v *pgsql.RecordPhishingRow) {
	person := "user_id"
	if e.UserID == 0 {
		person = "email"
	}
	switch {
	case !v.HasCampaign:
		out.Refuse(e.Row, training.FieldError{Field: "campaign_id", Message: "is no campaign of the company"})
	case !v.HasPerson:
		out.Refuse(e.Row, training.FieldError{Field: person, Message: "is nobody of the campaign's company"})
	case !v.InTime:
		out.Refuse(e.Row, training.FieldError{Field: "occurred_at", Message: "is more than a day before the campaign began"})
	case v.Stored == 0:
		out.Duplicates++
	case v.Stored == 1:
		out.Recorded++
	default:
		out.Earlier++
	}
}

func invalid(fields []training.FieldError) error {
	return &training.Error{Code: training.Invalid, Message: "The request is well-formed but cannot be accepted.", Fields: fields}
}

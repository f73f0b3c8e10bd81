package training

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of simulations. Lengths are in characters.
const (
	MaxCampaignName = 200
	MaxTemplate     = 100
	// MaxPhishingEvents is how many events one request may bring.
	MaxPhishingEvents = 10_000
	// PhishingLeeway is how far ahead the clock may be of whoever reports an event.
	PhishingLeeway = 5 * time.Minute
)

// PhishingKinds are what can happen to the mail of a simulation.
func PhishingKinds() []string { return []string{"sent", "opened", "clicked", "submitted", "reported"} }

// NewPhishingCampaign is a campaign that is about to be made known.
type NewPhishingCampaign struct {
	Name      string
	Template  string
	StartedAt *time.Time // nil: now
	EndedAt   *time.Time
}

// Trim takes spaces away that nobody meant.
func (n NewPhishingCampaign) Trim() NewPhishingCampaign {
	n.Name, n.Template = strings.TrimSpace(n.Name), strings.TrimSpace(n.Template)
	return n
}

// Validate says all that is wrong with n at t.
func (n *NewPhishingCampaign) Validate(t time.Time) []FieldError {
	errs := checkCampaignName(nil, n.Name)
	errs = checkPlain(errs, "template", n.Template, MaxTemplate)
	started := t
	if n.StartedAt != nil {
		started = *n.StartedAt
		errs = checkNear(errs, "started_at", started, t)
	}
	return checkEnd(errs, n.EndedAt, started, t)
}

// PhishingCampaignChange is what shall become of a campaign. Nil leaves a field as it is.
type PhishingCampaignChange struct {
	Name    *string
	EndedAt *time.Time
	Endless bool // it runs on after all; EndedAt is nil
}

// Apply gives the campaign as c makes it, and whether that is any different.
func (c PhishingCampaignChange) Apply(p PhishingCampaign) (PhishingCampaign, bool) {
	before := p
	set(&p.Name, c.Name)
	if c.EndedAt != nil || c.Endless {
		p.EndedAt = c.EndedAt
	}
	same := p.EndedAt == nil && before.EndedAt == nil || p.EndedAt != nil && before.EndedAt != nil && p.EndedAt.Equal(*before.EndedAt)
	return p, p.Name != before.Name || !same
}

// Validate says all that is wrong with c, made at t to a campaign that began at started.
func (c PhishingCampaignChange) Validate(started, t time.Time) (errs []FieldError) {
	if c.Name != nil {
		errs = checkCampaignName(errs, *c.Name)
	}
	return checkEnd(errs, c.EndedAt, started, t)
}

func checkCampaignName(errs []FieldError, name string) []FieldError {
	if strings.TrimSpace(name) == "" {
		return append(errs, FieldError{Field: "name", Message: "must not be empty"})
	}
	return checkPlain(errs, "name", name, MaxCampaignName)
}

// checkNear refuses what can only be a slip of the pen.
func checkNear(errs []FieldError, field string, at, t time.Time) []FieldError {
	if at.Before(t.Add(-MaxAhead)) || at.After(t.Add(MaxAhead)) {
		return append(errs, FieldError{Field: field, Message: "must be within ten years from now"})
	}
	return errs
}

func checkEnd(errs []FieldError, ended *time.Time, started, t time.Time) []FieldError {
	switch {
	case ended == nil:
		return errs
	case !ended.After(started):
		return append(errs, FieldError{Field: "ended_at", Message: "must be after started_at"})
	}
	return checkNear(errs, "ended_at", *ended, t)
}

// PhishingEvent is something that happened to the mail of a simulation, as whoever sent it reports it, and
// what is known to be wrong with that. Nothing that anybody typed is part of it.
type PhishingEvent struct {
	Row        int // from 1
	CampaignID int64
	UserID     int64  // 0: Email says who it was
	Email      string // empty: UserID does
	Kind       string
	OccurredAt time.Time
	Errors     []FieldError
}

// Validate says all that is wrong with e at t, as far as e itself tells.
func (e *PhishingEvent) Validate(t time.Time) (errs []FieldError) {
	wrong := func(field, message string) { errs = append(errs, FieldError{Field: field, Message: message}) }
	if e.CampaignID < 1 {
		wrong("campaign_id", "is required, and must be at least 1")
	}
	switch {
	case e.UserID != 0 && e.Email != "":
		wrong("email", "must be left out where user_id is given")
	case e.UserID < 0:
		wrong("user_id", "must be at least 1")
	case e.UserID == 0 && e.Email == "":
		wrong("user_id", "is required, or email in its place")
	case e.Email != "":
		errs = checkEmail(errs, e.Email)
	}
	if !slices.Contains(PhishingKinds(), e.Kind) {
		wrong("kind", "must be sent, opened, clicked, submitted or reported")
	}
	switch {
	case e.OccurredAt.IsZero():
		wrong("occurred_at", "is required")
	case e.OccurredAt.After(t.Add(PhishingLeeway)):
		wrong("occurred_at", "must not be in the future")
	}
	return errs
}

// PhishingOutcome is what became of many events. Recorded, Earlier, Duplicates and Refused add up to all.
type PhishingOutcome struct {
	Recorded   int          // that were not known
	Earlier    int          // that were known of a later time, and now are of this one
	Duplicates int          // that were known, of the same time or an earlier one
	Refused    int          // with which something is wrong
	Errors     []FieldError // of the first MaxBulkErrors that were refused, by Row
}

// Refuse puts an event to those with which something is wrong.
func (o *PhishingOutcome) Refuse(row int, errs ...FieldError) {
	if o.Refused++; o.Refused > MaxBulkErrors {
		return
	}
	for _, e := range errs {
		e.Row = row
		o.Errors = append(o.Errors, e)
	}
}

// Refusal is the error of a batch of which not one event could be taken; nil where one could.
func (o *PhishingOutcome) Refusal() error {
	if o.Recorded+o.Earlier+o.Duplicates > 0 || o.Refused == 0 {
		return nil
	}
	return &Error{Code: Invalid, Message: fmt.Sprintf("Nothing was recorded: not one of the %d events can be.", o.Refused), Fields: o.Errors}
}

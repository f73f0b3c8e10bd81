package training

import (
	"context"
	"math"
	"time"
)

// PhishingCampaign is a simulation: mails that the company itself has sent to its people.
type PhishingCampaign struct {
	ID        int64
	CompanyID int64
	Name      string
	Template  string // what the mail looked like, in whatever words the sender knows it by
	StartedAt time.Time
	EndedAt   *time.Time      // nil: it runs on
	Results   *PhishingCounts // nil: fewer than MinGroup people make them up
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
}

// Active says whether c runs at t.
func (c *PhishingCampaign) Active(t time.Time) bool {
	return !t.Before(c.StartedAt) && (c.EndedAt == nil || t.Before(*c.EndedAt))
}

// ValidUntil is the first instant after t at which c begins or ends; zero: it does neither.
func (c *PhishingCampaign) ValidUntil(t time.Time) time.Time {
	var until time.Time
	if t.Before(c.StartedAt) {
		until = c.StartedAt
	}
	if c.EndedAt != nil && t.Before(*c.EndedAt) {
		until = earliest(until, *c.EndedAt)
	}
	return until
}

// PhishingCounts are the people whom a campaign reached, those who have left since too, and of how many of
// them each kind of event is known. Somebody of whom there is any event was reached, also when the one
// that says so got lost: so nobody is counted who is not in Sent, and no rate exceeds 1.
type PhishingCounts struct {
	Sent      int
	Opened    int
	Clicked   int
	Submitted int
	Reported  int
}

// Add puts other people's counts to c.
func (c *PhishingCounts) Add(other PhishingCounts) {
	c.Sent += other.Sent
	c.Opened += other.Opened
	c.Clicked += other.Clicked
	c.Submitted += other.Submitted
	c.Reported += other.Reported
}

// Rate is so many of those whom the campaign reached, from 0 to 1 in four digits; nil where it reached
// nobody.
func (c *PhishingCounts) Rate(people int) *float64 {
	if c.Sent == 0 {
		return nil
	}
	rate := math.Round(float64(people)/float64(c.Sent)*1e4) / 1e4
	return &rate
}

// Shown is what may be shown of c: nothing where too few people make it up.
func (c PhishingCounts) Shown() *PhishingCounts {
	if !Enough(c.Sent) {
		return nil
	}
	return &c
}

// PhishingDetail is a campaign with its results by department.
type PhishingDetail struct {
	PhishingCampaign
	// Departments are those of now, as Disclose lets them be shown. Whoever is in none, or has left the
	// company, is in the group without a name.
	Departments []Group[PhishingCounts]
}

// PhishingGroups are groups of a campaign's people as they may be shown.
func PhishingGroups(groups []Group[PhishingCounts]) []Group[PhishingCounts] {
	return Disclose(groups, func(to *PhishingCounts, from PhishingCounts) { to.Add(from) })
}

// PhishingSorts are the fields by which campaigns can be sorted; the first, descending, is the default.
func PhishingSorts() []string { return []string{"started_at", "name"} }

// PhishingFilter chooses campaigns.
type PhishingFilter struct {
	Paging
	CompanyID int64 // 0, which is for platform administrators only, means all
	Active    *bool // those that run now, or those that do not
}

// PhishingPage is a page of campaigns.
type PhishingPage struct {
	Page[PhishingCampaign]
	ValidUntil time.Time // when it changes with no write; zero: never
}

// PhishingQueries read simulations. They answer those who manage people: about their own company,
// platform administrators about all. Nobody is told what one person did.
type PhishingQueries interface {
	// PhishingCampaigns lists campaigns with their results.
	PhishingCampaigns(ctx context.Context, p Principal, f PhishingFilter) (PhishingPage, error)
	// PhishingCampaign is one campaign with its results by department.
	PhishingCampaign(ctx context.Context, p Principal, id int64) (PhishingDetail, error)
}

package training

import (
	"context"
	"time"
)

// Company is a tenant.
type Company struct {
	ID          int64
	Name        string
	Slug        string
	Country     string
	Zone        string
	Locale      string
	PrivacyMode PrivacyMode
	Version     int64
}

// CompanyDetail is a company as those see it who run it or the platform.
type CompanyDetail struct {
	Company
	IsActive    bool // whether its people may do anything at all
	ActiveUsers int
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// CompanySorts are the fields by which companies can be sorted; the first is the default.
func CompanySorts() []string { return []string{"name", "created_at"} }

// CompanyFilter chooses companies. Empty fields choose all.
type CompanyFilter struct {
	Paging
	Active      *bool
	PrivacyMode PrivacyMode
	Country     string
	Search      string // words, each the beginning of one of the name
}

// Filtered says whether f chooses among the companies.
func (f CompanyFilter) Filtered() bool {
	return f.Active != nil || f.PrivacyMode != "" || f.Country != "" || f.Search != ""
}

// CompanyQueries read the tenants.
type CompanyQueries interface {
	// Companies lists the companies, for platform administrators.
	Companies(ctx context.Context, p Principal, f CompanyFilter) (Page[CompanyDetail], error)
	// Company is one company: the asker's own, which it must manage, or any for a platform
	// administrator.
	Company(ctx context.Context, p Principal, id int64) (CompanyDetail, error)
}

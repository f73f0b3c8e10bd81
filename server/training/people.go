package training

import (
	"context"
	"time"
)

// Person is somebody of a company as those who manage people see them.
type Person struct {
	ID          int64
	CompanyID   int64
	Email       string
	FullName    string
	Role        Role
	Department  string
	JobRisk     string
	Locale      string // empty: no wish of one's own
	IsActive    bool
	LastLoginAt *time.Time // nil: never
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// PersonDetail is a person with their company and what they learn.
type PersonDetail struct {
	Person
	Company Company
	Courses int // different ones, in whatever cycle
	// How many enrollments are in each status at the time of the question. A completion whose time
	// has run out is expired.
	Assigned, InProgress, Completed, Expired int
	// ValidUntil is when the next completion expires; zero: none does.
	ValidUntil time.Time
}

// User is the person as they see themselves.
func (d PersonDetail) User() User {
	return User{
		ID: d.ID, Email: d.Email, FullName: d.FullName, Role: d.Role, Department: d.Department, JobRisk: d.JobRisk, Locale: d.Locale,
		IsActive: d.IsActive, Company: d.Company, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, Version: d.Version,
	}
}

// PersonField is a set of the columns of a person. Only those that are asked for are read.
type PersonField int64

// The columns of a person; the queries in sql/sqlite/queries/users_read.sql count on the values.
const (
	PersonEmail PersonField = 1 << iota
	PersonFullName
	PersonRole
	PersonDepartment
	PersonJobRisk
	PersonLocale
	PersonIsActive
	PersonLastLogin
	PersonCreated
	PersonUpdated
	PersonVersion
	PersonCompany // of a PersonDetail, as the next
	PersonCourses
)

// AllPersonFields are all there are.
const AllPersonFields = PersonCourses<<1 - 1

// PersonFieldOf is the column that a field is called in answers; 0 for what is always read.
func PersonFieldOf(name string) PersonField {
	switch name {
	case "email":
		return PersonEmail
	case "full_name":
		return PersonFullName
	case "role":
		return PersonRole
	case "department":
		return PersonDepartment
	case "job_risk":
		return PersonJobRisk
	case "locale":
		return PersonLocale
	case "is_active":
		return PersonIsActive
	case "last_login_at":
		return PersonLastLogin
	case "created_at":
		return PersonCreated
	case "updated_at":
		return PersonUpdated
	case "version":
		return PersonVersion
	case "company":
		return PersonCompany
	case "courses", "enrollments":
		return PersonCourses
	}
	return 0
}

// PersonSorts are the fields by which people can be sorted; the first is the default.
func PersonSorts() []string {
	return []string{"full_name", "email", "created_at", "updated_at", "last_login_at"}
}

// PersonFilter chooses people. Empty fields choose all.
type PersonFilter struct {
	Paging
	// CompanyID is the company; 0, which is for platform administrators only, means all.
	CompanyID    int64
	Role         Role
	Department   string
	JobRisk      string
	Active       *bool
	Search       string    // words, each the beginning of one of the name or the e-mail address
	UpdatedSince time.Time // zero: whenever
	Fields       PersonField
}

// Filtered says whether f chooses among the people of its company.
func (f PersonFilter) Filtered() bool {
	return f.Role != "" || f.Department != "" || f.JobRisk != "" || f.Active != nil || f.Search != "" || !f.UpdatedSince.IsZero()
}

// ExportedPerson is a line of the export.
type ExportedPerson struct {
	ID        int64
	Email     string
	FullName  string
	CreatedAt time.Time
}

// UserQueries read the people of a company.
type UserQueries interface {
	// People lists a company's people: the asker's own, which it must manage, or any for a
	// platform administrator.
	People(ctx context.Context, p Principal, f PersonFilter) (Page[Person], error)
	// Person is one of the people whom the asker may see: itself, its company's if it manages
	// them, everybody for a platform administrator. The version is read whatever fields says.
	Person(ctx context.Context, p Principal, id int64, fields PersonField) (PersonDetail, error)
	// PeopleForExport gives the people behind an id, by id: at most size. company is 0 for all,
	// as in PersonFilter.
	PeopleForExport(ctx context.Context, p Principal, company, afterID int64, size int) ([]ExportedPerson, error)
}

package training

import "context"

// Framework is a body of rules with what of it training satisfies, in one language.
type Framework struct {
	Code         string // gdpr, nis2, iso27001, pci_dss, hipaa
	Name         string // in short
	Title        string // in full, as the document itself is called
	Requirements []FrameworkRequirement
}

// FrameworkRequirement is a Requirement as people read it.
type FrameworkRequirement struct {
	Code     string
	Text     string
	Interval int          // months; 0: once is enough
	Courses  []CourseName // any of which satisfies it; of none, nobody owes it
}

// CourseName is a course as others refer to it.
type CourseName struct {
	ID    int64
	Slug  string
	Title string
}

// FrameworkQueries read what is asked of people, and by which courses it is met.
type FrameworkQueries interface {
	// Frameworks are all there are, each with its requirements in its own order; what is not
	// translated is in English. Courses that are not published are named too where unpublished is
	// set: Principal.SeesUnpublished.
	Frameworks(ctx context.Context, locale string, unpublished bool) ([]Framework, error)
}

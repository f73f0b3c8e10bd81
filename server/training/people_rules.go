package training

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what is said of a person. Lengths are in characters.
const (
	MaxEmail      = 254
	MaxFullName   = 200
	MaxDepartment = 100
	// MaxBulk is how many people one request may create.
	MaxBulk = 10_000
)

// NewPerson is somebody who is about to be created.
type NewPerson struct {
	Email      string
	FullName   string
	Role       Role
	Department string
	JobRisk    string
	Locale     string
}

// Complete sets what was left out, and takes spaces away that nobody meant.
func (n NewPerson) Complete() NewPerson {
	n.Email, n.FullName, n.Department = strings.TrimSpace(n.Email), strings.TrimSpace(n.FullName), strings.TrimSpace(n.Department)
	if n.Role == "" {
		n.Role = Learner
	}
	if n.JobRisk == "" {
		n.JobRisk = "medium"
	}
	return n
}

// Validate gives all that is wrong with n when by creates it.
func (n NewPerson) Validate(by Principal) []FieldError {
	errs := checkEmail(nil, n.Email)
	errs = checkFullName(errs, n.FullName)
	errs = checkRole(errs, n.Role, by)
	errs = checkPlain(errs, "department", n.Department, MaxDepartment)
	errs = checkJobRisk(errs, n.JobRisk)
	return checkLocale(errs, n.Locale)
}

// PersonChange is what shall become of a person. Nil leaves a field as it is.
type PersonChange struct {
	Email      *string
	FullName   *string
	Role       *Role
	Department *string
	JobRisk    *string
	Locale     *string
	IsActive   *bool
}

// Trim takes spaces away that nobody meant.
func (c PersonChange) Trim() PersonChange {
	for _, text := range []**string{&c.Email, &c.FullName, &c.Department} {
		if *text != nil {
			trimmed := strings.TrimSpace(**text)
			*text = &trimmed
		}
	}
	return c
}

// Validate gives all that is wrong with c when by makes it.
func (c PersonChange) Validate(by Principal) []FieldError {
	var errs []FieldError
	if c.Email != nil {
		errs = checkEmail(errs, *c.Email)
	}
	if c.FullName != nil {
		errs = checkFullName(errs, *c.FullName)
	}
	if c.Role != nil {
		errs = checkRole(errs, *c.Role, by)
	}
	if c.Department != nil {
		errs = checkPlain(errs, "department", *c.Department, MaxDepartment)
	}
	if c.JobRisk != nil {
		errs = checkJobRisk(errs, *c.JobRisk)
	}
	if c.Locale != nil {
		errs = checkLocale(errs, *c.Locale)
	}
	return errs
}

// Apply gives the person as c makes them, and whether that is any different.
func (c PersonChange) Apply(p Person) (Person, bool) {
	before := p
	set(&p.Email, c.Email)
	set(&p.FullName, c.FullName)
	set(&p.Role, c.Role)
	set(&p.Department, c.Department)
	set(&p.JobRisk, c.JobRisk)
	set(&p.Locale, c.Locale)
	set(&p.IsActive, c.IsActive)
	return p, p != before
}

func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

// MayChange says, as an error that can be answered, why who may not change target into after:
// nobody touches somebody above themselves, changes their own role or shuts themselves out. That
// nobody gives a role above their own is Validate's.
func MayChange(who Principal, target, after Person) error {
	switch {
	case !who.Role.Includes(target.Role):
		return Errorf(Forbidden, "This person's role is above yours.")
	case !who.Gives().Includes(target.Role):
		return Errorf(Forbidden, "An API key changes no administrator. Log in.")
	case target.ID == who.UserID && after.Role != target.Role:
		return Errorf(Forbidden, "Nobody changes their own role.")
	case target.ID == who.UserID && !after.IsActive:
		return Errorf(Forbidden, "Nobody deactivates themselves.")
	}
	return nil
}

// checkEmail holds an address to what can be written into a mail's header without quoting: the
// mail that comes back tells the rest.
func checkEmail(errs []FieldError, email string) []FieldError {
	local, domain, found := strings.Cut(email, "@")
	bad := func(format string, args ...any) []FieldError {
		return append(errs, FieldError{Field: "email", Message: fmt.Sprintf(format, args...)})
	}
	switch {
	case email == "":
		return bad("must not be empty")
	case utf8.RuneCountInString(email) > MaxEmail || len(email) > 4*MaxEmail:
		return bad("must be at most %d characters long", MaxEmail)
	case !found, local == "", len(local) > 64, strings.Contains(domain, "@"), strings.HasPrefix(domain, "."), strings.HasSuffix(domain, "."),
		!strings.Contains(domain, "."), strings.Contains(domain, ".."), strings.ContainsFunc(email, notInAddress):
		return bad("must be an e-mail address, such as ada@example.com")
	}
	return errs
}

func notInAddress(r rune) bool {
	return r <= ' ' || r == 0x7f || r == utf8.RuneError || strings.ContainsRune(`"(),:;<>[\]`, r) || !unicode.IsGraphic(r) || unicode.IsSpace(r)
}

func checkFullName(errs []FieldError, name string) []FieldError {
	if strings.TrimSpace(name) == "" {
		return append(errs, FieldError{Field: "full_name", Message: "must not be empty"})
	}
	return checkPlain(errs, "full_name", name, MaxFullName)
}

// checkPlain takes one line of text: Postgres takes no NUL, and no other control character belongs
// into a name.
func checkPlain(errs []FieldError, field, text string, limit int) []FieldError {
	switch {
	case utf8.RuneCountInString(text) > limit:
		return append(errs, FieldError{Field: field, Message: fmt.Sprintf("must be at most %d characters long", limit)})
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }):
		return append(errs, FieldError{Field: field, Message: "must be one line of text without control characters"})
	}
	return errs
}

func checkRole(errs []FieldError, role Role, by Principal) []FieldError {
	switch {
	case !role.Valid():
		return append(errs, FieldError{Field: "role", Message: "must be learner, manager, admin or platform_admin"})
	case !by.Role.Includes(role):
		return append(errs, FieldError{Field: "role", Message: "must not be above your own"})
	case !by.Gives().Includes(role):
		return append(errs, FieldError{Field: "role", Message: "must be learner or manager: an API key gives no higher one"})
	}
	return errs
}

// JobRisks are how exposed a job can be.
func JobRisks() []string { return []string{"low", "medium", "high"} }

func checkJobRisk(errs []FieldError, risk string) []FieldError {
	if !slices.Contains(JobRisks(), risk) {
		return append(errs, FieldError{Field: "job_risk", Message: "must be low, medium or high"})
	}
	return errs
}

func checkLocale(errs []FieldError, locale string) []FieldError {
	if locale != "" && !slices.Contains(Locales(), locale) {
		return append(errs, FieldError{Field: "locale", Message: "must be " + strings.Join(Locales(), " or ") + ", or empty"})
	}
	return errs
}

// BulkPerson is a row of many people who are to be created, and what is known to be wrong with it.
type BulkPerson struct {
	Row int // from 1
	NewPerson
	Errors []FieldError
}

// BulkRow is what became of a row: a person, or the reasons why not.
type BulkRow struct {
	Row    int          `json:",omitempty"`
	ID     int64        `json:",omitempty"`
	Errors []FieldError `json:",omitempty"`
}

// MaxBulkErrors is how many bad rows are reported on one by one. The others are counted.
const MaxBulkErrors = 1000

// BulkOutcome is what became of many people who were to be created.
type BulkOutcome struct {
	Created int
	Failed  int
	Rows    []BulkRow // by Row; of those that failed the first MaxBulkErrors
}

// Refusal is the error of a bulk of which nothing was created because something was wrong.
func (o BulkOutcome) Refusal() *Error {
	e := Errorf(Invalid, "Nothing was created: %d of the rows cannot be.", o.Failed)
	for _, r := range o.Rows {
		for _, f := range r.Errors {
			f.Row = r.Row
			e.Fields = append(e.Fields, f)
		}
	}
	return e
}

package verify

import (
	"fmt"
	"strings"
	"time"

	"outpost/replicate/change"
)

// Report is the outcome of one whole pass.
type Report struct {
	Began  time.Time `json:"began"`
	Ended  time.Time `json:"ended"`
	Tables []Table   `json:"tables"`
	// Behind is set where the replica did not reach a position of the primary in time.
	Behind *Behind `json:"behind,omitempty"`
}

// Table is the outcome for one table. Missing, Surplus and Different count rows.
type Table struct {
	Schema    string `json:"schema"`
	Name      string `json:"name"`
	Rows      int64  `json:"rows"` // of the primary
	Missing   int64  `json:"missing"`
	Surplus   int64  `json:"surplus"`
	Different int64  `json:"different"`
	// Unsettled counts rows that changed each time they were looked at.
	Unsettled int64 `json:"unsettled"`
	// Problem says why the rows could not be compared: the table is not the same one, or
	// too many of its rows have no key and differ or change.
	Problem string `json:"problem,omitempty"`
	// List holds the first differences, at most Options.List of them.
	List []Difference `json:"list,omitempty"`
}

// Kind says in what way a row differs.
type Kind string

// The kinds of differences.
const (
	Missing   Kind = "missing"   // from the replica
	Surplus   Kind = "surplus"   // in the replica
	Different Kind = "different" // in both, not equal
)

// Difference is a row that differs. A table without a key has no different rows: what
// the primary has is missing, what the replica has instead is surplus.
type Difference struct {
	Kind Kind `json:"kind"`
	// Key names the row: its key's columns and values, or of a table without a key the
	// beginning of its hash.
	Key string `json:"key"`
	// Count is how many such rows there are; more than 1 only without a key.
	Count int64 `json:"count"`
	// Columns are those that differ; of a row without a key, all.
	Columns []Column `json:"columns,omitempty"`
	// Behind says that the replica had not reached the primary's position.
	Behind bool `json:"behind,omitempty"`
}

// Column is one column of a difference. The values are Postgres' text, shortened to
// where they differ; nil is NULL, or that there is no such row on that side.
type Column struct {
	Name    string  `json:"name"`
	Primary *string `json:"primary"`
	Replica *string `json:"replica"`
}

// Behind says how far the replica was when a wait for it was given up.
type Behind struct {
	Replica change.Position `json:"-"`
	Primary change.LSN      `json:"-"`
	// The same as text.
	ReplicaPosition string `json:"replica"`
	PrimaryLSN      string `json:"primary"`
}

// Rows are the primary's rows that were compared.
func (r *Report) Rows() (n int64) {
	for i := range r.Tables {
		n += r.Tables[i].Rows
	}
	return n
}

// Differences are the rows that differ.
func (r *Report) Differences() (n int64) {
	for i := range r.Tables {
		n += r.Tables[i].Differences()
	}
	return n
}

// Unsettled are the rows that changed each time they were looked at.
func (r *Report) Unsettled() (n int64) {
	for i := range r.Tables {
		n += r.Tables[i].Unsettled
	}
	return n
}

// Problems are the tables that could not be compared.
func (r *Report) Problems() (n int64) {
	for i := range r.Tables {
		if r.Tables[i].Problem != "" {
			n++
		}
	}
	return n
}

// Equal says that nothing differs: of what stood still for long enough to be compared.
func (r *Report) Equal() bool { return r.Differences() == 0 && r.Problems() == 0 }

// Differences are the rows that differ.
func (t *Table) Differences() int64 { return t.Missing + t.Surplus + t.Different }

func (t *Table) String() string { return t.Schema + "." + t.Name }

// add counts a difference of n rows and says whether there is room to list it.
func (t *Table) add(kind Kind, n int64, most int) bool {
	switch kind {
	case Missing:
		t.Missing += n
	case Surplus:
		t.Surplus += n
	case Different:
		t.Different += n
	}
	return len(t.List) < most
}

// String is one line for a person.
func (d *Difference) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", d.Key, d.Kind)
	if d.Kind == Missing {
		b.WriteString(" from the replica")
	} else if d.Kind == Surplus {
		b.WriteString(" in the replica")
	}
	if d.Count > 1 {
		fmt.Fprintf(&b, ", %d times", d.Count)
	}
	for i, c := range d.Columns {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		switch d.Kind {
		case Missing:
			fmt.Fprintf(&b, "%s%s %s", sep, c.Name, show(c.Primary))
		case Surplus:
			fmt.Fprintf(&b, "%s%s %s", sep, c.Name, show(c.Replica))
		default:
			fmt.Fprintf(&b, "%s%s is %s, in the replica %s", sep, c.Name, show(c.Primary), show(c.Replica))
		}
	}
	if d.Behind {
		b.WriteString(" (the replica is behind)")
	}
	return b.String()
}

func show(v *string) string {
	if v == nil {
		return "NULL"
	}
	return fmt.Sprintf("%q", *v)
}

func (b *Behind) String() string {
	return fmt.Sprintf("the replica stands at %s and did not reach the primary's %s: see whether it is being followed", b.ReplicaPosition, b.PrimaryLSN)
}

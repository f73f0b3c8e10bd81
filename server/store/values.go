package store

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// parseTime reads the replica's form of a timestamptz: UTC, always six fractional digits.
func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("the replica holds %q where a time should be: %w", s, err)
	}
	return t, nil
}

// times reads several columns and remembers the first error, so that a row is read in one go.
type times struct{ err error }

func (t *times) at(s string) time.Time {
	v, err := parseTime(s)
	if t.err == nil {
		t.err = err
	}
	return v
}

// read is at for a column that may not have been asked for, and is empty then.
func (t *times) read(s string, to *time.Time) {
	if s != "" {
		*to = t.at(s)
	}
}

// instant is read for a column whose absence is a dash. A time that never comes is none, too.
func (t *times) instant(s string, to *time.Time) {
	*to = time.Time{}
	if s != "-" && s != "infinity" {
		*to = t.at(s)
	}
}

// maybe takes a time that never comes for none.
func (t *times) maybe(s *string) *time.Time {
	if s == nil || *s == "infinity" {
		return nil
	}
	v := t.at(*s)
	return &v
}

func number(n *int64) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

func maybeNumber(n *int64) *int {
	if n == nil {
		return nil
	}
	v := int(*n)
	return &v
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// idList is the form in which a query takes a set of ids.
func idList(ids []int64) (string, error) {
	b, err := json.Marshal(ids)
	return string(b), err
}

const maxID = math.MaxInt64

// lastText sorts behind every text that a sort key holds.
const lastText = "\U0010FFFF"

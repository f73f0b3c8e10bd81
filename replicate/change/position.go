// Package change holds the words that the rest of replicate speaks: positions,
// tables, rows and the values in them.
//
// It knows neither Postgres' protocol nor SQLite nor the stream; everything here
// is data, safe to copy and compare.
package change

import (
	"cmp"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// LSN is a byte offset in Postgres' write-ahead log.
type LSN uint64

// String gives the form Postgres prints, such as 0/16B3748.
func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) }

// LogValue is String: a log in JSON would have a number otherwise.
func (l LSN) LogValue() slog.Value { return slog.StringValue(l.String()) }

// ParseLSN reads the form Postgres prints.
func ParseLSN(s string) (LSN, error) {
	high, low, ok := strings.Cut(s, "/")
	h, errHigh := strconv.ParseUint(high, 16, 32)
	l, errLow := strconv.ParseUint(low, 16, 32)
	if !ok || errHigh != nil || errLow != nil {
		return 0, fmt.Errorf("LSN %q is not of the form 0/16B3748", s)
	}
	return LSN(h<<32 | l), nil
}

// Generation numbers a history of positions that can be compared. It only grows;
// a new one begins whenever positions stop being comparable.
type Generation uint64

// Position is a place in one generation's order of commits: a commit's END LSN,
// or a later LSN that a heartbeat vouched for. The zero Position is before everything.
type Position struct {
	Generation Generation
	LSN        LSN
}

// String gives <generation>:<lsn>, the form of the Outpost-Position header.
func (p Position) String() string {
	return strconv.FormatUint(uint64(p.Generation), 10) + ":" + p.LSN.String()
}

// LogValue is String.
func (p Position) LogValue() slog.Value { return slog.StringValue(p.String()) }

// IsZero says whether p is before everything.
func (p Position) IsZero() bool { return p == Position{} }

// Compare orders by generation, then LSN.
func (p Position) Compare(q Position) int {
	if c := cmp.Compare(p.Generation, q.Generation); c != 0 {
		return c
	}
	return cmp.Compare(p.LSN, q.LSN)
}

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	generation, lsn, ok := strings.Cut(s, ":")
	if !ok {
		return Position{}, fmt.Errorf("position %q is not of the form <generation>:<lsn>", s)
	}
	g, err := strconv.ParseUint(generation, 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("position %q: the generation is not a number", s)
	}
	l, err := ParseLSN(lsn)
	if err != nil {
		return Position{}, fmt.Errorf("position %q: %w", s, err)
	}
	return Position{Generation: Generation(g), LSN: l}, nil
}

// Commit is what tells a commit from any other, also from one of another history that
// has the same LSN.
type Commit struct {
	LSN  LSN // its END
	XID  uint32
	Time time.Time // by Postgres' clock, in microseconds
}

// Is says whether c and other are the same commit.
func (c Commit) Is(other Commit) bool {
	return c.LSN == other.LSN && c.XID == other.XID && c.Time.Equal(other.Time)
}

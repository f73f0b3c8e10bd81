package replica

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"unsafe"

	"outpost/replicate/change"
)

// converter turns Postgres' text into what the SQLite driver binds. What it returns
// may alias the text or the converter's own memory, so it is good until the next
// reset; the driver copies while it executes.
type converter struct {
	arena []byte
	// keep copies plain text too, for callers whose text does not outlive the call.
	keep bool
}

func (c *converter) reset() { c.arena = c.arena[:0] }

// value converts one value. Unchanged has no value and is the caller's business.
func (c *converter) value(column *change.Column, v change.Value) (driver.Value, error) {
	if v.Presence != change.Present {
		return nil, nil
	}
	out, ok := c.convert(column.Kind, v.Data)
	if !ok {
		return nil, fmt.Errorf("column %s: %s cannot be %.60q", column.Name, column.Type, v.Data)
	}
	return out, nil
}

func (c *converter) convert(kind change.Kind, text []byte) (driver.Value, bool) {
	switch kind {
	case change.Integer:
		n, err := strconv.ParseInt(alias(text), 10, 64)
		return n, err == nil
	case change.Boolean:
		switch alias(text) {
		case "t":
			return int64(1), true
		case "f":
			return int64(0), true
		}
		return nil, false
	case change.Float:
		return convertFloat(text)
	case change.Bytes:
		return c.bytes(text)
	case change.Timestamptz, change.Timestamp, change.Date:
		start := len(c.arena)
		arena, ok := appendTime(c.arena, kind, text)
		c.arena = arena
		return alias(c.arena[start:]), ok
	}
	if !c.keep {
		return alias(text), true
	}
	start := len(c.arena)
	c.arena = append(c.arena, text...)
	return alias(c.arena[start:]), true
}

// convertFloat keeps as text what SQLite would change: it turns NaN into NULL and
// −0 into 0. What only Go takes for a number, hexadecimal for one, is refused, and so is
// a text that is not 0 and whose number is: it would come back as another.
func convertFloat(text []byte) (driver.Value, bool) {
	switch alias(text) {
	case "NaN":
		return "NaN", true
	case "-0":
		return "-0", true
	case "Infinity":
		return "Infinity", true
	case "-Infinity":
		return "-Infinity", true
	}
	for _, b := range text {
		if !isDigit(b) && b != '-' && b != '+' && b != '.' && b != 'e' {
			return nil, false
		}
	}
	f, err := strconv.ParseFloat(alias(text), 64)
	return f, err == nil && !math.IsInf(f, 0) && (f != 0 || alias(text) == "0")
}

// bytes reads bytea in its hex form, the only one the replication session asks for.
func (c *converter) bytes(text []byte) (driver.Value, bool) {
	if len(text) < 2 || text[0] != '\\' || text[1] != 'x' {
		return nil, false
	}
	if len(text) == 2 {
		return []byte{}, true // not nil, which would be NULL
	}
	start := len(c.arena)
	arena, err := hex.AppendDecode(c.arena, text[2:])
	c.arena = arena
	return c.arena[start:len(c.arena):len(c.arena)], err == nil
}

// alias reads b as a string without a copy. The result must not outlive b's content.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// appendTime appends what a date or time becomes: a T between date and time, six
// fractional digits, and Z for a timestamptz, whose session is in UTC.
func appendTime(dst []byte, kind change.Kind, text []byte) ([]byte, bool) {
	switch alias(text) {
	case "infinity", "-infinity":
		return append(dst, text...), true
	}
	rest, bc := text, false
	if n := len(rest) - len(" BC"); n > 0 && alias(rest[n:]) == " BC" {
		rest, bc = rest[:n], true
	}
	date := rest
	if kind != change.Date {
		// The year may have more than four digits, so the space is looked for.
		n := len(rest)
		for i, b := range rest {
			if b == ' ' {
				n = i
				break
			}
		}
		date, rest = rest[:n], rest[n:]
	}
	if !isDate(date) {
		return dst, false
	}
	dst = append(dst, date...)
	if kind != change.Date {
		var ok bool
		if dst, ok = appendClock(dst, kind, rest); !ok {
			return dst, false
		}
	}
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst, true
}

// appendClock reads " 05:00:00.12+00".
func appendClock(dst []byte, kind change.Kind, rest []byte) ([]byte, bool) {
	if len(rest) < 9 || !matches(rest[:9], " 00:00:00") {
		return dst, false
	}
	dst = append(dst, 'T')
	dst = append(dst, rest[1:9]...)
	dst = append(dst, '.')
	rest = rest[9:]
	digits := 0
	if len(rest) > 0 && rest[0] == '.' {
		rest = rest[1:]
		for digits < len(rest) && isDigit(rest[digits]) {
			digits++
		}
		if digits == 0 || digits > 6 {
			return dst, false
		}
		dst = append(dst, rest[:digits]...)
		rest = rest[digits:]
	}
	dst = append(dst, "000000"[digits:]...)
	if kind == change.Timestamp {
		return dst, len(rest) == 0
	}
	return append(dst, 'Z'), alias(rest) == "+00"
}

// isDate accepts 2026-11-23 with four or more digits for the year.
func isDate(b []byte) bool {
	n := len(b) - len("-00-00")
	if n < 4 || !matches(b[n:], "-00-00") {
		return false
	}
	for _, c := range b[:n] {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// matches compares b with a pattern in which 0 stands for any digit.
func matches(b []byte, pattern string) bool {
	for i := range b {
		if b[i] != pattern[i] && (pattern[i] != '0' || !isDigit(b[i])) {
			return false
		}
	}
	return true
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"outpost/replicate/change"
)

// The text of a row that is hashed: its fields with | between. Each field is - for NULL,
// or by kind:
//
//	integer, boolean, times    Postgres' text, which has neither | nor a lone -
//	float                      the 16 hex digits of the float8 that its text reads as, or NaN
//	bytes                      the SHA-256 of the bytes, in hex
//	all others                 the SHA-256 of Postgres' text in UTF-8, in hex
//
// What SQLite holds in a form that a replica never gives a value becomes a field that
// begins with !, which no value of Postgres has.
const (
	separator = '|'
	null      = "-"
	wrong     = '!'
)

// rowSQL is the expression that hashes a row, in hex. An array holds the fields, for a
// function takes no more than a hundred arguments.
func rowSQL(t *change.Table) string {
	fields := make([]string, len(t.Columns))
	for i := range t.Columns {
		fields[i] = fieldSQL(&t.Columns[i])
	}
	return "encode(sha256(convert_to(array_to_string(ARRAY[" + strings.Join(fields, ", ") + "]::text[], '|', '-'), 'UTF8')), 'hex')"
}

// fieldSQL is a field, NULL for NULL. concat gives what the type's output function does,
// as the stream does; a cast to text may give something else (bool, char(n), inet).
// IS NULL is no question for a composite value, which is "null" when its fields are.
func fieldSQL(c *change.Column) string {
	name := identifier(c.Name)
	var text string
	switch c.Kind {
	case change.Integer, change.Boolean, change.Timestamptz, change.Timestamp, change.Date:
		text = "concat(" + name + ")"
	case change.Float:
		// A float4 is in the replica what its text reads as.
		text = "CASE WHEN " + name + " = 'NaN' THEN 'NaN' ELSE encode(float8send(concat(" + name + ")::float8), 'hex') END"
	case change.Bytes:
		text = "encode(sha256(" + name + "), 'hex')"
	default:
		text = "encode(sha256(convert_to(concat(" + name + "), 'UTF8')), 'hex')"
	}
	return "CASE num_nulls(" + name + ") WHEN 0 THEN " + text + " END"
}

// appendField appends the field of what SQLite holds. v is not kept.
func appendField(dst []byte, kind change.Kind, v any) []byte {
	if v == nil {
		return append(dst, null...)
	}
	switch kind {
	case change.Float:
		switch v := v.(type) {
		case float64:
			return appendFloat(dst, v)
		case string:
			switch v {
			case "NaN":
				return append(dst, v...)
			case "-0":
				return appendFloat(dst, math.Copysign(0, -1))
			case "Infinity":
				return appendFloat(dst, math.Inf(1))
			case "-Infinity":
				return appendFloat(dst, math.Inf(-1))
			}
		}
	case change.Bytes:
		if b, ok := v.([]byte); ok {
			return appendSum(dst, b)
		}
	case change.Integer, change.Boolean, change.Timestamptz, change.Timestamp, change.Date:
		if text, ok := appendText(dst, kind, v); ok {
			return text
		}
	default:
		if s, ok := v.(string); ok {
			return appendSum(dst, bytesOf(s))
		}
	}
	dst = append(dst, wrong)
	switch v := v.(type) {
	case string:
		return appendSum(append(dst, "text "...), bytesOf(v))
	case []byte:
		return appendSum(append(dst, "blob "...), v)
	case int64:
		return strconv.AppendInt(append(dst, "integer "...), v, 10)
	case float64:
		return appendFloat(append(dst, "real "...), v)
	}
	return append(dst, '?') // the driver gives nothing else
}

func appendFloat(dst []byte, f float64) []byte {
	const digits = "0123456789abcdef"
	bits := math.Float64bits(f)
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[bits>>shift&15])
	}
	return dst
}

func appendSum(dst, b []byte) []byte {
	sum := sha256.Sum256(b)
	return hex.AppendEncode(dst, sum[:])
}

// bytesOf reads a string as bytes without a copy: it may be as large as a value.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// appendText appends Postgres' text of what SQLite holds, or says that a value of that
// kind never looks so.
func appendText(dst []byte, kind change.Kind, v any) ([]byte, bool) {
	switch v := v.(type) {
	case int64:
		switch {
		case kind == change.Integer:
			return strconv.AppendInt(dst, v, 10), true
		case kind == change.Boolean && v == 0:
			return append(dst, 'f'), true
		case kind == change.Boolean && v == 1:
			return append(dst, 't'), true
		}
	case float64:
		if kind == change.Float {
			return strconv.AppendFloat(dst, v, 'g', -1, 64), true
		}
	case []byte:
		if kind == change.Bytes {
			return hex.AppendEncode(append(dst, `\x`...), v), true
		}
	case string:
		switch kind {
		case change.Timestamptz, change.Timestamp, change.Date:
			return appendTime(dst, kind, v)
		case change.Float:
			return append(dst, v...), v == "NaN" || v == "-0" || v == "Infinity" || v == "-Infinity"
		case change.Integer, change.Boolean, change.Bytes:
			return dst, false
		}
		return append(dst, v...), true
	}
	return dst, false
}

// appendTime turns 2026-11-23T05:00:00.120000Z back into 2026-11-23 05:00:00.12+00. Only
// the exact form is taken, so that no two texts become one.
func appendTime(dst []byte, kind change.Kind, s string) ([]byte, bool) {
	if s == "infinity" || s == "-infinity" {
		return append(dst, s...), true
	}
	s, before := strings.CutSuffix(s, " BC")
	date, clock, timed := strings.Cut(s, "T")
	if timed == (kind == change.Date) || strings.ContainsAny(date, "|!") || date == null {
		return dst, false
	}
	dst = append(dst, date...)
	if timed {
		clock, zulu := strings.CutSuffix(clock, "Z")
		if zulu != (kind == change.Timestamptz) || !isClock(clock) {
			return dst, false
		}
		dst = append(dst, ' ')
		whole, fraction := clock[:8], strings.TrimRight(clock[8:], "0")
		dst = append(dst, whole...)
		if fraction != "." {
			dst = append(dst, fraction...)
		}
		if zulu {
			dst = append(dst, "+00"...)
		}
	}
	if before {
		dst = append(dst, " BC"...)
	}
	return dst, true
}

// isClock accepts 05:00:00.120000.
func isClock(s string) bool {
	const pattern = "00:00:00.000000"
	if len(s) != len(pattern) {
		return false
	}
	for i := range pattern {
		if pattern[i] == '0' && (s[i] < '0' || s[i] > '9') || pattern[i] != '0' && s[i] != pattern[i] {
			return false
		}
	}
	return true
}

func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

package replica

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"outpost/replicate/change"
)

// textOf is Postgres' text for what a column of that kind holds: the way back.
func textOf(kind change.Kind, v driver.Value) string {
	switch v := v.(type) {
	case int64:
		if kind == change.Boolean {
			return []string{"f", "t"}[v]
		}
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return `\x` + hex.EncodeToString(v)
	case string:
		switch kind {
		case change.Timestamptz, change.Timestamp, change.Date:
			return timeText(kind, v)
		}
		return v
	}
	return fmt.Sprintf("(%T)", v)
}

func timeText(kind change.Kind, s string) string {
	if strings.HasSuffix(s, "infinity") || kind == change.Date {
		return s
	}
	s, bc := strings.CutSuffix(s, " BC")
	s, zulu := strings.CutSuffix(s, "Z")
	whole, fraction, _ := strings.Cut(strings.Replace(s, "T", " ", 1), ".")
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	if zulu {
		whole += "+00"
	}
	if bc {
		whole += " BC"
	}
	return whole
}

// What is taken is stored so that its text can be had back; the rest is refused. Only of
// numbers and of zeros behind a fraction may there be several texts, of which Postgres
// writes one.
func FuzzConvert(f *testing.F) {
	for _, v := range values {
		f.Add(string(v.kind), v.text)
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		column := &change.Column{Name: "c", Kind: change.Kind(kind)}
		convert := func(text string) (driver.Value, error) {
			var c converter
			return c.value(column, change.Value{Presence: change.Present, Data: []byte(text)})
		}
		first, err := convert(text)
		if err != nil {
			return
		}
		back := textOf(column.Kind, first)
		second, err := convert(back)
		if err != nil || fmt.Sprintf("%T %v", first, first) != fmt.Sprintf("%T %v", second, second) {
			t.Fatalf("%s %q is stored as %#v, whose text is %q, which is stored as %#v (%v)", kind, text, first, back, second, err)
		}
		switch column.Kind {
		case change.Integer, change.Float:
			return
		case change.Bytes:
			text = strings.ToLower(text)
		case change.Timestamptz, change.Timestamp:
			if date, clock, ok := strings.Cut(text, "."); ok {
				digits := strings.IndexFunc(clock+"+", func(r rune) bool { return r < '0' || r > '9' })
				if text = date; strings.TrimRight(clock[:digits], "0") != "" {
					text += "." + strings.TrimRight(clock[:digits], "0")
				}
				text += clock[digits:]
			}
		}
		if back != text {
			t.Fatalf("%s %q came back as %q", kind, text, back)
		}
	})
}

package web

import (
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// format writes numbers and dates as a language does.
type format struct {
	locale  string
	printer *message.Printer
}

func newFormat(locale string) format {
	return format{locale, message.NewPrinter(language.Make(locale))}
}

// number writes a whole number, or one rounded to one decimal.
func (f format) number(v any) string {
	switch n := deref(v).(type) {
	case nil:
		return "–"
	case float64:
		return f.printer.Sprintf("%.1f", n)
	default:
		return f.printer.Sprintf("%d", n)
	}
}

// bytes writes a size in its largest whole unit of 1,024.
func (f format) bytes(v any) string {
	n, units := toFloat(v), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for len(units) > 1 && n >= 1024 {
		n, units = n/1024, units[1:]
	}
	if n == math.Trunc(n) {
		return f.printer.Sprintf("%d", int64(n)) + "\u00a0" + units[0]
	}
	return f.printer.Sprintf("%.1f", n) + "\u00a0" + units[0]
}

// percent writes a share from 0 to 1; nil is a dash.
func (f format) percent(v any) string {
	share, ok := deref(v).(float64)
	if !ok {
		return "–"
	}
	sign := "%"
	if f.locale == "de" {
		sign = "\u00a0%"
	}
	return f.printer.Sprintf("%d", int64(math.Round(share*100))) + sign
}

var (
	monthsDE = strings.Fields("Januar Februar März April Mai Juni Juli August September Oktober November Dezember")
	shortDE  = strings.Fields("Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.")
)

// date writes a day of UTC: 4 Dec 2026, 4. Dez. 2026.
func (f format) date(v any) (string, error) {
	t, err := timeOf(v)
	switch {
	case err != nil || t.IsZero():
		return "–", err
	case f.locale == "de":
		return fmt.Sprintf("%d. %s %d", t.Day(), shortDE[t.Month()-1], t.Year()), nil
	}
	return t.Format("2 Jan 2006"), nil
}

// longDate writes a day of UTC in full: 4 December 2026, 4. Dezember 2026.
func (f format) longDate(v any) (string, error) {
	t, err := timeOf(v)
	switch {
	case err != nil || t.IsZero():
		return "–", err
	case f.locale == "de":
		return fmt.Sprintf("%d. %s %d", t.Day(), monthsDE[t.Month()-1], t.Year()), nil
	}
	return t.Format("2 January 2006"), nil
}

// moment writes a time to the minute, in UTC.
func (f format) moment(v any) (string, error) {
	t, err := timeOf(v)
	if err != nil || t.IsZero() {
		return "–", err
	}
	day, err := f.date(t)
	return day + ", " + t.Format("15:04") + " UTC", err
}

// timeOf takes a time, a pointer to one, or a day as the API writes it.
func timeOf(v any) (time.Time, error) {
	switch t := deref(v).(type) {
	case nil:
		return time.Time{}, nil
	case time.Time:
		return t.UTC(), nil
	case string:
		return time.Parse(time.DateOnly, t)
	default:
		return time.Time{}, fmt.Errorf("a %T is no time", v)
	}
}

// deref is what a pointer points at, nil for nil.
func deref(v any) any {
	switch p := v.(type) {
	case *time.Time:
		return value(p)
	case *string:
		return value(p)
	case *float64:
		return value(p)
	case *float32:
		return value(p)
	case *int:
		return value(p)
	case *int64:
		return value(p)
	}
	return v
}

func value[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

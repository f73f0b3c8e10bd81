package web

import (
	"testing"
	"time"
)

func TestNumbersAndDatesAreWrittenAsTheLanguageDoes(t *testing.T) {
	moment := time.Date(2026, 3, 4, 23, 5, 0, 0, time.FixedZone("", -3600)) // the fifth, in UTC
	part := 0.125
	none := (*time.Time)(nil)
	written := func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return s
	}
	for locale, want := range map[string][]string{
		"en": {"1,234,567", "12.5", "–", "13%", "–", "0%", "5 Mar 2026", "5 March 2026", "5 Mar 2026, 00:05 UTC", "–", "4 Dec 2026"},
		"de": {"1.234.567", "12,5", "–", "13\u00a0%", "–", "0\u00a0%", "5. März 2026", "5. März 2026", "5. März 2026, 00:05 UTC", "–", "4. Dez. 2026"},
	} {
		f := newFormat(locale)
		got := []string{
			f.number(int64(1_234_567)), f.number(12.5), f.number((*int64)(nil)), f.percent(&part), f.percent((*float64)(nil)), f.percent(0.0),
			written(f.date(moment)), written(f.longDate(&moment)), written(f.moment(moment)), written(f.date(none)), written(f.date("2026-12-04")),
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %q, want %q", locale, got[i], want[i])
			}
		}
	}
	f := newFormat("en")
	for _, bad := range []any{"tomorrow", 7, []string{}} {
		if got, err := f.date(bad); err == nil {
			t.Errorf("%v is written as the day %q", bad, got)
		}
	}
}

// TestEveryMonthHasAName in German, where they are written by hand.
func TestEveryMonthHasAName(t *testing.T) {
	f := newFormat("de")
	seen := make(map[string]bool)
	for month := time.January; month <= time.December; month++ {
		short, err := f.date(time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC))
		if err != nil || seen[short] {
			t.Errorf("%v is %q: %v", month, short, err)
		}
		seen[short] = true
	}
}

func TestAnInitialIsALetter(t *testing.T) {
	for name, want := range map[string]string{"Ada": "A", "Іван": "І", "öst": "Ö", "": ""} {
		if got := initial(name); got != want {
			t.Errorf("%q begins with %q, want %q", name, got, want)
		}
	}
}

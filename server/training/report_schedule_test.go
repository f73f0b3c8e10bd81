package training

import (
	"testing"
	"time"
)

func TestAScheduleKeepsItsDay(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, test := range []struct {
		cadence        Cadence
		first, t, want string
	}{
		{Weekly, "2026-12-01 06:00", "2026-11-01 00:00", "2026-12-01 06:00"},
		{Weekly, "2026-12-01 06:00", "2026-12-01 05:59", "2026-12-01 06:00"},
		{Weekly, "2026-12-01 06:00", "2026-12-01 06:00", "2026-12-08 06:00"},
		{Weekly, "2026-12-01 06:00", "2026-12-08 05:59", "2026-12-08 06:00"},
		{Weekly, "2026-12-01 06:00", "2027-12-01 06:00", "2027-12-07 06:00"}, // one of all that were missed
		{Monthly, "2026-01-31 06:00", "2026-01-31 06:00", "2026-02-28 06:00"},
		{Monthly, "2026-01-31 06:00", "2026-02-28 06:00", "2026-03-31 06:00"}, // back to the 31st
		{Monthly, "2026-01-31 06:00", "2026-04-30 05:00", "2026-04-30 06:00"},
		{Monthly, "2026-01-31 06:00", "2026-04-30 06:00", "2026-05-31 06:00"},
		{Monthly, "2026-01-31 06:00", "2028-02-10 00:00", "2028-02-29 06:00"},
		{Monthly, "2026-12-15 06:00", "2026-12-15 06:00", "2027-01-15 06:00"},
	} {
		if got := test.cadence.Next(at(test.first), at(test.t)); !got.Equal(at(test.want)) {
			t.Errorf("%s from %s, after %s: %v, want %s", test.cadence, test.first, test.t, got, test.want)
		}
	}
	for now, want := range map[string]string{"2026-12-01 05:59": "2026-12-01 06:00", "2026-12-01 06:00": "2026-12-02 06:00"} {
		if got := (NewReportSchedule{}).First(at(now)); !got.Equal(at(want)) {
			t.Errorf("first at %v when made at %s, want %s", got, now, want)
		}
	}
}

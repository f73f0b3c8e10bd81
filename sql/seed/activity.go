package seed

import (
	"fmt"
	"math/rand/v2"
	"time"
	_ "time/tzdata" // for machines that know no time zones
)

const (
	day        = 24 * 60 * 60 // seconds
	weekDays   = 7
	weekHours  = 7 * 24
	epochShift = 3 // days from a Monday to 1 January 1970, from which time is counted
)

// week says how much happens in each hour of a local week that begins on a Monday.
type week struct {
	weight [weekHours]int
	before [weekHours]int // sum of the weights of earlier hours
	hour   []uint8        // by unit of weight: whose it is
}

// newWeek gives the week of people who work in offices: two peaks and a lunch between eight and six, less
// on Friday afternoon; a twelfth happens in the evening, a twenty-fifth at the weekend. Nothing happens
// before seven, so that no clock changes meanwhile.
func newWeek() *week {
	var w week
	set := func(day, from int, weights ...int) {
		for i, n := range weights {
			w.weight[24*day+from+i] = n
		}
	}
	for d := range 4 {
		set(d, 8, 120, 210, 230, 200, 90, 150, 220, 210, 170, 110)
		set(d, 18, 40, 40, 40, 25, 10)
	}
	set(4, 8, 120, 210, 230, 200, 90, 120, 130, 100, 60, 30)
	set(4, 18, 30, 30, 30, 20, 10)
	for d := 5; d < weekDays; d++ {
		set(d, 9, 10, 15, 20, 15, 10, 10, 15, 20, 20, 15, 10, 10, 10)
	}
	for h, n := range w.weight {
		w.before[h] = len(w.hour)
		for range n {
			w.hour = append(w.hour, uint8(h))
		}
	}
	return &w
}

// rhythm draws moments as they happen in one time zone. A moment costs a few look-ups: what a zone's
// clock shows is worked out once for each day.
type rhythm struct {
	*week
	first   int64   // the first of the days in offsets, counted from 1970
	offsets []int64 // seconds east of Greenwich, by local day
}

// newRhythm knows the zone from one day to another.
func newRhythm(w *week, zone string, from, to time.Time) (*rhythm, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("reading the time zone %s: %w", zone, err)
	}
	r := &rhythm{week: w, first: from.Unix()/day - 1}
	for d := r.first; d <= to.Unix()/day+1; d++ {
		_, offset := time.Unix(d*day+day/2, 0).In(location).Zone()
		r.offsets = append(r.offsets, int64(offset))
	}
	return r, nil
}

func (r *rhythm) offset(localDay int64) int64 {
	return r.offsets[min(max(localDay-r.first, 0), int64(len(r.offsets)-1))]
}

// local gives what the clock on the wall shows, as seconds from 1970 as if it were in Greenwich.
func (r *rhythm) local(unix int64) int64 {
	guess := unix + r.offset(unix/day)
	return unix + r.offset(guess/day)
}

// happened is how much has happened until a moment, in units of weight.
func (r *rhythm) happened(unix int64) float64 {
	local := r.local(unix)
	weeks := (local/day + epochShift) / weekDays
	second := local - (weeks*weekDays-epochShift)*day
	hour := second / 3600
	return float64(weeks)*float64(len(r.hour)) + float64(r.before[hour]) + float64(r.weight[hour])*float64(second%3600)/3600
}

// at is the opposite of happened.
func (r *rhythm) at(units float64) int64 {
	weeks := int64(units) / int64(len(r.hour))
	rest := units - float64(weeks)*float64(len(r.hour))
	hour := int(r.hour[int(rest)])
	second := (rest - float64(r.before[hour])) / float64(r.weight[hour]) * 3600
	local := (weeks*weekDays-epochShift)*day + int64(hour)*3600 + int64(second)
	return local - r.offset(local/day)
}

// draw gives a moment from a up to b, in whole seconds. Where nothing ever happens in between, any is as
// good as another.
func (r *rhythm) draw(rng *rand.Rand, a, b time.Time) time.Time {
	from, to := a.Unix(), b.Unix()
	if to-from <= 1 {
		return a
	}
	low, high := r.happened(from), r.happened(to)
	if high-low < 1 {
		return time.Unix(from+rng.Int64N(to-from), 0).UTC()
	}
	at := r.at(low + rng.Float64()*(high-low))
	return time.Unix(min(max(at, from), to-1), 0).UTC()
}

// within gives a moment of the week that begins with a, rather soon than late. A whole week, since somebody who
// stops on a Friday has to have a Monday to go on.
func (r *rhythm) within(rng *rand.Rand, a time.Time) time.Time {
	end := a.Add(7 * 24 * time.Hour)
	return earlier(r.draw(rng, a, end), r.draw(rng, a, end))
}

// workday gives noon, on the wall, of the day of t, or of the Monday after it.
func (r *rhythm) workday(t time.Time) time.Time {
	date := r.local(t.Unix()) / day
	if weekday := (date + epochShift) % weekDays; weekday > 4 {
		date += weekDays - weekday
	}
	return time.Unix(date*day+day/2-r.offset(date), 0).UTC()
}

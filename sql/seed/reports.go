package seed

import (
	"fmt"
	"time"
)

// report makes what a company's admin asked for lately, and for one of them what comes every month by
// mail. The documents are gone, as they are an hour after completion.
func (w *world) report(c *company) {
	for i, kind := range []string{"gdpr", "nis2", "iso27001"} {
		r := report{kind: kind, bytes: 48_000 + 1_700*i, asked: w.ago(12 + 30*i).Add(time.Duration(8+i) * time.Hour)}
		if i == 2 {
			r.problem = "The report could not be made. Try again later."
		}
		w.record(c, r)
	}
	if c == w.companies[1] {
		w.schedule(c)
	}
}

// schedule makes a monthly report that was last due a few days ago: the next is weeks ahead.
func (w *world) schedule(c *company) {
	id := w.next("report_schedules")
	last, set := w.ago(3).Add(6*time.Hour), w.ago(20).Add(9*time.Hour)
	w.add("report_schedules", id, c.id, c.zone, c.admin.id, "training", "pdf", c.locale, "monthly",
		last, last.AddDate(0, 1, 0), last, set, last)
	w.record(c, report{kind: "training", schedule: id, bytes: 61_300, asked: last})
}

// report is a report that is over.
type report struct {
	kind     string
	schedule int64  // 0: asked for by hand
	problem  string // empty: it was made
	bytes    int    // of the document, if it was
	asked    time.Time
}

func (w *world) record(c *company, r report) {
	const took = 4 * time.Second
	state, sum, updated := "expired", digest(fmt.Sprintf("report %d %s", c.id, r.kind)), r.asked.Add(took+time.Hour)
	completed, expires := r.asked.Add(took), updated
	var schedule any
	if r.schedule != 0 {
		schedule = r.schedule
	}
	if r.problem != "" {
		state, sum, r.bytes, completed, expires = "failed", "", 0, time.Time{}, time.Time{}
	}
	w.add("reports", w.next("reports"), c.id, c.zone, c.admin.id, r.kind, "pdf", c.locale, "company", schedule, state, r.problem,
		sum, r.bytes, nullTime(completed), nullTime(expires), r.asked, updated)
}

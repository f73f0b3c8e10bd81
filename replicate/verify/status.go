package verify

import "time"

// Status is what a Verifier knows of itself.
type Status struct {
	// Rows counts the primary's rows compared since the start, of unfinished passes too.
	Rows uint64
	// Table is the one that is being compared, and TableRows how far that is; "" between
	// passes.
	Table     string
	TableRows int64
	// Last is the last whole pass; nil before the first has ended.
	Last *Summary
}

// Summary is a report without its rows.
type Summary struct {
	Ended       time.Time
	Took        time.Duration
	Tables      int
	Rows        int64
	Differences int64
	Unsettled   int64 // rows, and tables that could not be compared
	Behind      bool
}

// Status may be called at any time.
func (v *Verifier) Status() Status {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.status
}

func (v *Verifier) began(table string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status.Table, v.status.TableRows = table, 0
}

func (v *Verifier) compared(rows int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status.Rows += uint64(rows)
	v.status.TableRows += int64(rows)
}

func (v *Verifier) finished(r *Report) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status.Last = &Summary{
		Ended: r.Ended, Took: r.Ended.Sub(r.Began), Tables: len(r.Tables), Rows: r.Rows(),
		Differences: r.Differences(), Unsettled: r.Unsettled() + r.Problems(), Behind: r.Behind != nil,
	}
}

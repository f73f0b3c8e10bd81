package verify

import (
	"context"
	"database/sql"
	"math"
	"time"

	"outpost/replicate/replica"
)

// walk goes through a table of the replica by SQLite's number of a row, in short reads.
// Rows that are added meanwhile are not met. In another file rows have other numbers:
// then it begins again, if it may.
type walk struct {
	*pass
	t     *table
	query string
	// row scans a row, the number of the row into next first.
	row func(*sql.Rows) error
	// again is asked before the walk begins again; nil: it may.
	again func() error

	incarnation uint64 // 0 before the walk has begun
	next, last  int64  // numbers of rows
}

// walk selects the number of each row, and columns.
func (p *pass) walk(t *table, columns string) *walk {
	return &walk{pass: p, t: t, query: "SELECT " + t.rowid + ", " + columns + " FROM " + identifier(t.SQLite) +
		" WHERE " + t.rowid + " BETWEEN ? AND ? ORDER BY " + t.rowid + " LIMIT ?"}
}

// page hands over some rows, and says whether they were the last.
func (w *walk) page(ctx context.Context) (done bool, err error) {
	err = w.read(ctx, w.t, func(v replica.View) error {
		if v.At.Incarnation != w.incarnation {
			empty, err := w.begin(ctx, v)
			if done = empty; err != nil || empty {
				return err
			}
		}
		rows, err := v.Tx.QueryContext(ctx, w.query, w.next, w.last, pageRows)
		if err != nil {
			return err
		}
		defer rows.Close()
		n := 0
		for began := time.Now(); rows.Next(); n++ {
			if time.Since(began) > readTime {
				return nil
			}
			if err := w.row(rows); err != nil {
				return err
			}
			if done = w.next == w.last; done {
				return nil
			}
			w.next++
		}
		done = n < pageRows
		return rows.Err()
	})
	return done, err
}

func (w *walk) begin(ctx context.Context, v replica.View) (empty bool, err error) {
	if w.incarnation != 0 && w.again != nil {
		if err := w.again(); err != nil {
			return false, err
		}
	}
	var last sql.NullInt64
	err = v.Tx.QueryRowContext(ctx, "SELECT max("+w.t.rowid+") FROM "+identifier(w.t.SQLite)).Scan(&last)
	w.incarnation, w.next, w.last = v.At.Incarnation, math.MinInt64, last.Int64
	return !last.Valid, err
}

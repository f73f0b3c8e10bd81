package source

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"outpost/replicate/change"
)

// batchBytes is how much text is handed over at once: enough that handing over costs
// nothing beside reading, little enough that a few are nothing beside a table.
const batchBytes = 128 << 10

// copyAll copies the tables, the largest first, and calls row for every row on the
// caller's goroutine.
func copyAll(ctx context.Context, workers []*pgx.Conn, found []Published, progress *copying, row func(*change.Table, change.Row) error) error {
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b Published) int { return cmp.Compare(b.pages, a.pages) })
	jobs := make(chan Published, len(found))
	for _, p := range found {
		jobs <- p
	}
	close(jobs)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	full := make(chan *batch, len(workers))
	empty := make(chan *batch, 2*len(workers))
	var busy sync.WaitGroup
	for _, conn := range workers {
		busy.Add(1)
		group.Go(func() error {
			defer busy.Done()
			w := &copier{ctx: ctx, full: full, empty: empty}
			for p := range jobs {
				progress.started(p.OID)
				if err := copyTable(ctx, conn.PgConn(), p, w); err != nil {
					return err
				}
				progress.finished(p.OID)
			}
			return nil
		})
	}
	group.Go(func() error {
		busy.Wait()
		close(full)
		return nil
	})
	err := deliver(full, empty, progress, row)
	if err != nil {
		cancel()
		for b := range full {
			_ = b // until the copiers have noticed
		}
	}
	return cmp.Or(err, group.Wait())
}

// deliver hands over rows until the copiers have no more.
func deliver(full <-chan *batch, empty chan<- *batch, progress *copying, row func(*change.Table, change.Row) error) error {
	for b := range full {
		width := len(b.table.Columns)
		for i := 0; i < len(b.values); i += width {
			if err := row(b.table, b.values[i:i+width:i+width]); err != nil {
				return err
			}
		}
		progress.count(b.table.OID, func(t *TableCopied) {
			t.Rows += int64(len(b.values) / width)
			t.Bytes += int64(len(b.text))
		})
		select {
		case empty <- b: // to be used again
		default:
		}
	}
	return nil
}

// batch is some rows of one table. Its values alias its text.
type batch struct {
	table  *change.Table
	text   []byte
	values []change.Value
}

// copier takes COPY's text, of one table after another, and passes it on in batches of
// whole rows.
type copier struct {
	ctx   context.Context
	full  chan<- *batch
	empty <-chan *batch
	batch *batch
}

func (w *copier) start(t *change.Table) {
	w.batch = w.next()
	w.batch.table = t
}

// next gives an empty batch. One that a huge value blew up is left to the collector.
func (w *copier) next() *batch {
	select {
	case b := <-w.empty:
		if cap(b.text) <= 4*batchBytes {
			b.text, b.values = b.text[:0], b.values[:0]
			return b
		}
	default:
	}
	return &batch{text: make([]byte, 0, batchBytes+batchBytes/4)}
}

// Write implements io.Writer. It stops the COPY when the context is done, which the
// connection itself would notice only when it next waits.
func (w *copier) Write(p []byte) (int, error) {
	w.batch.text = append(w.batch.text, p...)
	if len(w.batch.text) < batchBytes {
		return len(p), nil
	}
	whole := bytes.LastIndexByte(w.batch.text, '\n') + 1
	if whole == 0 {
		return len(p), nil
	}
	rest := w.batch.text[whole:]
	w.batch.text = w.batch.text[:whole]
	following := w.next()
	following.table = w.batch.table
	following.text = append(following.text, rest...)
	if err := w.pass(); err != nil {
		return 0, err
	}
	w.batch = following
	return len(p), nil
}

// finish passes on what is left of a table.
func (w *copier) finish() error { return w.pass() }

func (w *copier) pass() error {
	var err error
	if w.batch.values, err = parseCopy(w.batch.values, w.batch.text, len(w.batch.table.Columns)); err != nil {
		return err
	}
	select {
	case w.full <- w.batch:
		w.batch = nil
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

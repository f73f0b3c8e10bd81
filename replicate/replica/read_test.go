package replica

import (
	"context"
	"errors"
	"testing"
	"time"
)

// endless counts for ever.
const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

func TestAReadEndsWithItsContext(t *testing.T) {
	r, _ := open(t, func(o *Options) { o.Readers = 1 })
	for name, ask := range map[string]func(ctx context.Context, v View) error{
		"one row": func(_ context.Context, v View) error {
			var n int64
			return v.Tx.QueryRow(endless).Scan(&n)
		},
		"one after the other": func(context.Context, View) error { return nil },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err := r.Read(ctx, func(v View) error {
			if err := ask(ctx, v); err != nil {
				return err
			}
			<-ctx.Done()
			// Not interrupted before it began, it is while it runs.
			var n int64
			return v.Tx.QueryRow(endless).Scan(&n)
		})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v", name, err)
		}
		equal(t, "afterwards", dump(t, r, "SELECT count(*) FROM items"), "0")
	}
	equal(t, "loaded", r.Loaded(), true)
}

func TestWhatHasEndedBeginsNoStatement(t *testing.T) {
	r, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, r.Read(t.Context(), func(v View) error {
		_, rows := v.Tx.QueryContext(ctx, "SELECT 1")   //nolint:sqlclosecheck,rowserrcheck // there are none
		_, stmt := v.Tx.PrepareContext(ctx, "SELECT 1") //nolint:sqlclosecheck // there is none
		var n int
		for _, err := range []error{rows, stmt, v.Tx.QueryRowContext(ctx, "SELECT 1").Scan(&n)} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		return nil
	}))
}

func TestNoMoreReadThanMay(t *testing.T) {
	r, _ := open(t, func(o *Options) { o.Readers = 1 })
	must(t, r.Read(t.Context(), func(View) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := r.Read(ctx, func(View) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second one: %v", err)
		}
		return nil
	}))
}

func TestAPanicEndsTheTransaction(t *testing.T) {
	r, h := open(t, func(o *Options) { o.Readers = 1 })
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nothing came through")
			}
		}()
		_ = r.Read(t.Context(), func(View) error { panic("in a query") })
	}()
	apply(t, r, h.tx(insert(items(), row(1, 5, "one", nil))))
	equal(t, "items", dump(t, r, "SELECT count(*) FROM items"), "1")
}

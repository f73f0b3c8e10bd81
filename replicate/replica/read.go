package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
)

// View is one read transaction.
type View struct {
	Tx *Tx
	// Stmts is what Options.Prepare gave for the connection that Tx reads through: its statements
	// run in the transaction.
	Stmts io.Closer
	// At is the state that Tx sees, read inside it. It may be newer than State(), for
	// a commit is visible an instant before it is published.
	At State
}

// Tx asks inside one read transaction. Rows and statements must be closed before it ends. A
// statement is interrupted when the context of the Read ends; that of a method is only looked at
// before, because the driver would start a goroutine for each statement to watch one that can end.
type Tx struct{ conn *sql.Conn }

// QueryContext asks for rows.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.conn.QueryContext(unwatched(ctx), query, args...)
}

// QueryRowContext asks for one row.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.conn.QueryRowContext(unwatched(ctx), query, args...)
}

// PrepareContext prepares what is asked several times.
func (t *Tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return t.conn.PrepareContext(unwatched(ctx), query)
}

// Query is QueryContext while the Read lasts.
func (t *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	return t.conn.QueryContext(context.Background(), query, args...)
}

// QueryRow is QueryRowContext while the Read lasts.
func (t *Tx) QueryRow(query string, args ...any) *sql.Row {
	return t.conn.QueryRowContext(context.Background(), query, args...)
}

// unwatched is a context that never ends, unless ctx has ended already.
func unwatched(ctx context.Context) context.Context {
	if ctx.Err() != nil {
		return ctx
	}
	return context.Background()
}

// Read runs fn in a read transaction; what fn reads through it is one state. Reads
// are to be short: one that stays open keeps the write-ahead log from being reset,
// and a Swap waits for it. fn must not call Read again. When ctx ends, so does what fn asks.
func (r *Replica) Read(ctx context.Context, fn func(View) error) (err error) {
	if err := r.gate.enter(ctx); err != nil {
		return err
	}
	defer r.gate.leave()
	f := r.file.Load()
	if f == nil {
		return r.absent()
	}
	if err := f.damaged(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotLoaded, err)
	}
	defer func() {
		if err != nil {
			f.suspect(err, r.log) // the next Apply asks for another file
		}
	}()
	return f.pool.read(ctx, fn)
}

func (p *pool) read(ctx context.Context, fn func(View) error) (err error) {
	s, err := p.take(ctx)
	if err != nil {
		return fmt.Errorf("beginning to read the replica: %w", err)
	}
	defer func() { err = errors.Join(err, p.give(s)) }()
	return s.read(ctx, fn)
}

// absent says why there is no file.
func (r *Replica) absent() error {
	if r.closed.Load() {
		return ErrClosed
	}
	return ErrNotLoaded
}

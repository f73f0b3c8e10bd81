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
	Tx *sql.Tx
	// Stmts is what Options.Prepare gave for the pool that Tx belongs to.
	Stmts io.Closer
	// At is the state that Tx sees, read inside it. It may be newer than State(), for
	// a commit is visible an instant before it is published.
	At State
}

// Read runs fn in a read transaction; what fn reads through it is one state. Reads
// are to be short: one that stays open keeps the write-ahead log from being reset,
// and a Swap waits for it. fn must not call Read again.
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
	return read(ctx, f.pool, f.state, f.stmts, fn)
}

func read(ctx context.Context, pool *sql.DB, state *sql.Stmt, stmts io.Closer, fn func(View) error) (err error) {
	tx, err := pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("beginning to read the replica: %w", err)
	}
	defer func() {
		if e := tx.Rollback(); e != nil && !errors.Is(e, sql.ErrTxDone) && err == nil {
			err = fmt.Errorf("ending a read of the replica: %w", e)
		}
	}()
	at, err := scanState(tx.StmtContext(ctx, state).QueryRowContext(ctx)) //nolint:sqlclosecheck // the transaction closes it
	if err != nil {
		return fmt.Errorf("reading the replica's state: %w", err)
	}
	return fn(View{Tx: tx, Stmts: stmts, At: at})
}

// absent says why there is no file.
func (r *Replica) absent() error {
	if r.closed.Load() {
		return ErrClosed
	}
	return ErrNotLoaded
}

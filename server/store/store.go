// Package store answers the domain's queries from the local replica.
//
// Each Read is one SQLite transaction: whatever is asked inside it is one state, and the
// position and incarnation of that state come from the same transaction. Tenancy is part of the
// queries: the company comes from the principal, and what a stranger asks for is not found. No
// request needs five queries, and no query walks a table that grows.
package store

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"outpost/replicate/replica"
	"outpost/server/store/sqlite"
	"outpost/server/training"
)

// Reader is the replica as the store needs it.
type Reader interface {
	Read(ctx context.Context, fn func(replica.View) error) error
	Readers() int // at the same time
}

// Store reads one replica, which must have been opened with Prepare.
type Store struct {
	// Observe is told how long each query took, and Finished how many queries a Read made.
	// Both may be nil; they are set before the first Read.
	Observe  func(queryType string, d time.Duration)
	Finished func(queries int)
	// Slow is told of each query, with its text, that took longer than SlowAfter. Nil: of none.
	Slow      func(ctx context.Context, queryType, sql string, d time.Duration)
	SlowAfter time.Duration
	// Now is the clock, for the validity of signing keys.
	Now func() time.Time

	replica Reader
	long    chan struct{} // places of ReadLong
}

// New makes a store over r.
func New(r Reader) *Store {
	return &Store{replica: r, Now: time.Now, long: make(chan struct{}, max(1, r.Readers()/2))}
}

// Prepare prepares the store's statements for a replica's connection: replica.Options.Prepare. The
// first connection of a file must know them all. On a later one, a statement that the tables do not fit any
// more fails alone, when it is asked.
func Prepare(ctx context.Context, conn *stdsql.Conn, first bool) (io.Closer, error) {
	var db sqlite.DBTX = conn
	if !first {
		db = lenient{conn}
	}
	q, err := sqlite.Prepare(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("preparing the store's statements: %w", err)
	}
	return q, nil
}

// lenient leaves out statements that cannot be prepared: the generated code asks those by their text, and so
// gets their error.
type lenient struct{ *stdsql.Conn }

// PrepareContext gives nil for a statement that cannot be prepared.
func (l lenient) PrepareContext(ctx context.Context, text string) (*stdsql.Stmt, error) {
	stmt, err := l.Conn.PrepareContext(ctx, text)
	if err != nil && ctx.Err() == nil {
		return nil, nil //nolint:nilerr // it comes again when the statement is asked
	}
	return stmt, err
}

// Read gives fn one state to ask and returns which state it was. Without a replica, while the
// first one is still on its way, it is Unavailable.
func (s *Store) Read(ctx context.Context, fn func(training.Queries) error) (training.At, error) {
	var at training.At
	err := s.replica.Read(ctx, func(v replica.View) error {
		prepared, ok := v.Stmts.(*sqlite.Queries)
		if !ok {
			return errors.New("the replica was opened without the store's Prepare")
		}
		at = training.At{Position: v.At.Position, Incarnation: v.At.Incarnation}
		q := &queries{sql: prepared, tx: v.Tx, store: s, now: s.Now}
		err := fn(q)
		if s.Finished != nil {
			s.Finished(q.count)
		}
		return err
	})
	if errors.Is(err, replica.ErrNotLoaded) || errors.Is(err, replica.ErrClosed) {
		return training.At{}, &training.Error{
			Code: training.Unavailable, Message: "This region has no data yet.", RetryAfter: time.Second, Err: err,
		}
	}
	return at, err
}

// ReadLong is Read for what walks a company's people: all of them together take no more than half of the
// replica's readers, so that short reads get through. It waits before it takes one of those, and so keeps
// nobody else from it; ctx bounds the wait.
func (s *Store) ReadLong(ctx context.Context, fn func(training.Queries) error) (training.At, error) {
	select {
	case s.long <- struct{}{}:
		defer func() { <-s.long }()
		return s.Read(ctx, fn)
	case <-ctx.Done():
		return training.At{}, fmt.Errorf("waiting for other long reads of the replica: %w", ctx.Err())
	}
}

// queries are the questions inside one transaction.
type queries struct {
	sql   *sqlite.Queries
	tx    *replica.Tx
	store *Store
	now   func() time.Time
	count int
}

var _ training.Queries = (*queries)(nil)

// run counts and times one query and says which one failed.
func run[A, R any](ctx context.Context, q *queries, name string, query func(context.Context, A) (R, error), arg A) (R, error) {
	return timed(ctx, q, name, query, func(ctx context.Context) (R, error) { return query(ctx, arg) })
}

// runPlain is run for a query without arguments.
func runPlain[R any](ctx context.Context, q *queries, name string, query func(context.Context) (R, error)) (R, error) {
	return timed(ctx, q, name, query, query)
}

// timed counts and times a query. query is the method itself, by which its text is found.
func timed[R any](ctx context.Context, q *queries, name string, query any, ask func(context.Context) (R, error)) (result R, err error) {
	if err := ctx.Err(); err != nil {
		return result, fmt.Errorf("reading %s: %w", name, err)
	}
	q.count++
	start := time.Now()
	// Every query but that of the figures looks at a bounded number of rows (explain_test.go), so it is not
	// worth a watch: for a context that can end, the driver and database/sql each start a goroutine.
	result, err = ask(context.WithoutCancel(ctx))
	q.store.ran(ctx, name, query, time.Since(start))
	if err != nil {
		return result, fmt.Errorf("reading %s: %w", name, err)
	}
	return result, nil
}

// notFound makes NotFound of a query without a row.
func notFound(err error, what string) error {
	if errors.Is(err, stdsql.ErrNoRows) {
		return training.Errorf(training.NotFound, "There is no such %s.", what)
	}
	return err
}

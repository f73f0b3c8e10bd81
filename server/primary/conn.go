package primary

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// attempts is how often a transaction is begun that another one made impossible.
const attempts = 4

// errAgain makes write begin anew: the transaction saw a state that has passed.
var errAgain = errors.New("somebody else was faster")

// write runs fn in a transaction and gives a position at which it is visible.
func (p *Primary) write(ctx context.Context, doing string, fn func(*pgsql.Queries) error) (change.LSN, error) {
	return p.writeTx(ctx, doing, func(_ pgx.Tx, q *pgsql.Queries) error { return fn(q) })
}

// writeTx is write for what also takes jobs in, which needs the transaction itself. fn must not end it.
func (p *Primary) writeTx(ctx context.Context, doing string, fn func(pgx.Tx, *pgsql.Queries) error) (lsn change.LSN, err error) {
	err = p.with(ctx, doing, func(conn *pgxpool.Conn) error {
		lsn, err = p.transact(ctx, conn, fn)
		return err
	})
	return p.committed(lsn, err)
}

// statement is write for a single statement, which is a transaction without being told.
func (p *Primary) statement(ctx context.Context, doing string, fn func(*pgsql.Queries) error) (lsn change.LSN, err error) {
	err = p.with(ctx, doing, func(conn *pgxpool.Conn) error {
		if err := fn(pgsql.New(conn)); err != nil {
			return err
		}
		lsn, err = p.walInsert(ctx, conn)
		return err
	})
	return p.committed(lsn, err)
}

func (p *Primary) committed(lsn change.LSN, err error) (change.LSN, error) {
	if err == nil && p.config.Committed != nil {
		p.config.Committed(lsn)
	}
	return lsn, err
}

func (p *Primary) transact(ctx context.Context, conn *pgxpool.Conn, fn func(pgx.Tx, *pgsql.Queries) error) (change.LSN, error) {
	for attempt := 1; ; attempt++ {
		lsn, err := p.attempt(ctx, conn, fn)
		if err == nil || attempt == attempts || !again(err) {
			return lsn, err
		}
	}
}

// attempt is one transaction. A panic leaves it to the pool, which closes a connection that comes
// back inside of one.
func (p *Primary) attempt(ctx context.Context, conn *pgxpool.Conn, fn func(pgx.Tx, *pgsql.Queries) error) (change.LSN, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	if err := fn(tx, pgsql.New(tx)); err != nil {
		if undo := tx.Rollback(ctx); undo != nil {
			p.log.DebugContext(ctx, "a transaction was not rolled back; its connection is closed", "error", undo)
		}
		return 0, err
	}
	return p.commit(ctx, conn)
}

// again says that the same transaction may succeed when it is begun anew.
func again(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code == "40001" || e.Code == "40P01" // serialization_failure, deadlock_detected
	}
	return errors.Is(err, errAgain)
}

// with runs fn on a connection that was checked.
func (p *Primary) with(ctx context.Context, doing string, fn func(*pgxpool.Conn) error) error {
	waiting, cancel := context.WithTimeout(ctx, p.config.AcquireTimeout)
	conn, err := p.pool.Acquire(waiting)
	cancel()
	if err != nil {
		return unavailable(ctx, fmt.Errorf("%s: waiting for a connection: %w", doing, err), true)
	}
	defer conn.Release()
	if err := fn(conn); err != nil {
		return unavailable(ctx, fmt.Errorf("%s: %w", doing, err), false)
	}
	return nil
}

// retryAfter is what a caller is told to wait when Postgres is away or busy.
const retryAfter = time.Second

// unavailable makes Unavailable of what lies with Postgres or the way there, and leaves the rest.
// Whatever keeps a connection from being acquired does.
func unavailable(ctx context.Context, err error, acquiring bool) error {
	if training.CodeOf(err) != "" || errors.Is(ctx.Err(), context.Canceled) {
		return err // answered already, or the caller has gone
	}
	var server *pgconn.PgError
	var network net.Error
	switch {
	case acquiring, ctx.Err() != nil:
	case errors.As(err, &server):
		if !isOutage(server.Code) {
			return err
		}
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), pgconn.SafeToRetry(err), errors.Is(err, errAgain):
	default:
		return err
	}
	return &training.Error{
		Code: training.Unavailable, Message: "The database cannot be reached. Try again.", RetryAfter: retryAfter, Err: err,
	}
}

// isOutage tells, by the class of SQLSTATE, that the server and not the statement is the trouble:
// connection exceptions, resources, operator intervention (a shutdown), system errors, a server
// that is read-only (a standby), and a transaction that lost to others again and again.
func isOutage(code string) bool {
	for _, class := range []string{"08", "53", "57P", "58", "25006", "40001", "40P01"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

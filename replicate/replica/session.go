package replica

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// session is one connection for reading, with what every read needs prepared once: database/sql
// would prepare BEGIN and ROLLBACK each time, and wrap each statement anew for each transaction.
type session struct {
	conn          *sql.Conn
	driver        *conn
	handle        uintptr // SQLite's own, for interrupts
	begin, commit *statement
	state         driver.StmtQueryContext
	values        [stateColumns]driver.Value
	stmts         io.Closer // what Options.Prepare gave, or nil
	broken        bool
}

func newSession(ctx context.Context, db *sql.DB, prepare func(context.Context, *sql.Conn) (io.Closer, error)) (_ *session, err error) {
	s := &session{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	if err := s.conn.Raw(s.open); err != nil {
		return nil, err
	}
	if prepare == nil {
		return s, nil
	}
	if s.stmts, err = prepare(ctx, s.conn); err != nil {
		return nil, fmt.Errorf("preparing the queries: %w", err)
	}
	return s, nil
}

// open prepares the session's own statements on the driver's connection.
func (s *session) open(c any) (err error) {
	inner, ok := c.(driverConn)
	if !ok {
		return errors.New("the SQLite driver lacks the context interfaces")
	}
	s.driver = &conn{c: inner}
	if s.handle, err = handle(inner); err != nil {
		return err
	}
	if s.begin, err = s.driver.prepare("BEGIN", 0); err != nil {
		return err
	}
	if s.commit, err = s.driver.prepare("COMMIT", 0); err != nil {
		return err
	}
	stmt, err := inner.PrepareContext(context.Background(), selectState)
	if err != nil {
		return err
	}
	s.state, ok = stmt.(driver.StmtQueryContext)
	if !ok {
		return errors.Join(errors.New("the SQLite driver lacks the context interfaces"), stmt.Close())
	}
	return nil
}

// handle is the sqlite3* of a connection. The driver interrupts for a context that it is given with
// a statement, at the price of a goroutine for each statement; for its own interrupts a read needs
// what the driver keeps to itself.
func handle(c driver.Conn) (uintptr, error) {
	v := reflect.Indirect(reflect.ValueOf(c))
	if v.Kind() == reflect.Struct {
		if db := v.FieldByName("db"); db.IsValid() && db.Kind() == reflect.Uintptr && db.Uint() != 0 {
			return uintptr(db.Uint()), nil
		}
	}
	return 0, fmt.Errorf("the SQLite driver's %T does not have the handle where it was: look at its new version", c)
}

// read runs fn in a transaction. When ctx ends, so does the statement that runs.
func (s *session) read(ctx context.Context, fn func(View) error) (err error) {
	if _, err := s.begin.exec(); err != nil {
		s.broken = true
		return fmt.Errorf("beginning to read the replica: %w", err)
	}
	defer s.end(&err)
	if ctx.Done() != nil {
		i := &interrupts{handle: s.handle}
		unwatch := context.AfterFunc(ctx, i.send)
		defer func() {
			unwatch()
			if i.stop() && sqliteCode(err) == sqlite3.SQLITE_INTERRUPT {
				err = fmt.Errorf("%w: %w", ctx.Err(), err)
			}
		}()
	}
	at, err := s.readState()
	if err != nil {
		return fmt.Errorf("reading the replica's state: %w", err)
	}
	return fn(View{Tx: &Tx{s.conn}, Stmts: s.stmts, At: at})
}

// end ends the transaction, after a panic too: one that was left open would keep the log for ever.
func (s *session) end(err *error) {
	if _, e := s.commit.exec(); e != nil {
		s.broken = true
		if *err == nil {
			*err = fmt.Errorf("ending a read of the replica: %w", e)
		}
	}
}

func (s *session) readState() (State, error) {
	rows, err := s.state.QueryContext(context.Background(), nil)
	if err != nil {
		return State{}, err
	}
	if err := errors.Join(rows.Next(s.values[:]), rows.Close()); err != nil {
		return State{}, err
	}
	return stateOf(s.values[:])
}

func (s *session) close() error {
	var errs []error
	if s.stmts != nil {
		errs = append(errs, s.stmts.Close())
	}
	for _, stmt := range []*statement{s.begin, s.commit} {
		if stmt != nil {
			errs = append(errs, stmt.close())
		}
	}
	if stmt, ok := s.state.(driver.Stmt); ok {
		errs = append(errs, stmt.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	return errors.Join(errs...)
}

// interruptEvery is how often a read is interrupted until it ends: an interrupt that comes between
// two statements is lost.
const interruptEvery = 10 * time.Millisecond

// interrupts are those of one read.
type interrupts struct {
	handle uintptr

	mu         sync.Mutex
	sent, over bool
}

// send interrupts until stop. It is called when the read's context has ended.
func (i *interrupts) send() {
	for i.once() {
		time.Sleep(interruptEvery)
	}
}

func (i *interrupts) once() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over {
		return false
	}
	sqlite3.Xsqlite3_interrupt(nil, i.handle)
	i.sent = true
	return true
}

// stop says whether any was sent. None comes afterwards: the connection is another read's then.
func (i *interrupts) stop() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.over = true
	return i.sent
}

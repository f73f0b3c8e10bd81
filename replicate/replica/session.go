package replica

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// session is one connection for reading, with what every read needs prepared once: database/sql
// would prepare BEGIN and ROLLBACK each time, and wrap each statement anew for each transaction.
type session struct {
	conn                 *sql.Conn
	begin, commit, state *statement
	values               [stateColumns]driver.Value
	stmts                io.Closer // what Options.Prepare gave, or nil
	broken               bool
}

func newSession(ctx context.Context, db *sql.DB, prepare prepare, first bool) (_ *session, err error) {
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
	if s.stmts, err = prepare(ctx, s.conn, first); err != nil {
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
	own := &conn{c: inner}
	if s.begin, err = own.prepare("BEGIN", 0); err != nil {
		return err
	}
	if s.commit, err = own.prepare("COMMIT", 0); err != nil {
		return err
	}
	s.state, err = own.prepare(selectState, 0)
	return err
}

// read runs fn in a transaction.
func (s *session) read(fn func(View) error) (err error) {
	if _, err := s.begin.exec(); err != nil {
		s.broken = true
		return fmt.Errorf("beginning to read the replica: %w", err)
	}
	defer s.end(&err)
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
	rows, err := s.state.rows()
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
	for _, stmt := range []*statement{s.begin, s.commit, s.state} {
		if stmt != nil {
			errs = append(errs, stmt.close())
		}
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	return errors.Join(errs...)
}

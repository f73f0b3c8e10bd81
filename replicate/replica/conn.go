package replica

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// conn is one connection to a SQLite file, without database/sql between: the applier
// executes a statement per row, and pooling, locking and argument checks cost as much
// as the row. It belongs to one goroutine at a time.
type conn struct{ c driver.Conn }

// driverConn is what the driver's connections can do.
type driverConn interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
}

// dsn names a file and the pragmas of every connection to it. busy_timeout comes
// first, so that the others wait for a lock too.
func dsn(path, mode string, pragmas ...string) string {
	q := url.Values{"mode": {mode}, "_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func openConn(dsn string) (*conn, error) {
	c, err := (&sqlite.Driver{}).Open(dsn)
	if err != nil {
		return nil, err
	}
	if _, ok := c.(driverConn); !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks the context interfaces"), c.Close())
	}
	return &conn{c: c}, nil
}

func (c *conn) close() error { return c.c.Close() }

func arguments(values []driver.Value) []driver.NamedValue {
	args := make([]driver.NamedValue, len(values))
	for i, v := range values {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return args
}

// exec runs one statement or a script.
func (c *conn) exec(ctx context.Context, sql string, values ...driver.Value) error {
	_, err := c.c.(driver.ExecerContext).ExecContext(ctx, sql, arguments(values))
	return err
}

// query gives all rows; it is for the few small results the replica itself needs.
func (c *conn) query(ctx context.Context, sql string, values ...driver.Value) (out [][]driver.Value, err error) {
	rows, err := c.c.(driver.QueryerContext).QueryContext(ctx, sql, arguments(values))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		row := make([]driver.Value, len(rows.Columns()))
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		}
		out = append(out, row)
	}
}

// statement is a prepared statement with its arguments' places.
type statement struct {
	s    driver.StmtExecContext
	stmt driver.Stmt
	args []driver.NamedValue
}

func (c *conn) prepare(sql string, parameters int) (*statement, error) {
	s, err := c.c.(driver.ConnPrepareContext).PrepareContext(context.Background(), sql)
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", sql, err)
	}
	out := &statement{s: s.(driver.StmtExecContext), stmt: s, args: make([]driver.NamedValue, parameters)}
	for i := range out.args {
		out.args[i].Ordinal = i + 1
	}
	return out, nil
}

// exec runs the statement with the arguments that stand in its places. It takes no
// context: watching one costs a goroutine per row.
func (s *statement) exec() (changed int64, err error) {
	result, err := s.s.ExecContext(context.Background(), s.args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// rows runs it and gives its rows, to be closed.
func (s *statement) rows() (driver.Rows, error) {
	return s.stmt.(driver.StmtQueryContext).QueryContext(context.Background(), s.args)
}

// query runs it and gives each row, which is reused for the next, until one is refused.
func (s *statement) query(each func([]driver.Value) error) (err error) {
	rows, err := s.rows()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

func (s *statement) close() error { return s.stmt.Close() }

// sqliteCode is the primary result code of an error from the driver, 0 if it has none.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// errDamaged is wrapped by what shows that a file is no replica, or not any more.
var errDamaged = errors.New("the replica file is damaged")

func isDamage(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	case sqlite3.SQLITE_IOERR: // the log is shorter than it was
		var e *sqlite.Error
		return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_IOERR_SHORT_READ
	}
	return errors.Is(err, errDamaged)
}

func isConstraint(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT }

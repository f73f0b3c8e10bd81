package replica

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
	"outpost/replicate/change"
)

// State says what a replica holds. It is committed together with the rows.
type State struct {
	Position change.Position
	// Seq is the stream's sequence of the last message applied.
	Seq uint64
	// Incarnation grows whenever content changes other than row by row: another file,
	// TRUNCATE. What was computed from one incarnation says nothing about the next.
	Incarnation uint64
	// System and Timeline are those of the Postgres server the positions belong to.
	System   uint64
	Timeline uint32
	// Last is the newest transaction that was applied; zero if there was none since the copy.
	Last change.Commit
}

// The file's mark (the ASCII letters "outp") and the version of what is in it.
const (
	applicationID = 0x6f757470
	formatVersion = 2
)

const createSystem = `
CREATE TABLE _outpost_state (
	only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
	generation INTEGER NOT NULL,
	lsn INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	incarnation INTEGER NOT NULL,
	system INTEGER NOT NULL,
	timeline INTEGER NOT NULL,
	last_lsn INTEGER NOT NULL, -- of the newest transaction, with its xid and its time in microseconds
	last_xid INTEGER NOT NULL,
	last_time INTEGER NOT NULL
);
CREATE TABLE _outpost_tables (ordinal INTEGER PRIMARY KEY, definition TEXT NOT NULL);
CREATE TABLE _outpost_objects (name TEXT PRIMARY KEY, hash TEXT NOT NULL, created TEXT NOT NULL);
`

const (
	selectState = `SELECT generation, lsn, seq, incarnation, system, timeline, last_lsn, last_xid, last_time FROM _outpost_state`
	insertState = `INSERT INTO _outpost_state VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateState = `UPDATE _outpost_state SET generation = ?, lsn = ?, seq = ?, incarnation = ?, system = ?, timeline = ?,
		last_lsn = ?, last_xid = ?, last_time = ?`
	stateColumns = 9
)

// values gives the state's columns; SQLite's integers are signed, so the unsigned
// ones keep their bits.
func (s State) values() []driver.Value {
	var last int64
	if !s.Last.Time.IsZero() {
		last = s.Last.Time.UnixMicro()
	}
	return []driver.Value{
		int64(s.Position.Generation), int64(s.Position.LSN), int64(s.Seq),
		int64(s.Incarnation), int64(s.System), int64(s.Timeline),
		int64(s.Last.LSN), int64(s.Last.XID), last,
	}
}

// stateOf reads the state's columns.
func stateOf(values []driver.Value) (State, error) {
	var n [stateColumns]int64
	for i, v := range values {
		var ok bool
		if n[i], ok = v.(int64); !ok {
			return State{}, fmt.Errorf("%w: its state is not made of numbers", errDamaged)
		}
	}
	return newState(n), nil
}

func newState(n [stateColumns]int64) State {
	s := State{
		Position: change.Position{Generation: change.Generation(n[0]), LSN: change.LSN(n[1])},
		Seq:      uint64(n[2]), Incarnation: uint64(n[3]), System: uint64(n[4]), Timeline: uint32(n[5]),
	}
	s.Last = change.Commit{LSN: change.LSN(n[6]), XID: uint32(n[7])}
	if n[8] != 0 {
		s.Last.Time = time.UnixMicro(n[8]).UTC()
	}
	return s
}

// readState fails with errDamaged on a file that never became a replica, and with
// errOtherFormat on one that another version of this program made.
func readState(ctx context.Context, c *conn) (State, error) {
	if id, err := number(ctx, c, "application_id"); err != nil {
		return State{}, err
	} else if id != applicationID {
		return State{}, fmt.Errorf("%w: %w", errDamaged, ErrNoReplica)
	}
	if version, err := number(ctx, c, "user_version"); err != nil {
		return State{}, err
	} else if version != formatVersion {
		return State{}, fmt.Errorf("%w: it is of version %d, this program reads %d", errOtherFormat, version, formatVersion)
	}
	rows, err := c.query(ctx, selectState)
	if err != nil {
		return State{}, fmt.Errorf("reading the replica's state: %w", err)
	}
	if len(rows) != 1 {
		return State{}, fmt.Errorf("%w: it has no state", errDamaged)
	}
	return stateOf(rows[0])
}

// number reads one of the numbers in a file's header.
func number(ctx context.Context, c *conn, pragma string) (int64, error) {
	rows, err := c.query(ctx, "PRAGMA "+pragma)
	if err != nil {
		return 0, fmt.Errorf("reading the replica's %s: %w", pragma, err)
	}
	n, ok := int64(0), false
	if len(rows) == 1 {
		n, ok = rows[0][0].(int64)
	}
	if !ok {
		return 0, fmt.Errorf("%w: it has no %s", errDamaged, pragma)
	}
	return n, nil
}

func readTables(ctx context.Context, c *conn) ([]*change.Table, error) {
	rows, err := c.query(ctx, `SELECT definition FROM _outpost_tables ORDER BY ordinal`)
	if err != nil {
		return nil, fmt.Errorf("reading the replica's tables: %w", err)
	}
	tables := make([]*change.Table, len(rows))
	for i, row := range rows {
		text, _ := row[0].(string)
		if err := json.Unmarshal([]byte(text), &tables[i]); err != nil {
			return nil, fmt.Errorf("%w: the definition of table %d: %w", errDamaged, i+1, err)
		}
	}
	return tables, nil
}

// Inspect reads the State of a replica file that nobody has open. Of a file that is no
// replica the error is ErrNoReplica.
func Inspect(ctx context.Context, path string) (state State, err error) {
	err = withFile(path, "ro", func(c *conn) error {
		state, err = readState(ctx, c)
		return err
	})
	if sqliteCode(err) == sqlite3.SQLITE_NOTADB {
		err = fmt.Errorf("%w: %w", ErrNoReplica, err)
	}
	return state, err
}

// SetSeq stamps the stream's sequence into a file that nobody has open, durably.
func SetSeq(ctx context.Context, path string, seq uint64) error {
	return withFile(path, "rw", func(c *conn) error {
		if _, err := readState(ctx, c); err != nil {
			return err
		}
		if err := c.exec(ctx, `UPDATE _outpost_state SET seq = ?`, int64(seq)); err != nil {
			return fmt.Errorf("stamping the sequence into %s: %w", path, err)
		}
		return nil
	})
}

func withFile(path, mode string, fn func(*conn) error) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("opening a replica file: %w", err)
	}
	c, err := openConn(dsn(path, mode, "synchronous(FULL)"))
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return fn(c)
}

package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"outpost/replicate/change"
)

// How rows are gathered before they are inserted: that many, or that many bytes. A
// statement has at most 32,766 parameters and a table 2,000 columns, so no more would do.
const (
	loadRows  = 16
	loadBytes = 1 << 20
)

// Loader fills a fresh file with the first copy. It keeps no journal, so a crash
// leaves nothing usable; the file appears under its name when it is complete.
// It belongs to one goroutine.
type Loader struct {
	path   string
	conn   *conn
	tables []*change.Table
	loads  map[uint32]*load // by OID
}

// load gathers the rows of one table.
type load struct {
	*change.Table
	many, one *statement
	values    converter
	rows      int
}

// partSuffix names a file that is not complete yet.
const partSuffix = ".loading"

// Create begins a file that will be at path.
func Create(ctx context.Context, path string) (*Loader, error) {
	part := path + partSuffix
	if err := errors.Join(removeFile(part), removeJournals(part)); err != nil {
		return nil, fmt.Errorf("creating a replica file: %w", err)
	}
	c, err := openConn(dsn(part, "rwc", "journal_mode(OFF)", "synchronous(OFF)", "locking_mode(EXCLUSIVE)", "cache_size(-65536)"))
	if err != nil {
		return nil, fmt.Errorf("creating a replica file: %w", err)
	}
	l := &Loader{path: path, conn: c, loads: make(map[uint32]*load)}
	for _, sql := range []string{
		fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, formatVersion),
		createSystem, "BEGIN",
	} {
		if err := c.exec(ctx, sql); err != nil {
			return nil, errors.Join(fmt.Errorf("creating a replica file: %w", err), l.discard())
		}
	}
	return l, nil
}

// Begin makes the tables. It comes once, before the first row.
func (l *Loader) Begin(tables []*change.Table) error {
	l.tables = tables
	for i, t := range tables {
		if err := l.begin(i, t); err != nil {
			return fmt.Errorf("creating table %s.%s in the replica: %w", t.Schema, t.Name, err)
		}
	}
	return nil
}

func (l *Loader) begin(ordinal int, t *change.Table) error {
	ctx := context.Background()
	if err := createsTable(t); err != nil {
		return err
	}
	if err := l.conn.exec(ctx, createTable(t)); err != nil {
		return err
	}
	definition, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := l.conn.exec(ctx, `INSERT INTO _outpost_tables VALUES (?, ?)`, int64(ordinal+1), string(definition)); err != nil {
		return err
	}
	into := &load{Table: t, values: converter{keep: true}}
	if into.many, err = l.conn.prepare(insertSQL(t, loadRows), loadRows*len(t.Columns)); err != nil {
		return err
	}
	if into.one, err = l.conn.prepare(insertSQL(t, 1), len(t.Columns)); err != nil {
		return err
	}
	l.loads[t.OID] = into
	return nil
}

// Row adds a row of one of Begin's tables. It keeps nothing of r.
func (l *Loader) Row(t *change.Table, r change.Row) error {
	into := l.loads[t.OID]
	if into == nil {
		return fmt.Errorf("loading the replica: table %s.%s was not announced", t.Schema, t.Name)
	}
	if err := into.add(r); err != nil {
		return fmt.Errorf("loading a row of %s.%s into the replica: %w", t.Schema, t.Name, err)
	}
	return nil
}

func (l *load) add(r change.Row) error {
	if len(r) != len(l.Columns) {
		return fmt.Errorf("it has %d columns, the table %d", len(r), len(l.Columns))
	}
	args := l.many.args[l.rows*len(r):]
	for i := range r {
		v, err := l.values.value(&l.Columns[i], r[i])
		if err != nil {
			return err
		}
		args[i].Value = v
	}
	for _, k := range l.Key {
		if args[k].Value == nil {
			return fmt.Errorf("its key %s is NULL", l.Columns[k].Name)
		}
	}
	l.rows++
	if l.rows == loadRows || len(l.values.arena) >= loadBytes {
		return l.flush()
	}
	return nil
}

// flush inserts what was gathered, at once if the statement is full.
func (l *load) flush() error {
	defer func() {
		l.rows = 0
		if cap(l.values.arena) > 2*loadBytes { // one large value is not kept for ever
			l.values.arena = nil
		}
		l.values.reset()
	}()
	if l.rows == loadRows {
		_, err := l.many.exec()
		return err
	}
	for n := range l.rows {
		for i := range l.one.args {
			l.one.args[i].Value = l.many.args[n*len(l.Columns)+i].Value
		}
		if _, err := l.one.exec(); err != nil {
			return err
		}
	}
	return nil
}

// Finish completes the file and makes it durable. Objects come when it is opened.
func (l *Loader) Finish(ctx context.Context, st State) error {
	if err := l.finish(ctx, st); err != nil {
		return errors.Join(fmt.Errorf("completing the replica file: %w", err), l.discard())
	}
	return nil
}

func (l *Loader) finish(ctx context.Context, st State) error {
	for _, t := range l.tables {
		into := l.loads[t.OID]
		if err := into.flush(); err != nil {
			return err
		}
		if err := errors.Join(into.many.close(), into.one.close()); err != nil {
			return err
		}
	}
	st.Incarnation = max(st.Incarnation, 1)
	if err := l.conn.exec(ctx, insertState, st.values()...); err != nil {
		return err
	}
	for _, sql := range []string{"COMMIT", analyze} {
		if err := l.conn.exec(ctx, sql); err != nil {
			return err
		}
	}
	c := l.conn
	l.conn = nil
	if err := c.close(); err != nil {
		return err
	}
	return moveInto(l.path+partSuffix, l.path)
}

// Abort throws the unfinished file away. After Finish it does nothing.
func (l *Loader) Abort() {
	// What could not be removed is removed when the next copy begins.
	_ = l.discard()
}

func (l *Loader) discard() error {
	var err error
	if l.conn != nil {
		err = l.conn.close()
		l.conn = nil
	}
	return errors.Join(err, removeFile(l.path+partSuffix), removeJournals(l.path+partSuffix))
}

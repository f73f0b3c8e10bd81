package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"outpost/replicate/change"
)

// Loader fills a fresh file with the first copy. It keeps no journal, so a crash
// leaves nothing usable; the file appears under its name when it is complete.
// It belongs to one goroutine.
type Loader struct {
	path    string
	conn    *conn
	tables  []*change.Table
	inserts map[uint32]*inserts // by OID
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
	l := &Loader{path: path, conn: c, inserts: make(map[uint32]*inserts)}
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
	into := newInserts(l.conn, t)
	l.inserts[t.OID] = &into
	return into.prepare()
}

// Row adds a row of one of Begin's tables. It keeps nothing of r.
func (l *Loader) Row(t *change.Table, r change.Row) error {
	into := l.inserts[t.OID]
	if into == nil {
		return fmt.Errorf("loading the replica: table %s.%s was not announced", t.Schema, t.Name)
	}
	if err := load(into, r); err != nil {
		return fmt.Errorf("loading a row of %s.%s into the replica: %w", t.Schema, t.Name, err)
	}
	return nil
}

func load(into *inserts, r change.Row) error {
	if len(r) != len(into.Columns) {
		return fmt.Errorf("it has %d columns, the table %d", len(r), len(into.Columns))
	}
	for _, k := range into.Key {
		if r[k].Presence != change.Present {
			return fmt.Errorf("its key %s is NULL", into.Columns[k].Name)
		}
	}
	if err := into.add(r); err != nil || !into.full() {
		return err
	}
	return into.flush()
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
		into := l.inserts[t.OID]
		if err := into.flush(); err != nil {
			return err
		}
		delete(l.inserts, t.OID)
		if err := into.close(); err != nil {
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
	var errs []error
	for _, into := range l.inserts { // without which SQLite would keep the file open
		errs = append(errs, into.close())
	}
	clear(l.inserts)
	if l.conn != nil {
		errs = append(errs, l.conn.close())
		l.conn = nil
	}
	return errors.Join(errors.Join(errs...), removeFile(l.path+partSuffix), removeJournals(l.path+partSuffix))
}

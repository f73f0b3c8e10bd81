package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"outpost/replicate/change"
)

// alter makes the tables what they became in Postgres at this place of the transaction.
// What SQLite refuses (a local object stands in the way) only another file helps.
func (a *applier) alter(c *change.SchemaChange) error {
	tx := &a.r.tx
	tx.replaced = true
	if tx.altered == nil {
		tx.altered = maps.Clone(a.f.byOID)
	}
	for _, oid := range c.Dropped {
		if err := a.drop(oid); err != nil {
			return a.refused(fmt.Errorf("dropping table %d: %w", oid, err))
		}
	}
	for _, t := range c.Tables {
		if err := a.become(t); err != nil {
			return a.refused(fmt.Errorf("altering table %s.%s: %w", t.Schema, t.Name, err))
		}
	}
	return nil
}

// refused tells what SQLite refuses from what the disk does.
func (a *applier) refused(err error) error {
	if err = OnDisk(a.f.path, err); errors.Is(err, ErrDisk) {
		return err
	}
	return resync("%w", err)
}

func (a *applier) drop(oid uint32) error {
	t := a.r.tx.altered[oid]
	if t == nil {
		return errors.New("the replica does not have it")
	}
	if err := noLocalObjects(a.ctx, a.f.writer, t.Table); err != nil {
		return err
	}
	if err := a.forget(t); err != nil {
		return err
	}
	if err := a.f.writer.exec(a.ctx, "DROP TABLE "+quote(t.SQLite)); err != nil {
		return err
	}
	return a.f.writer.exec(a.ctx, "DELETE FROM _outpost_tables WHERE json_extract(definition, '$.oid') = ?", int64(oid))
}

// become creates a table, or alters the one that has its OID.
func (a *applier) become(t *change.Table) error {
	definition, err := json.Marshal(t)
	if err != nil {
		return err
	}
	c := a.f.writer
	old := a.r.tx.altered[t.OID]
	if old == nil {
		if err := createsTable(t); err != nil {
			return err
		}
		err = c.exec(a.ctx, createTable(t))
		if err == nil {
			err = c.exec(a.ctx, "INSERT INTO _outpost_tables SELECT coalesce(max(ordinal), 0) + 1, ? FROM _outpost_tables", string(definition))
		}
	} else {
		if err := a.forget(old); err != nil {
			return err
		}
		if err = alterTable(a.ctx, c, old.Table, t); err == nil {
			err = c.exec(a.ctx, "UPDATE _outpost_tables SET definition = ? WHERE json_extract(definition, '$.oid') = ?", string(definition), int64(t.OID))
		}
	}
	if err != nil {
		return err
	}
	a.r.tx.altered[t.OID] = newTable(c, t)
	return nil
}

// forget takes a table out of the transaction's. One that this transaction made itself
// nobody else knows.
func (a *applier) forget(t *table) error {
	delete(a.r.tx.altered, t.OID)
	if a.f.byOID[t.OID] == t {
		return nil // until the commit
	}
	return t.close()
}

// install makes the tables of a transaction that was committed the file's own.
func (f *file) install(altered map[uint32]*table) error {
	if altered == nil {
		return nil
	}
	var errs []error
	for oid, t := range f.byOID {
		if altered[oid] != t {
			errs = append(errs, t.close())
		}
	}
	f.byOID = altered
	tables, err := readTables(context.Background(), f.writer)
	if err == nil {
		f.tables.Store(&tables)
		for _, t := range tables { // one description, for all who compare them
			f.byOID[t.OID].Table = t
		}
	}
	return errors.Join(append(errs, err)...)
}

// discard lets go of the tables of a transaction that is rolled back.
func (f *file) discard(altered map[uint32]*table) error {
	var errs []error
	for oid, t := range altered {
		if f.byOID[oid] != t {
			errs = append(errs, t.close())
		}
	}
	return errors.Join(errs...)
}

// createsTable says why SQLite cannot have a table.
func createsTable(t *change.Table) error {
	switch {
	case strings.HasPrefix(change.Fold(t.SQLite), "_outpost_"):
		return errors.New("names that begin with _outpost_ are the replica's own")
	case len(t.Columns) == 0:
		return errors.New("SQLite has no tables without columns")
	}
	return nil
}

func keyNumbers(t *change.Table) []int16 {
	out := make([]int16, len(t.Key))
	for i, k := range t.Key {
		out[i] = t.Columns[k].Number
	}
	return out
}

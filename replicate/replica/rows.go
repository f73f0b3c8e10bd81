package replica

import (
	"fmt"

	"outpost/replicate/change"
)

// The rows of one table, applied. Every outcome other than exactly one row changed
// means that the replica is not what the primary was.

// insertRow gathers a row; it is in the file at the latest after flushRows.
func (t *table) insertRow(row change.Row) error {
	if err := t.checkRow(row); err != nil {
		return err
	}
	for i := range row {
		if row[i].Presence == change.Unchanged {
			return resync("a new row of %s lacks the value of %s", t, t.Columns[i].Name)
		}
		if t.isKey[i] && row[i].Presence != change.Present {
			return resync("a new row of %s lacks its key", t)
		}
	}
	if err := t.inserts.prepare(); err != nil {
		return err
	}
	if err := t.inserts.add(row); err != nil {
		return resync("%s: %w", t, err)
	}
	if !t.inserts.full() {
		return nil
	}
	return t.flushRows()
}

func (t *table) flushRows() error {
	if err := t.inserts.flush(); err != nil {
		return t.failed("inserting into", err)
	}
	return nil
}

func (t *table) updateRow(cv *converter, old, row change.Row) error {
	if err := t.checkRow(row); err != nil {
		return err
	}
	was := row
	if old != nil {
		if err := t.checkRow(old); err != nil {
			return err
		}
		was = old
	} else if len(t.Key) == 0 {
		return resync("an update of %s, which has no key, lacks the old row", t)
	}
	t.chooseSet(old, row)
	s, err := t.update()
	if err != nil {
		return err
	}
	cv.reset()
	n := 0
	for i := range row {
		if !t.sets(i) {
			continue
		}
		if s.args[n].Value, err = cv.value(&t.Columns[i], row[i]); err != nil {
			return resync("%s: %w", t, err)
		}
		n++
	}
	if err := t.bindRow(cv, s, n, was); err != nil {
		return err
	}
	return t.one("updating", s)
}

func (t *table) deleteRow(cv *converter, old change.Row) error {
	if err := t.checkRow(old); err != nil {
		return err
	}
	s, err := t.prepared(&t.remove, t.identifying(), func() string {
		return "DELETE FROM " + quote(t.SQLite) + t.whereRow()
	})
	if err != nil {
		return err
	}
	cv.reset()
	if err := t.bindRow(cv, s, 0, old); err != nil {
		return err
	}
	return t.one("deleting from", s)
}

func (t *table) truncateRows() error {
	s, err := t.prepared(&t.truncate, 0, func() string { return "DELETE FROM " + quote(t.SQLite) })
	if err != nil {
		return err
	}
	if _, err := s.exec(); err != nil {
		return t.failed("truncating", err)
	}
	return nil
}

// bindRow binds what finds a row: its key, or else all of it.
func (t *table) bindRow(cv *converter, s *statement, place int, row change.Row) (err error) {
	if len(t.Key) == 0 {
		for i := range row {
			if row[i].Presence == change.Unchanged {
				return resync("a change of %s, which has no key, lacks the old value of %s", t, t.Columns[i].Name)
			}
			if s.args[place+i].Value, err = cv.value(&t.Columns[i], row[i]); err != nil {
				return resync("%s: %w", t, err)
			}
		}
		return nil
	}
	for i, k := range t.Key {
		if row[k].Presence != change.Present {
			return resync("a change of %s lacks the key %s", t, t.Columns[k].Name)
		}
		if s.args[place+i].Value, err = cv.value(&t.Columns[k], row[k]); err != nil {
			return resync("%s: %w", t, err)
		}
	}
	return nil
}

func (t *table) checkRow(row change.Row) error {
	if len(row) != len(t.Columns) {
		return resync("a row of %s has %d columns, the replica's table %d", t, len(row), len(t.Columns))
	}
	return nil
}

// one runs a statement that must change exactly one row.
func (t *table) one(doing string, s *statement) error {
	changed, err := s.exec()
	if err != nil {
		return t.failed(doing, err)
	}
	if changed != 1 {
		return resync("%s %s hit %d rows", doing, t, changed)
	}
	return nil
}

// failed tells divergence (a row is there that should not be) from other failures.
func (t *table) failed(doing string, err error) error {
	if isConstraint(err) {
		return resync("%s %s: %w", doing, t, err)
	}
	return fmt.Errorf("%s %s: %w", doing, t, err)
}

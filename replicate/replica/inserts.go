package replica

import (
	"errors"

	"outpost/replicate/change"
)

// How many rows a statement inserts at once, and how many bytes are gathered for it. A
// statement has at most 32,766 parameters and a table 2,000 columns, so no more would do.
const (
	insertRows  = 16
	insertBytes = 1 << 20
)

// inserts gathers new rows of one table: a statement that inserts several costs less than
// as many statements.
type inserts struct {
	*change.Table
	conn      *conn
	many, one *statement
	values    converter
	rows      int // gathered
}

func newInserts(c *conn, t *change.Table) inserts {
	return inserts{Table: t, conn: c, values: converter{keep: true}}
}

func (s *inserts) prepare() (err error) {
	if s.many != nil {
		return nil
	}
	if s.one, err = s.conn.prepare(insertSQL(s.Table, 1), len(s.Columns)); err != nil {
		return err
	}
	s.many, err = s.conn.prepare(insertSQL(s.Table, insertRows), insertRows*len(s.Columns))
	return err
}

// add gathers a row of as many values as the table has columns, and keeps nothing of it.
// Whoever adds inserts what is gathered as soon as it is full.
func (s *inserts) add(r change.Row) error {
	args := s.many.args[s.rows*len(r):]
	for i := range r {
		v, err := s.values.value(&s.Columns[i], r[i])
		if err != nil {
			return err
		}
		args[i].Value = v
	}
	s.rows++
	return nil
}

func (s *inserts) full() bool {
	return s.rows == insertRows || len(s.values.arena) >= insertBytes
}

// flush inserts what was gathered, at once if the statement is full.
func (s *inserts) flush() error {
	defer s.drop()
	if s.rows == insertRows {
		_, err := s.many.exec()
		return err
	}
	for n := range s.rows {
		for i := range s.one.args {
			s.one.args[i].Value = s.many.args[n*len(s.Columns)+i].Value
		}
		if _, err := s.one.exec(); err != nil {
			return err
		}
	}
	return nil
}

// drop forgets what was gathered.
func (s *inserts) drop() {
	s.rows = 0
	if cap(s.values.arena) > 2*insertBytes { // one large value is not kept for ever
		s.values.arena = nil
		for _, each := range []*statement{s.one, s.many} {
			for i := range each.args {
				each.args[i].Value = nil
			}
		}
	}
	s.values.reset()
}

func (s *inserts) close() error {
	var errs []error
	for _, each := range []*statement{s.one, s.many} {
		if each != nil {
			errs = append(errs, each.close())
		}
	}
	return errors.Join(errs...)
}

package replica

import (
	"bytes"
	"encoding/binary"

	"outpost/replicate/change"
	"outpost/replicate/pgoutput"
	"outpost/replicate/wire"
)

// record applies one pgoutput message.
func (a *applier) record(b []byte) error {
	if a.knownRelation(b) {
		return nil
	}
	if len(b) > 0 && b[0] == wire.SchemaRecord {
		c, err := wire.DecodeSchema(b)
		if err != nil {
			return err
		}
		if err := a.flush(); err != nil {
			return err
		}
		return a.alter(c)
	}
	m, err := a.r.decoder.Decode(b)
	if err != nil {
		return resync("%w", err)
	}
	if m, ok := m.(*pgoutput.Insert); ok {
		return a.insert(m)
	}
	if err := a.flush(); err != nil {
		return err
	}
	switch m := m.(type) {
	case *pgoutput.Update:
		return a.update(m)
	case *pgoutput.Delete:
		return a.delete(m)
	case *pgoutput.Relation:
		return a.relation(m, b)
	case *pgoutput.Truncate:
		return a.truncate(m)
	}
	return resync("the stream holds a %T where only changes may stand", m)
}

// table finds the table of a row and counts the row.
func (a *applier) table(oid uint32) (*table, error) {
	t := a.tables()[oid]
	if t == nil || t.described != a.r.tx.run {
		return nil, resync("a change of table %d came before its description", oid)
	}
	a.r.tx.rows++
	a.rows++
	if a.rows%1024 == 0 { // a large transaction must be able to end early, and be seen
		a.r.uncommitted.Store(a.r.tx.rows)
		if err := a.ctx.Err(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (a *applier) insert(m *pgoutput.Insert) error {
	t, err := a.table(m.OID)
	if err != nil {
		return err
	}
	if t != a.r.tx.inserting {
		if err := a.flush(); err != nil {
			return err
		}
		a.r.tx.inserting = t
	}
	if err := t.insertRow(m.New); err != nil {
		return err
	}
	a.observe(t, nil, m.New)
	return nil
}

// flush inserts the rows that are gathered, before anything else happens to the file.
func (a *applier) flush() error {
	t := a.r.tx.inserting
	if t == nil {
		return nil
	}
	a.r.tx.inserting = nil
	return t.flushRows()
}

func (a *applier) update(m *pgoutput.Update) error {
	t, err := a.table(m.OID)
	if err != nil {
		return err
	}
	if err := t.updateRow(&a.cv, m.Old, m.New); err != nil {
		return err
	}
	a.observe(t, m.Old, m.New)
	return nil
}

func (a *applier) delete(m *pgoutput.Delete) error {
	t, err := a.table(m.OID)
	if err != nil {
		return err
	}
	if err := t.deleteRow(&a.cv, m.Old); err != nil {
		return err
	}
	a.observe(t, m.Old, nil)
	return nil
}

func (a *applier) observe(t *table, old, row change.Row) {
	if o := a.r.options.Observer; o != nil {
		o.Row(t.Table, old, row)
	}
}

// truncate empties tables. What was computed from them cannot be told row by row, so
// it begins a new incarnation.
func (a *applier) truncate(m *pgoutput.Truncate) error {
	for _, oid := range m.OIDs {
		t, err := a.table(oid)
		if err != nil {
			return err
		}
		if err := t.truncateRows(); err != nil {
			return err
		}
		if o := a.r.options.Observer; o != nil {
			o.Truncate(t.Table)
		}
	}
	a.r.tx.replaced = true
	return nil
}

// tables are those that the open transaction has to do with, by OID.
func (a *applier) tables() map[uint32]*table {
	if altered := a.r.tx.altered; altered != nil {
		return altered
	}
	return a.f.byOID
}

// knownRelation recognises a Relation message that was compared before, without
// decoding it: one comes with every transaction. It begins with 'R' and the OID.
func (a *applier) knownRelation(b []byte) bool {
	if len(b) < 5 || b[0] != 'R' {
		return false
	}
	t := a.tables()[binary.BigEndian.Uint32(b[1:])]
	if t == nil || !bytes.Equal(t.relation, b) {
		return false
	}
	t.described = a.r.tx.run
	return true
}

// relation compares a table's description with what the replica has.
func (a *applier) relation(m *pgoutput.Relation, raw []byte) error {
	t := a.tables()[m.OID]
	if t == nil {
		return resync("the replica has no table %s.%s", m.Namespace, m.Name)
	}
	if difference := m.Differs(t.Table); difference != "" {
		return resync("table %s.%s is not what the replica has: %s", m.Namespace, m.Name, difference)
	}
	t.relation = bytes.Clone(raw)
	t.described = a.r.tx.run
	return nil
}

package hub

import (
	"bytes"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"outpost/replicate/change"
	"outpost/replicate/pgoutput"
	"outpost/replicate/wire"
)

// transaction collects the open transaction's records. Each transaction stands on
// its own: before a table's first row in it comes that table's Relation message, so
// a replica can begin anywhere in the stream.
type transaction struct {
	open    bool
	skipped bool // the stream has it already
	xid     uint32
	body    []byte

	// Of a transaction that did not fit one message.
	attempt  uint32
	parts    uint32
	checksum *xxhash.Digest

	tables    map[uint32]*change.Table // as they were copied
	relations map[uint32][]byte        // Relation messages of this connection
	described map[uint32]bool          // whose Relation is in the body already
}

func (t *transaction) begin(xid uint32, skipped bool) {
	t.open, t.skipped, t.xid, t.parts = true, skipped, xid, 0
	t.body = t.body[:0]
	clear(t.described)
}

// learn remembers the Relation messages of a transaction that is otherwise skipped:
// Postgres sends each once a connection.
func (t *transaction) learn(m pgoutput.Message, raw []byte) error {
	if r, ok := m.(*pgoutput.Relation); ok {
		return t.relation(r, raw)
	}
	return nil
}

// add appends a record to the body.
func (t *transaction) add(m pgoutput.Message, raw []byte) error {
	switch m := m.(type) {
	case *pgoutput.Relation:
		return t.relation(m, raw)
	case *pgoutput.Insert:
		return t.record(raw, m.OID)
	case *pgoutput.Update:
		return t.record(raw, m.OID)
	case *pgoutput.Delete:
		return t.record(raw, m.OID)
	case *pgoutput.Truncate:
		return t.record(raw, m.OIDs...)
	}
	return nil // types, origins and other programs' messages carry no rows
}

func (t *transaction) record(raw []byte, oids ...uint32) error {
	for _, oid := range oids {
		if t.described[oid] {
			continue
		}
		relation, ok := t.relations[oid]
		if !ok {
			return fmt.Errorf("reading the slot: a row of table %d came before its description", oid)
		}
		t.body = wire.AppendRecord(t.body, relation)
		t.described[oid] = true
	}
	t.body = wire.AppendRecord(t.body, raw)
	return nil
}

// relation keeps a table's description, if it is still the table that was copied.
func (t *transaction) relation(m *pgoutput.Relation, raw []byte) error {
	table, ok := t.tables[m.OID]
	if !ok {
		return breaks("table %s.%s was added to the publication", m.Namespace, m.Name)
	}
	if difference := differs(table, m); difference != "" {
		return breaks("table %s.%s was changed: %s", m.Namespace, m.Name, difference)
	}
	if t.relations == nil {
		t.relations, t.described = make(map[uint32][]byte), make(map[uint32]bool)
	}
	t.relations[m.OID] = bytes.Clone(raw)
	delete(t.described, m.OID)
	return nil
}

func differs(t *change.Table, m *pgoutput.Relation) string {
	if t.Schema != m.Namespace || t.Name != m.Name {
		return fmt.Sprintf("it was called %s.%s", t.Schema, t.Name)
	}
	if len(t.Columns) != len(m.Columns) {
		return fmt.Sprintf("it had %d columns and has %d", len(t.Columns), len(m.Columns))
	}
	for i := range m.Columns {
		was, is := t.Columns[i], m.Columns[i]
		if was.Name != is.Name || was.TypeOID != is.TypeOID {
			return fmt.Sprintf("column %d was %s (type %d) and is %s (type %d)", i+1, was.Name, was.TypeOID, is.Name, is.TypeOID)
		}
	}
	return ""
}

// startParts begins an attempt at sending the transaction in parts. Attempts only
// grow, so a replica can tell the parts of one that a crash cut off.
func (t *transaction) startParts() {
	t.attempt++
	t.checksum = xxhash.New()
}

func (t *transaction) part(body []byte) wire.Part {
	_, _ = t.checksum.Write(body) // a hash never fails
	p := wire.Part{Attempt: t.attempt, Number: t.parts, XID: t.xid, Body: body}
	t.parts++
	return p
}

package pgoutput

import (
	"errors"
	"fmt"

	"outpost/replicate/change"
)

// Decode reads one message. Values and Logical.Content alias b: they are valid as
// long as b is left alone.
func Decode(b []byte) (Message, error) { return new(Decoder).Decode(b) }

// Decoder reads messages one after the other. It allocates nothing for rows: an Insert,
// Update or Delete is valid until the next call. The zero Decoder is ready.
type Decoder struct {
	reader reader
	insert Insert
	update Update
	remove Delete
}

// Decode reads one message, like the function.
func (d *Decoder) Decode(b []byte) (Message, error) {
	if len(b) == 0 {
		return nil, errors.New("decoding a pgoutput message: it is empty")
	}
	r := &d.reader
	r.rest, r.err = b[1:], nil
	m := d.decode(b[0])
	switch {
	case r.err != nil:
		return nil, fmt.Errorf("decoding pgoutput message %q: %w", b[0], r.err)
	case len(r.rest) > 0:
		return nil, fmt.Errorf("decoding pgoutput message %q: %d bytes follow its end", b[0], len(r.rest))
	}
	return m, nil
}

func (d *Decoder) decode(kind byte) Message {
	r := &d.reader
	switch kind {
	case 'B':
		return &Begin{FinalLSN: r.lsn(), Time: r.time(), XID: r.uint32()}
	case 'C':
		r.flags(0)
		return &Commit{LSN: r.lsn(), EndLSN: r.lsn(), Time: r.time()}
	case 'R':
		return r.relation()
	case 'I':
		m := &d.insert
		m.OID = r.uint32()
		r.expect('N')
		m.New = r.row(m.New)
		return m
	case 'U':
		r.update(&d.update)
		return &d.update
	case 'D':
		m := &d.remove
		m.OID, m.OldKind = r.uint32(), r.byte()
		if m.OldKind != OldKey && m.OldKind != OldFull {
			r.fail("a deleted row of kind %q", m.OldKind)
		}
		m.Old = r.row(m.Old)
		return m
	case 'T':
		return r.truncate()
	case 'M':
		m := &Logical{Transactional: r.flags(1) == 1, LSN: r.lsn(), Prefix: r.string()}
		m.Content = r.bytes(int64(r.uint32()))
		return m
	case 'Y':
		return &Type{OID: r.uint32(), Namespace: r.string(), Name: r.string()}
	case 'O':
		return &Origin{LSN: r.lsn(), Name: r.string()}
	}
	r.fail("no such message in version 1 of the protocol")
	return nil
}

func (r *reader) relation() *Relation {
	m := &Relation{OID: r.uint32(), Namespace: r.string(), Name: r.string(), Identity: r.byte()}
	switch m.Identity {
	case 'd', 'n', 'f', 'i':
	default:
		r.fail("replica identity %q", m.Identity)
	}
	// A column takes 10 bytes at least: flags, an empty name, type and modifier.
	n := r.count(10)
	m.Columns = make([]Column, n)
	for i := range m.Columns {
		m.Columns[i] = Column{
			Key: r.flags(1) == 1, Name: r.string(), TypeOID: r.uint32(), Modifier: int32(r.uint32()),
		}
	}
	return m
}

func (r *reader) update(m *Update) {
	m.OID, m.OldKind = r.uint32(), OldNone
	kind := r.byte()
	if kind == OldKey || kind == OldFull {
		m.OldKind = kind
		m.Old = r.row(m.Old)
		kind = r.byte()
	} else {
		m.Old = nil
	}
	if kind != 'N' {
		r.fail("an updated row of kind %q", kind)
	}
	m.New = r.row(m.New)
}

func (r *reader) truncate() *Truncate {
	n := int64(r.uint32())
	options := r.flags(3)
	m := &Truncate{Cascade: options&1 != 0, RestartIdentity: options&2 != 0}
	if n*4 != int64(len(r.rest)) {
		r.fail("%d tables in %d bytes", n, len(r.rest))
		return m
	}
	m.OIDs = make([]uint32, n)
	for i := range m.OIDs {
		m.OIDs[i] = r.uint32()
	}
	return m
}

// row reads a row into the memory of an earlier one.
func (r *reader) row(row change.Row) change.Row {
	n := r.count(1)
	if row == nil || cap(row) < n {
		row = make(change.Row, n)
	}
	row = row[:n]
	for i := range row {
		v := &row[i]
		switch v.Presence = change.Presence(r.byte()); v.Presence {
		case change.Null, change.Unchanged:
			v.Data = nil
		case change.Present:
			v.Data = r.bytes(int64(r.uint32()))
		case 'b':
			r.fail("a value in binary form, which was not asked for")
		default:
			r.fail("a value of kind %q", byte(v.Presence))
		}
		if r.err != nil {
			return nil
		}
	}
	return row
}

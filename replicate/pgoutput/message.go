// Package pgoutput reads what Postgres' own logical decoding plugin writes, in version
// 1 of its protocol: whole, committed transactions, values as text.
//
// It is pure: bytes in, messages out. It guarantees that no input makes it panic or
// read past the end, and that a message is either understood to its last byte or
// refused. It knows nothing of connections, slots or catalogues.
//
// The format: https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
package pgoutput

import (
	"fmt"
	"slices"
	"time"

	"outpost/replicate/change"
)

// Message is one of the pointers to the structs below.
type Message interface{ message() }

// Begin opens a transaction. Everything up to its Commit belongs to it.
type Begin struct {
	FinalLSN change.LSN // where the commit record starts
	Time     time.Time  // of the commit
	XID      uint32
}

// Commit closes a transaction.
type Commit struct {
	LSN    change.LSN // where the commit record starts
	EndLSN change.LSN // where it ends: the transaction's position
	Time   time.Time
}

// Relation describes a table before its first row on a connection, and again after
// it changed.
type Relation struct {
	OID       uint32
	Namespace string
	Name      string
	Identity  byte // pg_class.relreplident: d, n, f or i
	Columns   []Column
}

// Column is one of a Relation's.
type Column struct {
	Key      bool // part of the replica identity
	Name     string
	TypeOID  uint32
	Modifier int32
}

// Differs says in what a table is not as it is described here, "" if it is.
func (r *Relation) Differs(t *change.Table) string {
	if t.Schema != r.Namespace || t.Name != r.Name {
		return fmt.Sprintf("it was called %s.%s", t.Schema, t.Name)
	}
	if len(t.Columns) != len(r.Columns) {
		return fmt.Sprintf("it had %d columns and has %d", len(t.Columns), len(r.Columns))
	}
	for i := range r.Columns {
		was, is := &t.Columns[i], &r.Columns[i]
		if was.Name != is.Name || was.TypeOID != is.TypeOID {
			return fmt.Sprintf("column %d was %s (type %d) and is %s (type %d)", i+1, was.Name, was.TypeOID, is.Name, is.TypeOID)
		}
		if is.Key != slices.Contains(t.Identity, i) {
			return "its replica identity differs in column " + is.Name
		}
	}
	return ""
}

// Insert is a new row.
type Insert struct {
	OID uint32
	New change.Row
}

// What an Update or a Delete sends of the old row.
const (
	OldNone byte = 0   // nothing: the identity did not change
	OldKey  byte = 'K' // the identity's columns, null elsewhere
	OldFull byte = 'O' // every column (REPLICA IDENTITY FULL)
)

// Update is a changed row.
type Update struct {
	OID     uint32
	OldKind byte
	Old     change.Row // nil when OldKind is OldNone
	New     change.Row
}

// Delete is a removed row.
type Delete struct {
	OID     uint32
	OldKind byte
	Old     change.Row
}

// Truncate empties tables.
type Truncate struct {
	OIDs            []uint32
	Cascade         bool
	RestartIdentity bool
}

// Logical is a message that a session emitted (pg_logical_emit_message).
type Logical struct {
	Transactional bool
	LSN           change.LSN
	Prefix        string
	Content       []byte
}

// Type names a type that is not built in, before its first use.
type Type struct {
	OID       uint32
	Namespace string
	Name      string
}

// Origin says that a transaction came from elsewhere.
type Origin struct {
	LSN  change.LSN // of the commit there
	Name string
}

func (*Begin) message()    {}
func (*Commit) message()   {}
func (*Relation) message() {}
func (*Insert) message()   {}
func (*Update) message()   {}
func (*Delete) message()   {}
func (*Truncate) message() {}
func (*Logical) message()  {}
func (*Type) message()     {}
func (*Origin) message()   {}

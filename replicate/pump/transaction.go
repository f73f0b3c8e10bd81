package pump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/cespare/xxhash/v2"

	"outpost/replicate/change"
	"outpost/replicate/pgoutput"
	"outpost/replicate/source"
	"outpost/replicate/wire"
)

// transaction collects the open transaction's records. Each transaction stands on
// its own: before a table's first row in it comes that table's Relation message, so
// a replica can begin anywhere in the chain.
type transaction struct {
	schema *Schema
	source *source.Source
	log    *slog.Logger

	open    bool
	skipped bool // the sink has it already
	xid     uint32
	number  uint64 // of the transactions of this connection
	body    []byte
	// fresh are partitioned tables with partitions whose files are of this transaction.
	fresh map[uint32]bool

	// Of a transaction that did not fit one message.
	attempt  uint32
	parts    uint32
	checksum *xxhash.Digest

	relations map[uint32]*relation // of this connection
}

// relation is a table's description as Postgres sent it.
type relation struct {
	*pgoutput.Relation
	raw       []byte
	checked   bool   // it is the table that the replicas have
	described uint64 // the transaction in whose body it is
}

func (t *transaction) begin(xid uint32, skipped bool) {
	t.open, t.skipped, t.xid, t.parts = true, skipped, xid, 0
	t.number++
	t.body = t.body[:0]
	clear(t.fresh)
}

// learn remembers the Relation messages, of a transaction that is otherwise skipped
// too: Postgres sends each once a connection.
func (t *transaction) learn(m pgoutput.Message, raw []byte) {
	r, ok := m.(*pgoutput.Relation)
	if !ok {
		return
	}
	if t.relations == nil {
		t.relations = make(map[uint32]*relation)
	}
	t.relations[r.OID] = &relation{Relation: r, raw: bytes.Clone(raw)}
}

// add appends a record to the body.
func (t *transaction) add(ctx context.Context, m pgoutput.Message, raw []byte) error {
	switch m := m.(type) {
	case *pgoutput.Relation:
		t.learn(m, raw)
	case *pgoutput.Insert:
		if err := t.filled(m); err != nil {
			return err
		}
		return t.record(raw, m.OID)
	case *pgoutput.Update:
		return t.record(raw, m.OID)
	case *pgoutput.Delete:
		return t.record(raw, m.OID)
	case *pgoutput.Truncate:
		for _, oid := range t.schema.truncated(m.OIDs, t.xid) {
			t.renew(oid)
		}
		return t.record(raw, m.OIDs...)
	case *pgoutput.Logical:
		return t.announced(ctx, m)
	}
	return nil // types and origins carry no rows
}

func (t *transaction) record(raw []byte, oids ...uint32) error {
	for _, oid := range oids {
		r := t.relations[oid]
		if r == nil {
			return fmt.Errorf("reading the slot: a row of table %d came before its description", oid)
		}
		if r.described == t.number {
			continue
		}
		if !r.checked {
			if err := t.schema.check(r.Relation); err != nil {
				return err
			}
			r.checked = true
		}
		t.body = wire.AppendRecord(t.body, r.raw)
		r.described = t.number
	}
	t.body = wire.AppendRecord(t.body, raw)
	return nil
}

func (t *transaction) renew(oid uint32) {
	if t.fresh == nil {
		t.fresh = make(map[uint32]bool)
	}
	t.fresh[oid] = true
}

// filled refuses the new rows that no replica can be sure of.
func (t *transaction) filled(m *pgoutput.Insert) error {
	r := t.relations[m.OID]
	if r == nil {
		return nil // record says so
	}
	if t.fresh[m.OID] {
		// A partition emptied by itself gets another file, which watch sees; unless its file is
		// of the same transaction. And it does not come with the stream.
		return Breaks("table %s.%s was filled in the transaction that emptied it or gave it a partition: if a partition was emptied again, nothing tells",
			r.Namespace, r.Name)
	}
	for i := range m.New {
		if m.New[i].Presence == change.Unchanged {
			return Breaks("a row came into table %s.%s through the publication's row filter, and Postgres does not send its large values", r.Namespace, r.Name)
		}
	}
	return nil
}

// announced follows a change of the schema that was announced at this place, and tells
// the replicas. A message that only claims to be an announcement changes nothing.
func (t *transaction) announced(ctx context.Context, m *pgoutput.Logical) error {
	if m.Prefix != source.AnnouncementPrefix || !m.Transactional {
		return nil // another program's
	}
	a, err := t.source.Announcement(ctx, m.Content, t.xid)
	if errors.Is(err, source.ErrForged) {
		t.log.Warn("a message claims to announce a change of the schema and does not come from the database's own trigger; it is ignored",
			"at", m.LSN, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	step, repartitioned, err := t.schema.follow(a, t.xid)
	if err != nil || step.Empty() {
		return err
	}
	for _, oid := range repartitioned {
		t.renew(oid)
	}
	for _, table := range step.Tables {
		if r := t.relations[table.OID]; r != nil {
			r.checked, r.described = false, 0
		}
	}
	record, err := wire.EncodeSchema(step)
	if err != nil {
		return err
	}
	t.log.Info("a change of the schema is followed in place", "tables", names(step.Tables), "dropped", len(step.Dropped), "at", m.LSN)
	t.body = wire.AppendRecord(t.body, record)
	return nil
}

func names(tables []*change.Table) []string {
	var out []string
	for _, t := range tables {
		out = append(out, t.Schema+"."+t.Name)
	}
	slices.Sort(out)
	return out
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

// Package replicatest keeps a replica file in step with a real Postgres inside a test,
// with nothing between: the slot's records go into messages as a hub would make them,
// and from there into the replica. It also compares the two in a way that shares no
// code with what is tested; see Equal.
//
// It is for tests only, and knows neither the hub nor NATS.
package replicatest

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/pgoutput"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/wire"
)

// patience is how long something may take before the test fails.
const patience = time.Minute

// partBytes is the size past which a transaction travels in parts of that size.
const partBytes = 1 << 20

// Follower is a replica of a publication. It belongs to the test's goroutine.
type Follower struct {
	URL     string
	Source  *source.Source
	Replica *replica.Replica
	Path    string

	stream   *source.Stream
	header   wire.Header
	seq      uint64
	position func() change.LSN

	tx        wire.Tx
	open      bool // inside a transaction
	relations map[uint32][]byte
	described map[uint32]bool
}

// Follow copies a publication of the database at url into a new file, opens it and the
// stream that continues it. It is closed when the test ends. The database's slot is the
// one of source.SlotName, so there can be one Follower of a database.
func Follow(t testing.TB, address, publication string, options ...func(*replica.Options)) *Follower {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	f := &Follower{
		URL: address, Path: filepath.Join(t.TempDir(), "replica.db"),
		Source: source.New(source.Config{
			URL: address, Publication: publication, Slot: source.SlotName(strings.TrimPrefix(u.Path, "/")),
		}),
		relations: make(map[uint32][]byte), described: make(map[uint32]bool),
	}
	must(t, source.Check(t.Context(), f.Source.Config))
	identity, err := f.Source.Identify(t.Context())
	must(t, err)
	f.header = wire.Header{Generation: 1, System: identity.System, Timeline: identity.Timeline}

	loader, err := replica.Create(t.Context(), f.Path)
	must(t, err)
	t.Cleanup(loader.Abort)
	from, err := f.Source.Copy(t.Context(), loader.Begin, loader.Row)
	must(t, err)
	must(t, loader.Finish(t.Context(), replica.State{
		Position: change.Position{Generation: f.header.Generation, LSN: from},
		System:   identity.System, Timeline: identity.Timeline,
	}))
	o := replica.Options{Path: f.Path}
	for _, option := range options {
		option(&o)
	}
	f.Replica, err = replica.Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, f.Replica.Close()) })
	f.stream, err = f.Source.Stream(t.Context(), from)
	must(t, err)
	t.Cleanup(func() { must(t, f.stream.Close(context.Background())) })

	conn := pgtest.Connect(t, address)
	f.position = func() change.LSN {
		t.Helper()
		var text string
		// The message ends up in the stream whatever is published, and so moves the position
		// of the replica past everything that was committed before.
		must(t, conn.QueryRow(context.WithoutCancel(t.Context()),
			"SELECT pg_logical_emit_message(true, 'replicatest', '')::text").Scan(&text))
		lsn, err := change.ParseLSN(text)
		must(t, err)
		return lsn
	}
	return f
}

// CatchUp applies everything that was committed before it was called.
func (f *Follower) CatchUp(t testing.TB) {
	t.Helper()
	must(t, f.Try(t))
}

// Try is CatchUp for a test that expects the replica to refuse.
func (f *Follower) Try(t testing.TB) error {
	t.Helper()
	return f.Until(t, f.position())
}

// Until applies what arrives until the replica has reached a position.
func (f *Follower) Until(t testing.TB, lsn change.LSN) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for f.Replica.State().Position.LSN < lsn {
		event, err := f.stream.Next(ctx)
		if err != nil {
			return err
		}
		if err := f.event(ctx, event); err != nil {
			return err
		}
	}
	return f.stream.Confirm(f.Replica.State().Position.LSN)
}

func (f *Follower) event(ctx context.Context, e source.Event) error {
	if e.Keepalive {
		if f.open || e.WALEnd <= f.Replica.State().Position.LSN {
			return nil
		}
		return f.apply(ctx, wire.Message{Kind: wire.Heartbeat, Heartbeat: e.WALEnd})
	}
	m, err := pgoutput.Decode(e.Data)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *pgoutput.Begin:
		f.open, f.tx = true, wire.Tx{XID: m.XID, Time: m.Time}
		clear(f.described)
	case *pgoutput.Commit:
		f.open, f.tx.End = false, m.EndLSN
		return f.commit(ctx)
	case *pgoutput.Relation:
		f.relations[m.OID] = bytes.Clone(e.Data)
		delete(f.described, m.OID)
	case *pgoutput.Insert:
		f.record(e.Data, m.OID)
	case *pgoutput.Update:
		f.record(e.Data, m.OID)
	case *pgoutput.Delete:
		f.record(e.Data, m.OID)
	case *pgoutput.Truncate:
		f.record(e.Data, m.OIDs...)
	}
	return nil
}

// record adds a change, with the description of its tables before the first of each.
func (f *Follower) record(raw []byte, oids ...uint32) {
	for _, oid := range oids {
		if !f.described[oid] {
			f.tx.Body = wire.AppendRecord(f.tx.Body, f.relations[oid])
			f.described[oid] = true
		}
	}
	f.tx.Body = wire.AppendRecord(f.tx.Body, raw)
}

// commit hands the transaction over, a large one in parts.
func (f *Follower) commit(ctx context.Context) error {
	if len(f.tx.Body) <= partBytes {
		return f.apply(ctx, wire.Message{Kind: wire.Batch, Txs: []wire.Tx{f.tx}})
	}
	part := wire.Part{Attempt: 1, XID: f.tx.XID}
	for rest := f.tx.Body; len(rest) > 0; part.Number++ {
		part.Body = rest[:min(partBytes, len(rest))]
		if rest = rest[len(part.Body):]; len(rest) == 0 {
			part.Last, part.End, part.Time, part.Checksum = true, f.tx.End, f.tx.Time, xxhash.Sum64(f.tx.Body)
		}
		if err := f.apply(ctx, wire.Message{Kind: wire.Piece, Part: part}); err != nil {
			return err
		}
	}
	return nil
}

// apply sends a message over the wire format and applies it.
func (f *Follower) apply(ctx context.Context, m wire.Message) error {
	m.Header = f.header
	m.Prev = f.Replica.State().Position.LSN
	m.Sent = time.Now()
	m, err := wire.Decode(wire.Encode(nil, &m))
	if err != nil {
		return fmt.Errorf("what was encoded cannot be decoded: %w", err)
	}
	f.seq++
	return f.Replica.Apply(ctx, []replica.Delivery{{Seq: f.seq, Message: m}})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

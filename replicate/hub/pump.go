package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgoutput"
	"outpost/replicate/source"
	"outpost/replicate/stream"
	"outpost/replicate/wire"
)

const (
	// heartbeatInterval is how often an idle hub says that it is there.
	heartbeatInterval = time.Second
	// beatInterval is how often a heartbeat may move the position for which nobody waits.
	// Beside busy tables that are not published Postgres sends a thousand keepalives a
	// second: each as a message would cost a sync here and a commit in every replica, and
	// fill the stream within minutes.
	beatInterval = 50 * time.Millisecond
	// messageBytes is where a batch is sent and a large transaction cut. A fsync costs
	// about as much as writing this much.
	messageBytes = 1 << 20
)

// pump moves changes from the slot to the stream: what arrives while one message is
// being synced shares the next.
type pump struct {
	hub  *Hub
	log  *stream.Log
	from *source.Stream
	end  tail // where the stream stands

	expected []commit // in the stream already; must arrive again, just so
	tx       transaction
	batch    wire.Message
	size     int        // bytes in batch
	beat     change.LSN // passed without anything to publish, as the newest keepalive says
	beaten   time.Time  // when a heartbeat was last published
	reached  change.LSN // how far this connection has come; after a resume, the stream is ahead of it
}

// pump runs from the slot's confirmed position until something breaks.
func (h *Hub) pump(ctx context.Context, log *stream.Log, end tail, confirmed change.LSN) (err error) {
	from, err := h.Source.Stream(ctx, confirmed)
	// ErrSlotAhead is none of these: a predecessor may have confirmed more since the slot
	// was looked at. The next session looks again, and resumable decides.
	if errors.Is(err, source.ErrNoSlot) || errors.Is(err, source.ErrSlotLost) {
		return breaks("%v", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close(context.WithoutCancel(ctx))) }()
	h.streaming.Store(true)
	p := &pump{hub: h, log: log, from: from, end: end, expected: end.commits}
	p.tx.tables = tablesByOID(h.Replica.Tables())
	p.tx.attempt = end.attempt
	for {
		event, ok, err := from.TryNext()
		if err == nil && !ok {
			if err = p.rest(ctx); err != nil {
				return err
			}
			event, ok, err = p.wait(ctx)
		}
		if err == nil && ok {
			err = p.event(ctx, event)
		}
		if err != nil {
			return err
		}
	}
}

// wait blocks for an event, or for the next heartbeat.
func (p *pump) wait(ctx context.Context) (source.Event, bool, error) {
	patience := heartbeatInterval
	if p.beat > p.end.lsn {
		patience = beatInterval
	}
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	event, err := p.from.Next(limit)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		if p.idle() {
			return source.Event{}, false, p.heartbeat(ctx, max(p.beat, p.end.lsn))
		}
		return source.Event{}, false, nil
	}
	return event, err == nil, err
}

// idle says that nothing is in flight: between transactions, and past what the
// stream held at the start.
func (p *pump) idle() bool { return !p.tx.open && len(p.expected) == 0 }

func (p *pump) event(ctx context.Context, e source.Event) error {
	if e.Keepalive {
		return p.keepalive(e.WALEnd)
	}
	m, err := pgoutput.Decode(e.Data)
	if err != nil {
		return fmt.Errorf("reading the slot at %s: %w", e.WALStart, err)
	}
	switch m := m.(type) {
	case *pgoutput.Begin:
		return p.begin(m)
	case *pgoutput.Commit:
		return p.commit(ctx, m)
	}
	if p.tx.skipped {
		return p.tx.learn(m, e.Data)
	}
	if err := p.tx.add(m, e.Data); err != nil {
		return err
	}
	if len(p.tx.body) >= messageBytes {
		return p.cut(ctx)
	}
	return nil
}

// keepalive notes how far Postgres has got between transactions.
func (p *pump) keepalive(at change.LSN) error {
	if p.tx.open {
		return nil
	}
	// Before anything is confirmed: what is cannot be compared any more.
	if len(p.expected) > 0 && at >= p.expected[0].end {
		return breaks("Postgres has passed %s without sending the transaction that the stream has there", p.expected[0].end)
	}
	p.reached = max(p.reached, at)
	if at <= p.end.lsn {
		return p.confirm()
	}
	p.beat = at
	return nil
}

// rest publishes what there is, now that nothing more has arrived. A heartbeat moves
// the position where nothing that is published was committed: a write's own position
// may lie there. If somebody waits for it, at once.
func (p *pump) rest(ctx context.Context) error {
	if err := p.flush(ctx); err != nil {
		return err
	}
	if p.tx.open || p.beat <= p.end.lsn {
		return nil
	}
	if p.hub.expected.Load() <= uint64(p.end.lsn) && time.Since(p.beaten) < beatInterval {
		return nil
	}
	return p.heartbeat(ctx, p.beat)
}

func (p *pump) begin(m *pgoutput.Begin) error {
	// FinalLSN is where the commit record starts. A record that starts below the
	// stream's end also ended there: the stream has it.
	skipped := m.FinalLSN < p.end.lsn
	if !skipped && len(p.expected) > 0 {
		return breaks("Postgres did not send again the transaction that the stream has at %s", p.expected[0].end)
	}
	p.tx.begin(m.XID, skipped)
	return nil
}

func (p *pump) commit(ctx context.Context, m *pgoutput.Commit) error {
	p.tx.open = false
	p.reached = max(p.reached, m.EndLSN)
	if p.tx.skipped {
		if err := p.matches(commit{m.EndLSN, p.tx.xid, m.Time}); err != nil {
			return err
		}
		return p.confirm()
	}
	tx := wire.Tx{End: m.EndLSN, XID: p.tx.xid, Time: m.Time, Body: p.tx.body}
	if p.tx.parts > 0 {
		return p.last(ctx, tx)
	}
	if p.size > 0 && p.size+tx.Size() > messageBytes {
		if err := p.flush(ctx); err != nil {
			return err
		}
	}
	p.join(tx)
	return nil
}

// join puts a whole transaction into the batch.
func (p *pump) join(tx wire.Tx) {
	p.batch.Txs = append(p.batch.Txs, tx)
	p.size += tx.Size()
	p.tx.body = nil // the batch has it
}

// matches compares a transaction that arrived again with the one in the stream.
func (p *pump) matches(got commit) error {
	if len(p.expected) == 0 {
		return breaks("Postgres sent a transaction at %s that the stream does not have", got.end)
	}
	want := p.expected[0]
	if got.end != want.end || got.xid != want.xid || !got.time.Equal(want.time) {
		return breaks("Postgres' history was replaced: at %s it has transaction %d of %s, the stream has %d of %s at %s",
			got.end, got.xid, got.time, want.xid, want.time, want.end)
	}
	p.expected = p.expected[1:]
	return nil
}

// flush publishes the batch.
func (p *pump) flush(ctx context.Context) error {
	if len(p.batch.Txs) == 0 {
		return nil
	}
	p.batch.Kind = wire.Batch
	p.batch.Header = p.header()
	if err := p.publish(ctx, &p.batch); err != nil {
		return err
	}
	p.batch.Txs, p.size = p.batch.Txs[:0], 0
	return nil
}

func (p *pump) heartbeat(ctx context.Context, at change.LSN) error {
	p.beaten = time.Now()
	return p.publish(ctx, &wire.Message{Header: p.header(), Kind: wire.Heartbeat, Heartbeat: at})
}

// cut publishes what there is of the open transaction as a part.
func (p *pump) cut(ctx context.Context) error {
	if err := p.flush(ctx); err != nil {
		return err
	}
	if p.tx.parts == 0 {
		p.tx.startParts()
	}
	rest := p.tx.body
	for len(rest) >= messageBytes {
		if err := p.publish(ctx, &wire.Message{
			Header: p.header(), Kind: wire.Piece, Part: p.tx.part(rest[:messageBytes]),
		}); err != nil {
			return err
		}
		rest = rest[messageBytes:]
	}
	if cap(p.tx.body) > 4*messageBytes { // one huge value is not kept for ever
		p.tx.body = nil
	}
	p.tx.body = append(p.tx.body[:0], rest...)
	return nil
}

func (p *pump) last(ctx context.Context, tx wire.Tx) error {
	part := p.tx.part(tx.Body)
	part.Last, part.End, part.Time, part.Checksum = true, tx.End, tx.Time, p.tx.checksum.Sum64()
	return p.publish(ctx, &wire.Message{Header: p.header(), Kind: wire.Piece, Part: part})
}

// publish appends a message to the chain, and lets Postgres forget what it holds.
func (p *pump) publish(ctx context.Context, m *wire.Message) error {
	if _, err := p.log.Publish(ctx, stream.All, m); err != nil {
		return err
	}
	end, whole := m.End()
	if !whole {
		return nil
	}
	p.end.lsn = end
	p.hub.published.Store(uint64(end))
	return p.confirm()
}

// confirm tells Postgres what is in the stream on disk: never more, and never more
// than has come out of the slot since it was opened.
func (p *pump) confirm() error { return p.from.Confirm(min(p.end.lsn, p.reached)) }

func (p *pump) header() wire.Header {
	return wire.Header{
		Generation: p.end.generation, System: p.end.system, Timeline: p.end.timeline,
		Prev: p.end.lsn, Sent: time.Now(),
	}
}

func tablesByOID(tables []*change.Table) map[uint32]*change.Table {
	m := make(map[uint32]*change.Table, len(tables))
	for _, t := range tables {
		m[t.OID] = t
	}
	return m
}

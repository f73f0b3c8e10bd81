// Package pump reads a replication slot and turns what it sends into the chain of
// messages that replicas apply, for whoever keeps them: the hub, whose sink is a
// stream, or a program that replicates into one file.
//
// A Session is one connection. It guarantees
//   - that the chain is in the order of the commits and whole: what the slot sends
//     again is compared with what the sink has, and skipped;
//   - that the slot's confirmed position moves only to what the sink has taken;
//   - that no row reaches the sink whose table is not, at that place in the history,
//     what the replicas believe it to be: a change of the schema that can be followed
//     becomes a message at its place, any other one ends the session with Broken.
//
// It knows nothing of where the messages go, and begins no generation: it says that
// one is needed.
package pump

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"outpost/replicate/change"
	"outpost/replicate/pgoutput"
	"outpost/replicate/source"
	"outpost/replicate/wire"
)

const (
	// heartbeatInterval is how often an idle hub says that it is there.
	heartbeatInterval = time.Second
	// BeatInterval is how often a heartbeat may move the position for which nobody waits.
	// Beside busy tables that are not published Postgres sends a thousand keepalives a
	// second: each as a message would cost a sync here and a commit in every replica, and
	// fill the stream within minutes.
	BeatInterval = 50 * time.Millisecond
	// MessageBytes is where a batch is sent and a large transaction cut. A fsync costs
	// about as much as writing this much.
	MessageBytes = 1 << 20
)

// Sink takes the messages. Publish returns when one is kept for good; after an error
// nobody knows whether it is, and the session is over.
type Sink interface {
	Publish(ctx context.Context, m *wire.Message) error
}

// Session is one connection to the slot, from its start to its end.
type Session struct {
	Source   *source.Source
	Sink     Sink
	Progress *Progress // outlives the session
	Schema   *Schema   // as of End
	End      End       // where the chain stands
	// Confirmed is the slot's own position, from which it sends.
	Confirmed change.LSN
	// Watch is how often the catalogue is looked at; WatchInterval if zero.
	Watch time.Duration
	Log   *slog.Logger
}

// Run runs until something breaks: always with an error, Broken if the chain cannot be
// continued.
func (s *Session) Run(ctx context.Context) error {
	s.Progress.published.Store(uint64(s.End.LSN))
	defer s.Progress.streaming.Store(false)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.pump(ctx) })
	group.Go(func() error { return s.watch(ctx) })
	group.Go(func() error { return s.mark(ctx) })
	return group.Wait()
}

// pump moves changes from the slot to the sink: what arrives while one message is
// being kept shares the next.
type pump struct {
	*Session
	from *source.Stream

	decoder  pgoutput.Decoder
	expected []change.Commit // in the sink already; must arrive again, just so
	tx       transaction
	batch    wire.Message
	size     int        // bytes in batch
	beat     change.LSN // passed without anything to publish, as the newest keepalive says
	beaten   time.Time  // when a heartbeat was last published
	reached  change.LSN // how far this connection has come; after a resume, the chain is ahead of it
}

// pump runs from the slot's confirmed position until something breaks.
func (s *Session) pump(ctx context.Context) (err error) {
	from, err := s.Source.Stream(ctx, s.Confirmed)
	// ErrSlotAhead is none of these: a predecessor may have confirmed more since the slot
	// was looked at. The next session looks again, and Resumable decides.
	if errors.Is(err, source.ErrNoSlot) || errors.Is(err, source.ErrSlotLost) {
		return Breaks("%v", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close(context.WithoutCancel(ctx))) }()
	s.Progress.streaming.Store(true)
	p := &pump{Session: s, from: from, expected: s.End.Commits}
	p.tx = transaction{schema: s.Schema, source: s.Source, log: s.Log, attempt: s.End.Attempt}
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
	if p.beat > p.End.LSN {
		patience = BeatInterval
	}
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	event, err := p.from.Next(limit)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		if p.idle() {
			return source.Event{}, false, p.heartbeat(ctx, max(p.beat, p.End.LSN))
		}
		return source.Event{}, false, nil
	}
	return event, err == nil, err
}

// idle says that nothing is in flight: between transactions, and past what the
// chain held at the start.
func (p *pump) idle() bool { return !p.tx.open && len(p.expected) == 0 }

func (p *pump) event(ctx context.Context, e source.Event) error {
	if e.Keepalive {
		return p.keepalive(e.WALEnd)
	}
	m, err := p.decoder.Decode(e.Data)
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
		p.tx.learn(m, e.Data)
		return nil
	}
	if err := p.tx.add(ctx, m, e.Data); err != nil {
		return err
	}
	if len(p.tx.body) >= MessageBytes {
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
	if len(p.expected) > 0 && at >= p.expected[0].LSN {
		return Breaks("Postgres' history was replaced: it has passed %s without sending the transaction that was there", p.expected[0].LSN)
	}
	p.reached = max(p.reached, at)
	if at <= p.End.LSN {
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
	if p.tx.open || p.beat <= p.End.LSN {
		return nil
	}
	if p.Progress.Expected() <= p.End.LSN && time.Since(p.beaten) < BeatInterval {
		return nil
	}
	return p.heartbeat(ctx, p.beat)
}

func (p *pump) begin(m *pgoutput.Begin) error {
	// FinalLSN is where the commit record starts. A record that starts below the
	// stream's end also ended there: the stream has it.
	skipped := m.FinalLSN < p.End.LSN
	if !skipped && len(p.expected) > 0 {
		return Breaks("Postgres' history was replaced: it did not send again the transaction that was at %s", p.expected[0].LSN)
	}
	p.tx.begin(m.XID, skipped)
	return nil
}

func (p *pump) commit(ctx context.Context, m *pgoutput.Commit) error {
	p.tx.open = false
	p.reached = max(p.reached, m.EndLSN)
	if p.tx.skipped {
		if err := p.matches(change.Commit{LSN: m.EndLSN, XID: p.tx.xid, Time: m.Time}); err != nil {
			return err
		}
		return p.confirm()
	}
	tx := wire.Tx{End: m.EndLSN, XID: p.tx.xid, Time: m.Time, Body: p.tx.body}
	if p.tx.parts > 0 {
		return p.last(ctx, tx)
	}
	if p.size > 0 && p.size+tx.Size() > MessageBytes {
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
func (p *pump) matches(got change.Commit) error {
	if got.LSN < p.End.Known {
		return nil
	}
	if len(p.expected) == 0 {
		return Breaks("Postgres' history was replaced: it sent a transaction at %s where there was none", got.LSN)
	}
	want := p.expected[0]
	if !got.Is(want) {
		return Breaks("Postgres' history was replaced: at %s it has transaction %d of %s, where there was %d of %s at %s",
			got.LSN, got.XID, got.Time, want.XID, want.Time, want.LSN)
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
	for len(rest) >= MessageBytes {
		if err := p.publish(ctx, &wire.Message{
			Header: p.header(), Kind: wire.Piece, Part: p.tx.part(rest[:MessageBytes]),
		}); err != nil {
			return err
		}
		rest = rest[MessageBytes:]
	}
	if cap(p.tx.body) > 4*MessageBytes { // one huge value is not kept for ever
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
	if err := p.Sink.Publish(ctx, m); err != nil {
		return err
	}
	end, whole := m.End()
	if !whole {
		return nil
	}
	p.End.LSN = end
	p.Progress.published.Store(uint64(end))
	return p.confirm()
}

// confirm tells Postgres what is in the stream on disk: never more, and never more
// than has come out of the slot since it was opened.
func (p *pump) confirm() error { return p.from.Confirm(min(p.End.LSN, p.reached)) }

func (p *pump) header() wire.Header {
	return wire.Header{
		Generation: p.End.Generation, System: p.End.System, Timeline: p.End.Timeline,
		Prev: p.End.LSN, Sent: time.Now(),
	}
}

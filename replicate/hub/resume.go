package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/source"
	"outpost/replicate/stream"
	"outpost/replicate/wire"
)

// fingerprintFile holds the generation and the catalogue's fingerprint at its start.
const fingerprintFile = "fingerprint"

// tail is the end of the stream: where it stands, and what it holds beyond the
// slot's confirmed position.
type tail struct {
	empty      bool
	seq        uint64
	generation change.Generation
	system     uint64
	timeline   uint32
	lsn        change.LSN
	attempt    uint32   // of the cut transaction that the stream ends in, if any
	commits    []commit // beyond the confirmed position, oldest first
}

// commit is what tells one history from another that has the same LSNs.
type commit struct {
	end  change.LSN
	xid  uint32
	time time.Time
}

// readTail reads the stream backwards until everything beyond confirmed is known.
// What cannot be read is an empty tail: its history cannot be continued.
func readTail(ctx context.Context, log *stream.Log, confirmed change.LSN) (tail, error) {
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return tail{}, err
	}
	t := tail{empty: true, seq: bounds.Last}
	for seq := bounds.Last; seq >= bounds.First && seq > 0; seq-- {
		m, ok, err := log.Message(ctx, seq)
		if errors.Is(err, wire.ErrFormat) {
			return tail{empty: true, seq: bounds.Last}, nil
		}
		if err != nil {
			return tail{}, err
		}
		if !ok {
			break
		}
		end, whole := m.End()
		if t.empty {
			t.empty = false
			t.generation, t.system, t.timeline = m.Generation, m.System, m.Timeline
			if t.lsn = end; !whole {
				t.lsn, t.attempt = m.Prev, m.Part.Attempt
			}
		}
		if m.Generation != t.generation {
			break
		}
		if whole && end <= confirmed || confirmed == 0 {
			break
		}
		older := commitsOf(&m, confirmed)
		slices.Reverse(older)
		t.commits = append(t.commits, older...)
	}
	slices.Reverse(t.commits) // they were found newest first
	return t, nil
}

func commitsOf(m *wire.Message, after change.LSN) []commit {
	var commits []commit
	for _, tx := range m.Txs {
		if tx.End > after {
			commits = append(commits, commit{tx.End, tx.XID, tx.Time})
		}
	}
	if m.Kind == wire.Piece && m.Part.Last && m.Part.End > after {
		commits = append(commits, commit{m.Part.End, m.Part.XID, m.Part.Time})
	}
	return commits
}

// continues says why the stream and the hub's own replica do not belong together;
// nil when they do. It does not ask Postgres.
func (h *Hub) continues(ctx context.Context, log *stream.Log, end tail) *brokenHistory {
	switch at := h.Replica.State(); {
	case end.empty && !h.Replica.Loaded():
		return breaks("nothing has been copied yet")
	case end.empty:
		return breaks("the stream is empty")
	case !h.Replica.Loaded():
		return breaks("the primary has no replica of its own")
	case at.Position.Generation != end.generation:
		return breaks("the primary's replica is of generation %d, the stream of %d", at.Position.Generation, end.generation)
	case at.Seq > end.seq:
		return breaks("the stream ends at message %d, the primary's replica has %d", end.seq, at.Seq)
	}
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return nil // the stream will be asked again before anything is written to it
	}
	if at := h.Replica.State(); at.Seq+1 < bounds.First {
		return breaks("the stream begins at message %d, the primary's replica has %d", bounds.First, at.Seq)
	}
	return nil
}

// resumable says whether what Postgres will send continues what the stream holds.
// Only content can tell a restored volume from the original: pump compares what is
// sent again.
func (h *Hub) resumable(ctx context.Context, end tail, identity source.Identity, slot source.Slot) error {
	switch {
	case identity.System != end.system:
		return breaks("it is another Postgres: system %d, the stream is of %d", identity.System, end.system)
	case identity.Timeline != end.timeline:
		return breaks("Postgres is on timeline %d, the stream on %d", identity.Timeline, end.timeline)
	case !slot.Exists:
		return breaks("the replication slot is gone")
	case slot.WALStatus == "lost":
		return breaks("the replication slot was invalidated: Postgres no longer has the WAL it needs")
	case slot.Confirmed > end.lsn:
		return breaks("the slot was confirmed up to %s, the stream ends at %s", slot.Confirmed, end.lsn)
	case identity.WALFlush < end.lsn:
		return breaks("Postgres' WAL ends at %s, the stream at %s: it is an earlier copy", identity.WALFlush, end.lsn)
	}
	if err := h.sameSchema(ctx, end.generation); err != nil {
		return err
	}
	tables, err := h.Source.Tables(ctx)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(tables, h.Replica.Tables(), func(a, b *change.Table) bool { return reflect.DeepEqual(a, b) }) {
		return breaks("the published tables are not those that were copied")
	}
	return nil
}

// sameSchema compares the catalogue with what it was when the generation began.
func (h *Hub) sameSchema(ctx context.Context, generation change.Generation) error {
	now, err := h.Source.Fingerprint(ctx)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(h.path(fingerprintFile))
	if os.IsNotExist(err) {
		return breaks("the note of the schema that was copied is gone")
	}
	if err != nil {
		return fmt.Errorf("reading the schema's fingerprint: %w", err)
	}
	if string(text) != fingerprintNote(generation, now) {
		return breaks("a published table was changed, rewritten or truncated outside the stream, or the publication was changed")
	}
	return nil
}

func fingerprintNote(generation change.Generation, fingerprint string) string {
	return fmt.Sprintf("%d %s\n", generation, fingerprint)
}

// watch polls what the stream does not tell: the catalogue and the slot.
func (h *Hub) watch(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := h.sameSchema(ctx, h.Replica.State().Position.Generation); err != nil {
			return err
		}
		slot, err := h.Source.Slot(ctx)
		if err != nil {
			return err
		}
		h.retained.Store(slot.RetainedBytes)
	}
}

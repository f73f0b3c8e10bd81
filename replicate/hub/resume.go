package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"outpost/replicate/change"
	"outpost/replicate/pump"
	"outpost/replicate/stream"
	"outpost/replicate/wire"
)

// noteFile holds the generation that was begun whole.
const noteFile = "generation"

// tail is the end of the stream, and what it holds beyond the slot's confirmed position.
type tail struct {
	pump.End
	empty bool
	seq   uint64
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
			t.Generation, t.System, t.Timeline = m.Generation, m.System, m.Timeline
			if t.LSN = end; !whole {
				t.LSN, t.Attempt = m.Prev, m.Part.Attempt
			}
		}
		if m.Generation != t.Generation {
			break
		}
		if whole && end <= confirmed || confirmed == 0 {
			break
		}
		older := commitsOf(&m, confirmed)
		slices.Reverse(older)
		t.Commits = append(t.Commits, older...)
	}
	slices.Reverse(t.Commits) // they were found newest first
	return t, nil
}

func commitsOf(m *wire.Message, after change.LSN) []change.Commit {
	var commits []change.Commit
	for _, tx := range m.Txs {
		if tx.End > after {
			commits = append(commits, change.Commit{LSN: tx.End, XID: tx.XID, Time: tx.Time})
		}
	}
	if m.Kind == wire.Piece && m.Part.Last && m.Part.End > after {
		commits = append(commits, change.Commit{LSN: m.Part.End, XID: m.Part.XID, Time: m.Part.Time})
	}
	return commits
}

// continues says why the stream and the hub's own replica do not belong together;
// nil when they do. It does not ask Postgres.
func (h *Hub) continues(ctx context.Context, log *stream.Log, end tail) *pump.Broken {
	switch at := h.Replica.State(); {
	case end.empty && !h.Replica.Loaded():
		return pump.Breaks("nothing has been copied yet")
	case end.empty:
		return pump.Breaks("the stream is empty")
	case !h.Replica.Loaded():
		return pump.Breaks("the primary has no replica of its own")
	case at.Position.Generation != end.Generation:
		return pump.Breaks("the primary's replica is of generation %d, the stream of %d", at.Position.Generation, end.Generation)
	case at.Seq > end.seq:
		return pump.Breaks("the stream ends at message %d, the primary's replica has %d", end.seq, at.Seq)
	}
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return nil // the stream will be asked again before anything is written to it
	}
	if at := h.Replica.State(); at.Seq+1 < bounds.First {
		return pump.Breaks("the stream begins at message %d, the primary's replica has %d", bounds.First, at.Seq)
	}
	return nil
}

// noted finds out whether the generation was begun whole: renew removes the note first
// and writes it last.
func (h *Hub) noted(generation change.Generation) error {
	text, err := os.ReadFile(h.path(noteFile))
	switch {
	case os.IsNotExist(err):
		return pump.Breaks("the note of the generation is gone: its beginning was cut off")
	case err != nil:
		return fmt.Errorf("reading the note of the generation: %w", err)
	case string(text) != note(generation):
		return pump.Breaks("the note is of another generation")
	}
	return nil
}

func note(generation change.Generation) string { return fmt.Sprintf("%d\n", generation) }

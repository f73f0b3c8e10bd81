package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"outpost/replicate/change"
	"outpost/replicate/wire"
)

// Delivery is a message with its sequence in the stream.
type Delivery struct {
	Seq     uint64
	Message wire.Message
}

// transaction is the SQLite transaction that is open, if one is.
type transaction struct {
	open         bool
	next         State             // what its commit will make true
	replaced     bool              // content changed other than row by row
	altered      map[uint32]*table // the tables after its changes of the schema, if it made any
	rows         uint64
	transactions uint64
	cut          cut
	inserting    *table // whose new rows are being gathered

	// run numbers the stretches of records that stand on their own: in each, a
	// table's Relation comes before its first row.
	run uint64
}

// cut is a large Postgres transaction that is arriving in parts. The SQLite
// transaction then holds nothing else, so that dropping the parts is a ROLLBACK.
type cut struct {
	active       bool
	attempt, xid uint32
	next         uint32 // number of the next part
	seq          uint64 // of the last part seen
	checksum     *xxhash.Digest
	splitter     wire.Splitter
}

// Apply applies messages in the stream's order. Whole transactions of all messages
// are one SQLite transaction, published when Apply returns; the parts of a large one
// stay in the open transaction, across calls, until the last of them. Messages that
// were applied before are skipped.
//
// On any error everything open is rolled back, and the caller goes on from
// State().Seq+1; with ErrResync only another file helps.
func (r *Replica) Apply(ctx context.Context, messages []Delivery) (err error) {
	r.applying.Lock()
	defer r.applying.Unlock()
	f := r.file.Load()
	switch {
	case f == nil:
		return r.absent()
	case r.damaged.Load():
		return errors.Join(resync("a reader found the file damaged"), r.rollback())
	}
	defer func() {
		if err == nil {
			return
		}
		if isDamage(err) || errors.Is(err, wire.ErrFormat) { // it would be the same again
			err = resync("%w", err)
		}
		if e := r.rollback(); e != nil {
			err = errors.Join(err, e)
		}
	}()
	apply := &applier{r: r, f: f, ctx: ctx}
	for i := range messages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := apply.message(&messages[i]); err != nil {
			return fmt.Errorf("applying message %d of the stream: %w", messages[i].Seq, err)
		}
	}
	if r.tx.open && !r.tx.cut.active {
		return apply.commit()
	}
	return nil
}

// Abandon forgets the parts of a large transaction that has not ended. The caller
// goes on from State().Seq+1.
func (r *Replica) Abandon(context.Context) error {
	r.applying.Lock()
	defer r.applying.Unlock()
	return r.rollback()
}

// applier is one call of Apply.
type applier struct {
	r    *Replica
	f    *file
	ctx  context.Context // it lives as long as the call
	cv   converter
	rows int
}

func (a *applier) message(d *Delivery) error {
	tx := &a.r.tx
	at := a.r.State()
	if tx.open {
		at = tx.next
	}
	if d.Seq <= at.Seq || tx.cut.active && d.Seq <= tx.cut.seq {
		return nil
	}
	m := &d.Message
	if err := follows(m, at); err != nil {
		return err
	}
	if m.Kind == wire.Piece {
		return a.piece(d.Seq, m)
	}
	if tx.cut.active { // the hub started over with something else
		if err := a.r.rollback(); err != nil {
			return err
		}
	}
	if err := a.begin(); err != nil {
		return err
	}
	tx.next.Seq = d.Seq
	if m.Kind == wire.Heartbeat {
		return a.reach(m.Heartbeat, m.Heartbeat >= tx.next.Position.LSN)
	}
	tx.run++
	for i := range m.Txs {
		if err := wire.Records(m.Txs[i].Body, a.record); err != nil {
			return err
		}
		if err := a.reach(m.Txs[i].End, m.Txs[i].End > tx.next.Position.LSN); err != nil {
			return err
		}
		tx.next.Last = change.Commit{LSN: m.Txs[i].End, XID: m.Txs[i].XID, Time: m.Txs[i].Time}
		tx.transactions++
	}
	return nil
}

// follows checks that m continues exactly where the replica is.
func follows(m *wire.Message, at State) error {
	switch {
	case m.Generation != at.Position.Generation:
		return resync("the stream is of generation %d, the replica of %d", m.Generation, at.Position.Generation)
	case m.System != at.System || m.Timeline != at.Timeline:
		return resync("the stream comes from server %d, timeline %d; the replica from server %d, timeline %d",
			m.System, m.Timeline, at.System, at.Timeline)
	case m.Prev != at.Position.LSN:
		return resync("there is a gap: the message follows %s, the replica is at %s", m.Prev, at.Position.LSN)
	}
	return nil
}

func (a *applier) reach(lsn change.LSN, forward bool) error {
	at := &a.r.tx.next.Position.LSN
	if !forward {
		return resync("the stream goes back from %s to %s", *at, lsn)
	}
	*at = lsn
	return nil
}

func (a *applier) piece(seq uint64, m *wire.Message) error {
	tx, p := &a.r.tx, &m.Part
	if p.Number == 0 {
		if err := a.startParts(p); err != nil {
			return err
		}
	}
	cut := &tx.cut
	if !cut.active || p.Attempt != cut.attempt || p.XID != cut.xid || p.Number != cut.next {
		return resync("part %d of transaction %d (attempt %d) came where part %d of transaction %d (attempt %d) was due",
			p.Number, p.XID, p.Attempt, cut.next, cut.xid, cut.attempt)
	}
	cut.seq = seq
	cut.next++
	_, _ = cut.checksum.Write(p.Body) // a hash never fails
	if err := cut.splitter.Write(p.Body, a.record); err != nil {
		return err
	}
	if !p.Last {
		return nil
	}
	if sum := cut.checksum.Sum64(); sum != p.Checksum {
		return resync("transaction %d arrived in %d parts with checksum %x, not %x", p.XID, cut.next, sum, p.Checksum)
	}
	if err := cut.splitter.Close(); err != nil {
		return err
	}
	if err := a.reach(p.End, p.End > tx.next.Position.LSN); err != nil {
		return err
	}
	tx.next.Seq, tx.next.Last = seq, change.Commit{LSN: p.End, XID: p.XID, Time: p.Time}
	tx.transactions++
	return a.commit()
}

// startParts begins a large transaction, for the first time or over again: a hub
// that starts one over may count its attempts from the beginning too.
func (a *applier) startParts(p *wire.Part) error {
	tx := &a.r.tx
	switch {
	case tx.cut.active:
		if err := a.r.rollback(); err != nil {
			return err
		}
	case tx.open: // what came before is not to wait for the end of this
		if err := a.commit(); err != nil {
			return err
		}
	}
	if err := a.begin(); err != nil {
		return err
	}
	tx.run++
	tx.cut = cut{active: true, attempt: p.Attempt, xid: p.XID, checksum: xxhash.New()}
	return nil
}

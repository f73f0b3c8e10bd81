package api

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"outpost/replicate/change"
)

// errAnswered says that the answer is complete: another node gave it.
var errAnswered = errors.New("answered")

// reach brings a read to the position that it carries, in the order of the design: wait here,
// then let the primary answer, then 503; and only when the primary cannot be reached at all
// go on here, from an older state that the answer owns up to, unless the client is strict.
//
// nil: read here. errAnswered: the primary has answered.
func (a *API) reach(k *call) error {
	published := a.Published().Position
	if k.asked.Generation < published.Generation || k.asked.Compare(published) <= 0 {
		return a.arrived(k) // an older generation's positions mean nothing any more
	}
	began := k.tick()
	defer func() { k.waitTook = k.tick().Sub(began) }()
	ctx, cancel := context.WithTimeout(a.base, a.Limits.Wait)
	defer cancel()
	if !a.primary() {
		if a.Wait(ctx, k.asked) == nil {
			return a.arrived(k)
		}
		// A newer generation, or a replica that is slow: the one who is behind is this node.
		err := a.pass(k)
		if err == nil {
			return errAnswered
		}
		return a.older(k, err)
	}
	if k.asked.Generation > published.Generation && !published.IsZero() {
		return a.behind(k) // nobody's: generations begin here
	}
	reached, err := a.await(ctx, k.asked)
	switch {
	case reached:
		return a.arrived(k)
	case err != nil && !deadline(err):
		return a.older(k, unavailable("The database cannot be reached.", err)) // it is the primary
	}
	return unavailable("The state that you have seen has not arrived here yet.", nil)
}

// arrived goes on from a state that has what was asked for. If the credential was believed in an older
// one, before the wait or in the moment before the position came by itself, it is judged again:
// whoever shows the position of a logout has logged out.
func (a *API) arrived(k *call) error {
	if k.known && k.asked.Compare(k.judged) > 0 {
		if err := a.believeAgain(k); err != nil {
			return err
		}
	}
	return a.behind(k)
}

// older goes on from a state older than the one that was asked for. The position that the
// client has stays what it was.
func (a *API) older(k *call, err error) error {
	if k.strict() {
		return err
	}
	if err := a.behind(k); err != nil {
		return err
	}
	k.stale = max(k.stale, 1)
	k.position = k.asked
	return nil
}

// behind owns up to what is known of the replica's age.
func (a *API) behind(k *call) error {
	age, known := a.Stale()
	if !known {
		return nil
	}
	if k.strict() {
		return unavailable("This region is behind, and the request asks for nothing old.", nil)
	}
	k.stale = int(math.Ceil(age.Seconds()))
	return nil
}

// await waits at the primary for its own replica. Postgres is asked at the same time whether
// the position can exist at all: one beyond its newest buys no wait, and counts as reached.
func (a *API) await(ctx context.Context, asked change.Position) (bool, error) {
	if asked.LSN <= a.newest.known() {
		return a.Wait(ctx, asked) == nil, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		lsn change.LSN
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		lsn, err := a.newest.ask(ctx, a.Writer.WALInsert)
		if err == nil && asked.LSN > lsn {
			cancel() // nothing to wait for
		}
		answers <- answer{lsn, err}
	}()
	if a.Wait(ctx, asked) == nil {
		return true, nil
	}
	cancel()
	got := <-answers
	return got.err == nil && asked.LSN > got.lsn, got.err
}

// newest remembers the newest LSN that Postgres is known to have had, so that most waits need
// not ask, and lets those that must ask together.
type newest struct {
	lsn   atomic.Uint64
	group singleflight.Group
}

func (n *newest) known() change.LSN { return change.LSN(n.lsn.Load()) }

// askTime bounds the question to Postgres, which several requests may share.
const askTime = 5 * time.Second

// saw notes an LSN. One of an earlier history only lets a position wait that never comes.
func (n *newest) saw(lsn change.LSN) {
	for {
		old := n.lsn.Load()
		if uint64(lsn) <= old || n.lsn.CompareAndSwap(old, uint64(lsn)) {
			return
		}
	}
}

func (n *newest) ask(ctx context.Context, read func(context.Context) (change.LSN, error)) (change.LSN, error) {
	// Whoever asks first must not take the answer from the others when it goes.
	ch := n.group.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
		defer cancel()
		lsn, err := read(ctx)
		if err == nil {
			n.saw(lsn)
		}
		return lsn, err
	})
	select {
	case r := <-ch:
		lsn, _ := r.Val.(change.LSN)
		return lsn, r.Err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// wrote gives the position of a write that can be read at lsn.
func (a *API) wrote(k *call, lsn change.LSN) {
	a.newest.saw(lsn)
	k.position = change.Position{Generation: a.Published().Position.Generation, LSN: lsn}
}

func deadline(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

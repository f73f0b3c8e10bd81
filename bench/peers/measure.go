package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// round is what one side did in one turn.
type round struct {
	number int
	side   *side
	load
	cpu     time.Duration // of the side's processes
	hits    float64       // share; -1: nobody knows
	shared  float64       // share that another's fill has answered
	writes  float64       // a second that went on
	wrk     float64       // share of its threads' time that wrk was busy
	refused int           // turns before this one
}

// micros of CPU that a request cost the side, wrk's share left out.
func (r round) micros() float64 { return float64(r.cpu.Microseconds()) / r.Requests }

func (r round) String() string {
	hits := "       ?"
	if r.hits >= 0 {
		hits = fmt.Sprintf("%6.2f %%", 100*r.hits)
	}
	if r.shared > 0 {
		hits += fmt.Sprintf(", shared %.2f %%", 100*r.shared)
	}
	return fmt.Sprintf("%2d %-11s %9.0f/s   p50 %7.2f ms  p99 %7.2f ms   cpu %7.1f µs   wrk %3.0f %%   writes %4.1f/s   hits %s   %.0f bytes each\n",
		r.number, r.side.name, r.rate(), r.P50/1000, r.P99/1000, r.micros(), 100*r.wrk, r.writes, hits, r.Bytes/r.Requests)
}

// measure gives every side its turn in every round, each round in an order of its own. Those that are
// compared take their turns one after the other: a shared machine is not as fast at each minute.
// What is refused is told, and tried again.
func (l *lab) measure(take func(round), refused func(string)) error {
	w := &writer{primary: l.primary, people: l.people}
	l.writing = w
	ctx, stop := context.WithCancel(l.ctx)
	writing, ctx := errgroup.WithContext(ctx)
	writing.Go(func() error {
		err := w.run(ctx)
		if err != nil {
			l.fail(err) // ends the turn that is going on
		}
		return err
	})
	err := l.turns(take, refused)
	stop()
	failed := writing.Wait()
	if cause := context.Cause(l.ctx); cause != nil {
		return cause // which a failed write is
	}
	return errors.Join(err, failed)
}

func (l *lab) turns(take func(round), refused func(string)) error {
	random := rand.New(rand.NewPCG(seedOf, seedOf))
	for n := range l.rounds {
		order := slices.Clone(l.sides)
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		slices.SortStableFunc(order, func(a, b *side) int { return cmp.Compare(heat(a), heat(b)) })
		for _, s := range order {
			if age := time.Since(l.people.since); age > tokenLife {
				return fmt.Errorf("tokens are good for %v, and this run takes longer: take fewer rounds or seconds", tokenLife)
			}
			r, err := l.attempt(s, n+1, refused)
			if err != nil {
				return fmt.Errorf("round %d, %s: %w", n+1, s.name, err)
			}
			take(r)
		}
	}
	return nil
}

func heat(s *side) int {
	if s.hot {
		return 0
	}
	return 1
}

// attempts are how often a side may have a turn that is refused before the run is given up.
const attempts = 3

// attempt takes a side's turn, and takes it again where the round is refused.
func (l *lab) attempt(s *side, number int, refused func(string)) (round, error) {
	for n := 1; ; n++ {
		r, err := l.turn(s)
		r.number, r.refused = number, n-1
		var no *refusal
		if !errors.As(err, &no) || n == attempts {
			return r, err
		}
		refused(fmt.Sprintf("%2d %-11s REFUSED: %v\n", number, s.name, no))
	}
}

// refusal says why a round does not count.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// turn loads one side, and looks whether it did what it is there for.
func (l *lab) turn(s *side) (r round, err error) {
	if s.forgets {
		if err := l.each(s, func(*key, answered) error { return nil }); err != nil {
			return r, err
		}
	}
	// What the warming left to do, such as collecting garbage, is not the round's.
	if !l.quick {
		if _, err := l.wrk(s, 1); err != nil {
			return r, err
		}
	}
	before, err := l.look(s)
	if err != nil {
		return r, err
	}
	if r.load, err = l.wrk(s, l.seconds); err != nil {
		return r, err
	}
	after, err := l.look(s)
	if err != nil {
		return r, err
	}
	r.side, r.cpu, r.hits, r.wrk = s, after.cpu-before.cpu, -1, r.busy(l.threads)
	r.writes = float64(after.writes-before.writes) / after.at.Sub(before.at).Seconds()
	return r, r.judge(s, after.counts.sub(before.counts), l.load.mean)
}

// looked is what is known of a side at one moment.
type looked struct {
	at     time.Time
	cpu    time.Duration
	writes int64
	counts counts
}

func (l *lab) look(s *side) (at looked, err error) {
	at.at, at.writes = time.Now(), l.writing.done.Load()
	var pids []int
	for _, p := range s.processes {
		pids = append(pids, p.PID)
	}
	if s.postgres {
		pids = append(pids, l.postgres.PID())
	}
	if at.cpu, err = cpu(pids...); err != nil {
		return at, err
	}
	switch {
	case s.from != nil:
		at.counts, err = s.from.counted(l.ctx)
	case s.redis != "":
		at.counts, err = redisCounts(l.ctx, s.redis)
	}
	return at, err
}

const (
	// least is the share of hits that makes a side one that answers from what it keeps.
	least = 0.99
	// leastWrites a second have to go on; a turn of a few seconds may end before the last one has.
	leastWrites = 0.9 * writesASecond
)

// judge refuses a round in which something failed, or the side did not do what its name says.
func (r *round) judge(s *side, did counts, mean float64) error {
	if r.Errors > 0 {
		return refuse("%.0f of %.0f requests failed", r.Errors, r.Requests)
	}
	if r.writes < leastWrites {
		return refuse("%.1f writes a second went on, and %d should", r.writes, writesASecond)
	}
	switch {
	case s.origin:
		r.hits = 1 - did.all()/r.Requests
	case s.from != nil || s.redis != "":
		r.hits = did.hits / (did.hits + did.misses + did.shared)
		r.shared = did.shared / (did.hits + did.misses + did.shared)
	}
	if s.warm && r.hits < least {
		return refuse("only %.2f %% of %.0f answers were hits; out of date by table: %v", 100*r.hits, r.Requests, did.outdated)
	}
	if s.empty && r.hits != 0 {
		return refuse("%.2f %% of %.0f answers were hits, and none should be", 100*r.hits, r.Requests)
	}
	each := r.Bytes / r.Requests
	if s.validates {
		if did.answers["304"] < least*did.all() { // what is being changed is sent anew
			return refuse("answers are not 304, but %v by status", did.answers)
		}
		return nil
	}
	if each < mean {
		return refuse("an answer has %.0f bytes with its headers, and should have %.0f without", each, mean)
	}
	return nil
}

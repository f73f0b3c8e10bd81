package cache

import (
	"testing"
	"time"

	"outpost/replicate/change"
)

// The model is one key of the cache, the counters, a replica whose applier runs a fixed
// script, and three requests of two clients. A step is what no other can divide. From the
// first state on every order of steps is explored, each reachable state once.
//
// It does not have a rule of its own: counters, Reset, purge, check and the position to send
// are the cache's, run on a Cache that is put into the model's state before each step. What
// the model adds is what the code leaves to the scheduler: when each step happens. That Do
// takes these steps in this order is what interleave_test.go shows.

// state is a state of the replica. Value is the number of the change that the answer shows,
// so an answer with a higher one is newer, whatever the generation.
type state struct {
	Generation, LSN, Incarnation, Value uint8
}

func (s state) at() At {
	return At{
		Position:    change.Position{Generation: change.Generation(s.Generation), LSN: change.LSN(s.LSN)},
		Incarnation: uint64(s.Incarnation),
	}
}

// commit is one step of a history: the state it leads to, and what it changes. The answer
// depends on row 0 only; row 1 shares nothing with it, row 2 its counter.
type commit struct {
	state
	row int64
}

const (
	heartbeat int64 = -1
	swap      int64 = -2 // another file takes the place of this one
)

// scenario is what happens: the changes, how many of the three requests come, and whether
// somebody purges. Together they would have more states than a test has time for.
type scenario struct {
	history  []commit
	requests int
	purge    bool
}

var changes = scenario{requests: 3, history: []commit{
	{state{1, 10, 1, 0}, heartbeat},
	{state{1, 11, 1, 1}, 0},
	{state{1, 12, 1, 1}, heartbeat},
	{state{1, 13, 1, 2}, 0},
}}

// The new generation's positions are lower than the old one's. The last file differs from
// the one before in its incarnation only, as after a TRUNCATE.
var swaps = scenario{requests: 2, history: []commit{
	{state{1, 10, 1, 0}, heartbeat},
	{state{1, 11, 1, 1}, 0},
	{state{2, 5, 2, 2}, swap},
	{state{2, 6, 2, 2}, 2},
	{state{2, 7, 2, 3}, 0},
	{state{2, 8, 3, 4}, swap},
}}

var purges = scenario{requests: 3, purge: true, history: []commit{
	{state{1, 10, 1, 0}, heartbeat},
	{state{1, 11, 1, 0}, 1},
	{state{1, 12, 1, 1}, 0},
}}

// truth is the answer at a position.
func (m *model) truth(p change.Position) (value uint8, ok bool) {
	for _, h := range m.history {
		if h.at().Position == p {
			return h.Value, true
		}
	}
	return 0, false
}

const (
	counters = 4
	requests = 3 // at most
)

// Stages of a request and of the fill.
const (
	waiting = iota // for its own position
	reading        // the published position
	checking
	joining
	sitting // in a flight
	landed  // has its answer
	rechecking
	served
)

const (
	idle = iota
	begun
	read
)

type answered struct {
	state
	Present    bool
	Epoch      uint8
	Purges     uint8 // really complete when the fill began: the model's own book
	Reads      uint8 // a number for the fill, to tell "the same fill" apart
	Incomplete bool
}

type asking struct {
	Stage      uint8
	Mine       bool
	Again      bool  // goes for the second time
	Asked      uint8 // index into history of what was published when it came
	Committed  uint8 // and of what was committed
	Published  state // what it read
	Got        answered
	CheckedOld bool // mutation publishedAfterCheck: the check's result
}

type client struct {
	Seen  uint8 // index+1 of the position it holds, 0: none
	Value uint8
}

type world struct {
	Step                 uint8 // of the applier
	Next                 uint8 // index into history of what is applied
	Committed, Published uint8 // indexes into history
	Counters             [counters]uint8
	Incarnation          uint8
	Born, Epoch, All     uint8
	Purges               uint8
	Entry                answered
	Fill                 uint8
	FillEpoch, FillBook  uint8
	Filled               answered
	Asking               [requests]asking
	Clients              [2]client
}

// broken names a rule that is left out, to see that the model notices.
type broken string

const (
	intact              broken = ""
	raiseAfterCommit    broken = "tags raised after the commit"
	publishFirst        broken = "position published before the tags are raised and the commit"
	sendEntry           broken = "the entry's own position sent"
	sendPublished       broken = "the published position sent, whatever the entry's"
	joinUnchecked       broken = "a joiner handed the answer without a check"
	publishedAfterCheck broken = "the published position read after the check"
	atAfterRead         broken = "the position of the fill read after its data"
	ignoreIncarnation   broken = "the incarnation left out of the check"
	resetLate           broken = "the incarnation raised after the swap"
	unwaited            broken = "no wait for the request's own position"
	purgeStored         broken = "a purge that misses fills under way"
)

type model struct {
	scenario
	broken broken
	cache  *Cache
	seen   map[world]struct{}
	stack  []world
	served map[string]int
	fail   string
}

func newModel(s scenario, b broken) *model {
	return &model{
		scenario: s, broken: b, cache: &Cache{now: time.Now},
		seen: make(map[world]struct{}), served: make(map[string]int),
	}
}

// explore visits everything that can be reached, or stops at the first violation.
func (m *model) explore() string {
	first := world{Incarnation: 1, Step: 0, Next: 1}
	m.reach(first)
	for len(m.stack) > 0 && m.fail == "" {
		w := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		m.apply(w)
		m.fill(w)
		m.purging(w)
		for i := range m.requests {
			m.request(w, i)
		}
	}
	return m.fail
}

func (m *model) reach(w world) {
	if _, ok := m.seen[w]; !ok {
		m.seen[w] = struct{}{}
		m.stack = append(m.stack, w)
	}
}

// load puts the real cache into the model's state, save takes it back.
func (m *model) load(w *world) *Cache {
	e := newEra(uint64(w.Incarnation), uint64(w.Born), counters)
	for i, v := range w.Counters {
		e.newest[i].Store(uint64(v))
	}
	m.cache.era.Store(e)
	m.cache.purged.epoch.Store(uint64(w.Epoch))
	m.cache.purged.all.Store(uint64(w.All))
	return m.cache
}

func (m *model) save(w *world) {
	e := m.cache.era.Load()
	for i := range e.newest {
		w.Counters[i] = uint8(e.newest[i].Load())
	}
	w.Incarnation, w.Born = uint8(e.incarnation), uint8(e.born)
	w.Epoch, w.All = uint8(m.cache.purged.epoch.Load()), uint8(m.cache.purged.all.Load())
}

// rowTag gives rows 0 and 2 one counter and row 1 another.
func rowTag(row int64) Tag { return Tag(row % 2) }

// apply takes the applier's next step: raise (or announce), commit (or swap), publish.
func (m *model) apply(w world) {
	if int(w.Next) == len(m.history) {
		return
	}
	h := m.history[w.Next]
	order := [3]func(){
		func() {
			c := m.load(&w)
			switch {
			case h.row == swap:
				c.Reset(uint64(h.Incarnation))
			case h.row >= 0:
				c.Raise([]Tag{rowTag(h.row)}, change.LSN(h.LSN))
			}
			m.save(&w)
		},
		func() { w.Committed = w.Next },
		func() { w.Published = w.Next },
	}
	if m.broken == raiseAfterCommit && h.row >= 0 || m.broken == resetLate && h.row == swap {
		order[0], order[1] = order[1], order[0]
		if m.broken == resetLate {
			order[1], order[2] = order[2], order[1]
		}
	}
	if m.broken == publishFirst {
		order = [3]func(){order[2], order[0], order[1]}
	}
	order[w.Step]()
	if w.Step++; w.Step == 3 {
		w.Step, w.Next = 0, w.Next+1
	}
	m.reach(w)
}

// purging happens at most once, at any time.
func (m *model) purging(w world) {
	if !m.purge || w.Purges > 0 {
		return
	}
	m.load(&w).PurgeAll()
	m.save(&w)
	w.Purges++
	m.reach(w)
}

// fill takes the next step of the fill that is under way: read in one transaction, land.
func (m *model) fill(w world) {
	switch {
	case w.Fill == begun:
		w.Filled = answered{state: m.history[w.Committed].state, Present: true, Epoch: w.FillEpoch, Purges: w.FillBook}
		w.Fill = read
		w.Filled.Incomplete = m.broken == atAfterRead
	case w.Fill == read && w.Filled.Incomplete:
		// The mutation's second step: the position comes from another transaction.
		value := w.Filled.Value
		w.Filled.state = m.history[w.Committed].state
		w.Filled.Value, w.Filled.Incomplete = value, false
	case w.Fill == read:
		if m.broken == purgeStored {
			w.Filled.Epoch = w.Epoch
		}
		if reason := m.check(&w, w.Filled); reason == fresh {
			w.Entry = w.Filled
		}
		for i := range w.Asking {
			if a := &w.Asking[i]; a.Stage == sitting {
				a.Got, a.Stage = w.Filled, landed
			}
		}
		w.Fill, w.Filled = idle, answered{}
	default:
		return
	}
	m.reach(w)
}

// check is the cache's own.
func (m *model) check(w *world, a answered) Reason {
	c := m.load(w)
	e := c.newEntry("", 0, uint64(a.Epoch), &Filled{Tags: []Tag{rowTag(0)}, At: a.at()})
	if m.broken == ignoreIncarnation {
		e.At.Incarnation = uint64(w.Incarnation)
		e.epoch = max(e.epoch, uint64(w.Born))
	}
	reason, _ := c.check(e, c.now())
	return reason
}

func TestModelServesNothingOlderThanPublished(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]scenario{"changes": changes, "swaps": swaps, "purges": purges} {
		t.Run(name, func(t *testing.T) {
			m := newModel(s, intact)
			if violation := m.explore(); violation != "" {
				t.Fatal(violation)
			}
			t.Logf("%d states; answers by way: %v", len(m.seen), m.served)
			for _, how := range []string{"hit", "filled", "shared"} {
				if m.served[how] == 0 {
					t.Errorf("no request was answered by way of %q", how)
				}
			}
		})
	}
}

// A model that finds nothing wrong proves something only if it finds what is wrong.
func TestModelFindsEachRuleLeftOut(t *testing.T) {
	for b, s := range map[broken]scenario{
		raiseAfterCommit: changes, publishFirst: changes, sendEntry: changes, sendPublished: changes,
		joinUnchecked: changes, publishedAfterCheck: changes, atAfterRead: changes, unwaited: changes,
		ignoreIncarnation: swaps, resetLate: swaps, purgeStored: purges,
	} {
		t.Run(string(b), func(t *testing.T) {
			m := newModel(s, b)
			violation := m.explore()
			if violation == "" {
				t.Fatalf("no violation in %d states", len(m.seen))
			}
			t.Logf("after %d states: %s", len(m.seen), violation)
		})
	}
}

package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
)

func TestSecondReadIsAHitUntilItsTagChanges(t *testing.T) {
	c, r := start(t)
	ask(t, c, "courses/42", Miss, answer(r, "old", Row("courses", 42)))
	ask(t, c, "courses/42", Hit, nil)

	c.Raise([]Tag{Row("courses", 43)}, 11)
	r.advance(11)
	if got := ask(t, c, "courses/42", Hit, nil); got.At.LSN != 11 {
		t.Errorf("sent with %s, want the published position", got.At)
	}

	c.Raise([]Tag{Row("courses", 42)}, 12)
	if _, _, ok := c.Get([]byte("courses/42"), c.now()); ok {
		t.Error("a hit after the tag was raised and before the commit")
	}
	r.advance(12)
	got := ask(t, c, "courses/42", Miss, answer(r, "new", Row("courses", 42)))
	if string(got.Entry.Body) != "new" || got.At.LSN != 12 {
		t.Errorf("answered %q at %s", got.Entry.Body, got.At)
	}
	ask(t, c, "courses/42", Hit, nil)
}

func TestWhatIsComputedBetweenRaiseAndCommitIsNeverServed(t *testing.T) {
	c, r := start(t)
	c.Raise([]Tag{Table("courses")}, 11)
	ask(t, c, "courses", Miss, answer(r, "before the commit", Table("courses")))
	r.advance(11)
	if _, _, ok := c.Get([]byte("courses"), c.now()); ok {
		t.Error("served what was read before the commit")
	}
}

func TestHitIsSentWithTheStateItWasReadFrom(t *testing.T) {
	c, r := start(t)
	committed := At{Position: change.Position{Generation: 1, LSN: 11}, Incarnation: 1}
	c.Raise([]Tag{Table("courses")}, 11)
	ask(t, c, "courses", Miss, func(context.Context) (Filled, error) {
		return Filled{Body: []byte("x"), Tags: []Tag{Table("courses")}, At: committed, Store: true}, nil
	})
	// Committed, not published yet: a client told 10 might meet older content elsewhere.
	if _, at, ok := c.Get([]byte("courses"), c.now()); !ok || at.LSN != 11 {
		t.Errorf("hit %t at %s, want one at 11", ok, at)
	}
	r.advance(20)
	if _, at, ok := c.Get([]byte("courses"), c.now()); !ok || at.LSN != 20 {
		t.Errorf("hit %t at %s, want one at 20", ok, at)
	}
}

func TestAnotherTenantsEntriesStayValid(t *testing.T) {
	c, r := start(t)
	for company := range int64(50) {
		ask(t, c, fmt.Sprint("users of ", company), Miss, answer(r, "x", Tenant("users", company)))
	}
	c.Raise([]Tag{Table("users"), Row("users", 1), Tenant("users", 7)}, 11)
	r.advance(11)
	hits := 0
	for company := range int64(50) {
		if _, _, ok := c.Get([]byte(fmt.Sprint("users of ", company)), c.now()); ok {
			hits++
		}
	}
	if hits != 49 {
		t.Errorf("%d of 50 companies hit, want 49", hits)
	}
}

func TestAnotherIncarnationBelievesNothingOlder(t *testing.T) {
	c, r := start(t)
	ask(t, c, "k", Miss, answer(r, "old", Table("t")))
	late := answer(r, "old") // read before the swap, kept after it
	filled, _ := late(context.Background())

	c.Reset(2)
	if _, _, ok := c.Get([]byte("k"), c.now()); ok {
		t.Error("a hit while the new file is being put in place")
	}
	r.set(2, 3, 2)
	ask(t, c, "late", Miss, func(context.Context) (Filled, error) { return filled, nil })
	if _, _, ok := c.Get([]byte("late"), c.now()); ok {
		t.Error("a hit on what was read from the old file")
	}
	if got := ask(t, c, "k", Miss, answer(r, "new", Table("t"))); got.At != r.published().Position {
		t.Errorf("sent with %s", got.At)
	}
	ask(t, c, "k", Hit, nil)

	// Positions of another generation may be lower; the counters start over.
	c.Raise([]Tag{Table("t")}, 1000)
	c.Reset(3)
	r.set(3, 5, 3)
	ask(t, c, "k", Miss, answer(r, "newer", Table("t")))
	ask(t, c, "k", Hit, nil)

	// A swap that failed after it was announced, then succeeded: the number comes again.
	c.Reset(3)
	if _, _, ok := c.Get([]byte("k"), c.now()); ok {
		t.Error("a hit on what was computed before the second announcement")
	}
}

func TestRaisedBeforeTheFirstIncarnationStaysRaised(t *testing.T) {
	r := &replica{}
	now := time.Now()
	r.clock.Store(&now)
	r.set(1, 10, 7)
	c, err := New(Options{MaxBytes: 1 << 20, Published: r.published})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Raise([]Tag{Table("t")}, 11)
	c.Reset(7)
	ask(t, c, "k", Miss, answer(r, "before 11", Table("t")))
	r.set(1, 11, 7)
	if _, _, ok := c.Get([]byte("k"), c.now()); ok {
		t.Error("a hit on what was read before a commit that had been raised already")
	}
}

func TestValidUntilAndTimeToLiveEndAnEntry(t *testing.T) {
	for name, bound := range map[string]func(*replica, *Filled){
		"valid until": func(r *replica, f *Filled) { f.ValidUntil = r.now().Add(time.Minute) },
		"TTL":         func(_ *replica, f *Filled) { f.TTL = time.Minute },
		"the earlier TTL": func(r *replica, f *Filled) {
			f.TTL, f.ValidUntil = time.Minute, r.now().Add(time.Hour)
		},
		"the earlier instant": func(r *replica, f *Filled) {
			f.TTL, f.ValidUntil = time.Hour, r.now().Add(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := start(t)
			fill := func(context.Context) (Filled, error) {
				f := Filled{Body: []byte("x"), At: r.published(), Store: true}
				bound(r, &f)
				return f, nil
			}
			ask(t, c, "k", Miss, fill)
			r.pass(time.Minute - 1)
			ask(t, c, "k", Hit, nil)
			r.pass(1)
			ask(t, c, "k", Miss, fill)
		})
	}
}

func TestPurges(t *testing.T) {
	for name, test := range map[string]struct {
		purge func(*Cache)
		gone  string
	}{
		"namespace": {func(c *Cache) { c.PurgeNamespace("a") }, "a1 a2"},
		"tag":       {func(c *Cache) { c.PurgeTag(Row("courses", 1)) }, "a1 b1"},
		"all":       {func(c *Cache) { c.PurgeAll() }, "a1 a2 b1 b2"},
		"nothing":   {func(c *Cache) { c.PurgeNamespace("c"); c.PurgeTag(Table("d")) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := start(t)
			fill := func(key string) func(context.Context) (Filled, error) {
				return func(context.Context) (Filled, error) {
					return Filled{
						Body: []byte("x"), Namespace: key[:1], At: r.published(), Store: true,
						Tags: []Tag{Row("courses", int64(key[1]-'0'))},
					}, nil
				}
			}
			keys := []string{"a1", "a2", "b1", "b2"}
			for _, key := range keys {
				ask(t, c, key, Miss, fill(key))
			}
			test.purge(c)
			for _, key := range keys {
				want := Hit
				if strings.Contains(test.gone, key) {
					want = Miss
				}
				ask(t, c, key, want, fill(key))
				ask(t, c, key, Hit, nil)
			}
		})
	}
}

func TestPurgeReachesAFillUnderWay(t *testing.T) {
	c, r := start(t)
	ask(t, c, "k", Miss, func(context.Context) (Filled, error) {
		c.PurgeAll()
		return answer(r, "x")(context.Background())
	})
	if _, _, ok := c.Get([]byte("k"), c.now()); ok {
		t.Error("what was being filled survived the purge")
	}
}

func TestKeysOfOneHashAreTwoKeys(t *testing.T) {
	c, r := start(t)
	ask(t, c, "mine", Miss, answer(r, "mine"))
	e, _, _ := c.Get([]byte("mine"), c.now())
	// The store's own key is a hash: put the entry where another key looks.
	c.store.Set(c.hash([]byte("yours")), e, e.cost())
	c.store.Wait()
	if e, _, ok := c.Get([]byte("yours"), c.now()); ok {
		t.Errorf("answered with the entry of %q", e.Key)
	}
}

func TestBytesAreBounded(t *testing.T) {
	const bound = 64 << 10
	c, r := start(t, func(o *Options) { o.MaxBytes = bound })
	words := strings.Repeat("the quick brown fox jumps over the lazy dog. ", 100)
	fill := func(size int) func(context.Context) (Filled, error) {
		return answer(r, words[:size], Table("t"))
	}
	within := func(what string) {
		t.Helper()
		if held := c.Stats().Bytes; held < 0 || held > bound {
			t.Fatalf("%s: %d bytes are held, the bound is %d", what, held, bound)
		}
	}
	for i := range 200 {
		ask(t, c, fmt.Sprint(i), Miss, fill(1200))
		within("filling")
	}
	// The entries grow, first by their compressed forms, then by new and larger answers.
	for i := range 200 {
		e, _, ok := c.Get([]byte(fmt.Sprint(i)), c.now())
		if !ok {
			continue
		}
		for _, enc := range []string{"zstd", "br", "gzip"} {
			if _, err := e.Encoded(enc); err != nil {
				t.Fatal(err)
			}
			within(enc)
		}
	}
	c.Raise([]Tag{Table("t")}, 11)
	r.advance(11)
	for i := range 200 {
		ask(t, c, fmt.Sprint(i), Miss, fill(4000))
		within("growing")
	}
	ask(t, c, "huge", Miss, answer(r, strings.Repeat("x", bound+1)))
	if _, _, ok := c.Get([]byte("huge"), c.now()); ok {
		t.Error("an answer larger than the bound was kept")
	}
}

func TestMissesNameTheirReasonAndTable(t *testing.T) {
	var got []string
	c, r := start(t, func(o *Options) {
		o.Tables = []string{"users", "courses"}
		o.Missed = func(reason Reason, table string) { got = append(got, string(reason)+" "+table) }
	})
	fill := answer(r, "x", Row("courses", 1), Row("lessons", 1))
	ask(t, c, "k", Miss, fill)
	c.Raise([]Tag{Row("courses", 1)}, 11)
	r.advance(11)
	ask(t, c, "k", Miss, fill)
	c.Raise([]Tag{Row("lessons", 1)}, 12)
	r.advance(12)
	ask(t, c, "k", Miss, fill)
	c.PurgeAll()
	ask(t, c, "k", Miss, fill)
	c.Reset(1)
	ask(t, c, "k", Miss, fill)
	ask(t, c, "k", Hit, fill)
	want := "absent ,changed courses,changed ,purged ,replaced "
	if strings.Join(got, ",") != want {
		t.Errorf("misses %q, want %q", strings.Join(got, ","), want)
	}
	if s := c.Stats(); s.Hits != 1 || s.Misses != 5 {
		t.Errorf("%+v", s)
	}
}

func TestNotStoredIsComputedEveryTime(t *testing.T) {
	c, r := start(t)
	fill := func(context.Context) (Filled, error) { return Filled{Body: []byte("x"), At: r.published()}, nil }
	ask(t, c, "k", Miss, fill)
	ask(t, c, "k", Miss, fill)
}

func TestWrongOptionsAreRefused(t *testing.T) {
	published := func() At { return At{} }
	for name, o := range map[string]Options{
		"no bound":     {Published: published},
		"no power":     {MaxBytes: 1, Published: published, Counters: 3},
		"negative":     {MaxBytes: 1, Published: published, Counters: -4},
		"no published": {MaxBytes: 1},
	} {
		if c, err := New(o); err == nil {
			c.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestClosedAnswersNothing(t *testing.T) {
	c, r := start(t)
	c.Close()
	c.Close()
	if _, err := c.Do(context.Background(), []byte("k"), answer(r, "x")); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestDifferentThingsHaveDifferentTags(t *testing.T) {
	if Row("users", 1) == Tenant("users", 1) || Row("users", 1) == Row("courses", 1) || Row("users", 0) == Table("users") {
		t.Error("different things have one tag")
	}
}

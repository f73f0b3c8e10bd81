package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
)

// TestKilledAtAnyMomentNothingIsLost kills the processes of a hub and an edge, again and
// again, while sessions write: as they start, copy, download, swap, follow, and in the
// middle of transactions that travel in parts. Whenever the sessions rest, both replicas
// become what Postgres is; and a kill alone never costs a copy or a snapshot.
func TestKilledAtAnyMomentNothingIsLost(t *testing.T) {
	seed, rounds := uint64(20261124), len(moments)
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		seed, rounds = rand.Uint64(), 200
	}
	t.Logf("seed %d", seed)
	k := newKiller(t, seed)
	k.compare()
	var order []int
	for i := range rounds {
		if len(order) == 0 {
			order = k.random.Perm(len(moments))
		}
		m := moments[order[0]]
		order = order[1:]
		began := time.Now()
		m.kill(k)
		if m.seen != nil && m.seen(k) {
			k.seen[m.name]++
		}
		k.revive()
		if k.random.IntN(3) == 0 || i == rounds-1 {
			k.compare()
		}
		t.Logf("round %d: %s: %v", i, m.name, time.Since(began).Round(time.Millisecond))
	}
	for _, m := range moments {
		if m.seen != nil && k.seen[m.name] == 0 && rounds >= 100 {
			t.Errorf("no process was ever killed %s", m.name)
		}
	}
	t.Logf("killed: %v", k.seen)
}

// moment is when a process is killed.
type moment struct {
	name string
	kill func(*killer)
	// seen says, of what is left behind, that it was hit; nil where there is nothing to see.
	seen func(*killer) bool
}

var moments = []moment{
	{"the hub starting", func(k *killer) {
		k.killHub()
		k.c.startHub()
		k.wait(300)
		k.killHub()
	}, nil},
	{"the edge starting", func(k *killer) {
		k.killEdge()
		k.c.startEdge()
		k.wait(200)
		k.killEdge()
	}, nil},
	{"the hub, following", func(k *killer) {
		k.wait(300)
		k.killHub()
	}, nil},
	{"the edge, following", func(k *killer) {
		k.wait(300)
		k.killEdge()
	}, nil},
	{"both", func(k *killer) {
		k.wait(300)
		k.killHub()
		k.killEdge()
	}, nil},
	{"the hub in a large transaction", func(k *killer) {
		k.large(k.killHub)
	}, nil},
	{"the edge in a large transaction", func(k *killer) {
		k.large(k.killEdge)
	}, nil},
	{"the edge downloading", func(k *killer) {
		k.forgets()
		k.appears("edge", "snapshot.part", 20)
		k.killEdge()
	}, func(k *killer) bool { return k.is("edge", "snapshot.part") && !k.is("edge", "snapshot.db-wal") }},
	{"the edge swapping", func(k *killer) {
		k.forgets()
		k.appears("edge", "snapshot.db-wal", 10)
		k.killEdge()
	}, func(k *killer) bool { return k.is("edge", "snapshot.part") && k.is("edge", "snapshot.db-wal") }},
	{"the hub copying", func(k *killer) {
		k.turns()
		k.appears("hub", copyFile+"*", 100)
		k.killHub()
	}, func(k *killer) bool { return !k.is("hub", noteFile) }},
	{"the hub making a snapshot", func(k *killer) {
		k.turns()
		k.appears("hub", "snapshot.db*", 50)
		k.killHub()
	}, func(k *killer) bool { return k.is("hub", "snapshot.db*") }},
	{"both in a new generation", func(k *killer) {
		k.turns()
		k.wait(600)
		k.killEdge()
		k.killHub()
	}, nil},
}

// killer is a world in which processes are killed.
type killer struct {
	t      *testing.T
	f      *fixture
	c      *cluster
	random *rand.Rand
	admin  *pgx.Conn

	writing       sync.RWMutex // held for reading by a session that writes
	larges        int
	turned, fresh bool // since the last comparison: a slot was dropped, an edge lost its files
	at            map[string]change.Position
	seen          map[string]int
}

func newKiller(t *testing.T, seed uint64) *killer {
	f := newFixture(t)
	f.incompressible(101, 300)
	k := &killer{
		t: t, f: f, c: newCluster(f), random: rand.New(rand.NewPCG(seed, 1)), admin: pgtest.Connect(t, f.url),
		at: make(map[string]change.Position), seen: make(map[string]int),
	}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 3 {
		conn := pgtest.Connect(t, f.url)
		random := rand.New(rand.NewPCG(seed, uint64(i)+2))
		writers.Go(func() { k.write(ctx, conn, random, i) })
	}
	t.Cleanup(func() {
		stop()
		writers.Wait()
	})
	k.turned = true
	k.c.startHub()
	k.c.startEdge()
	return k
}

// write writes until ctx ends, to rows of its own.
func (k *killer) write(ctx context.Context, conn *pgx.Conn, random *rand.Rand, number int) {
	tick := time.NewTicker(4 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		id := 10_000*(number+1) + random.IntN(300)
		k.writing.RLock()
		var err error
		switch random.IntN(5) {
		case 0:
			_, err = conn.Exec(ctx, "DELETE FROM course WHERE id = $1", id)
		case 1:
			_, err = conn.Exec(ctx, "UPDATE course SET title = $2 WHERE id BETWEEN $1 AND $1 + 20", id, fmt.Sprint("many ", i))
		default:
			_, err = conn.Exec(ctx, "INSERT INTO course VALUES ($1, $2, repeat($2, $3)) ON CONFLICT (id) DO UPDATE SET title = excluded.title", id, fmt.Sprint("row ", i), random.IntN(300))
		}
		k.writing.RUnlock()
		if err != nil && ctx.Err() == nil {
			k.t.Errorf("writing: %v", err)
			return
		}
	}
}

// wait lets a random time pass, in which nothing can be waited for.
func (k *killer) wait(milliseconds int) {
	<-time.After(time.Duration(k.random.IntN(milliseconds*1000)) * time.Microsecond)
}

func (k *killer) killHub()  { k.c.hub.kill() }
func (k *killer) killEdge() { k.c.edge.kill() }

// revive starts whatever was killed.
func (k *killer) revive() {
	if k.c.hub.over() {
		k.blame(k.c.hub)
		k.c.startHub()
	}
	if k.c.edge.over() {
		k.blame(k.c.edge)
		k.c.startEdge()
	}
}

// blame looks at what a process did without need, as far as it has not been looked at.
func (k *killer) blame(p *process) {
	k.t.Helper()
	log := p.log.String()
	for line := range strings.Lines(log[p.told:]) {
		switch {
		case strings.Contains(line, "beginning a new generation") && !k.turned,
			strings.Contains(line, "takes a new snapshot") && !k.turned && !k.fresh,
			strings.Contains(line, "there is a gap"), strings.Contains(line, "hit 0 rows"), strings.Contains(line, "constraint"),
			strings.Contains(line, "damaged"), strings.Contains(line, "panic:"), strings.Contains(line, "DATA RACE"):
			k.t.Errorf("after a kill: %s", line)
		}
	}
	p.told = len(log)
}

// large runs a transaction of several messages, and kills while it is on its way.
func (k *killer) large(kill func()) {
	k.larges++
	done := make(chan error, 1)
	go func() {
		k.writing.RLock()
		defer k.writing.RUnlock()
		_, err := k.admin.Exec(k.t.Context(), "INSERT INTO course SELECT i, 'large', repeat(md5(i::text), 300) FROM generate_series($1::int, $1::int + 600) i ON CONFLICT (id) DO UPDATE SET body = excluded.body, title = $2",
			100_000, fmt.Sprint("large ", k.larges))
		done <- err
	}()
	k.wait(400)
	kill()
	if err := <-done; err != nil {
		k.t.Fatal(err)
	}
}

// forgets takes everything from the edge and starts it again.
func (k *killer) forgets() {
	k.killEdge()
	k.blame(k.c.edge)
	k.fresh = true
	if err := os.RemoveAll(filepath.Join(k.f.dir, "edge")); err != nil {
		k.t.Fatal(err)
	}
	delete(k.at, "edge")
	k.c.startEdge()
}

// turns drops the slot.
func (k *killer) turns() {
	k.turned = true
	k.f.eventually("the slot is dropped", func() error {
		_, err := k.admin.Exec(k.t.Context(), `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database() AND active`)
		if err == nil {
			_, err = k.admin.Exec(k.t.Context(), "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
		}
		return err
	})
}

// is says whether there is such a file.
func (k *killer) is(folder, pattern string) bool {
	found, err := filepath.Glob(filepath.Join(k.f.dir, folder, pattern))
	if err != nil {
		k.t.Fatal(err)
	}
	return len(found) > 0
}

// appears waits for a file, and then for a random time.
func (k *killer) appears(folder, pattern string, milliseconds int) {
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !k.is(folder, pattern) {
		select {
		case <-tick.C:
		case <-deadline:
			return // it came and went; another round may have more luck
		}
	}
	k.wait(milliseconds)
}

// compare lets nobody write until both replicas equal Postgres.
func (k *killer) compare() {
	k.t.Helper()
	k.writing.Lock()
	defer k.writing.Unlock()
	want, err := published(k.t.Context(), k.admin, k.f.url)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, region := range []string{"primary", "edge"} {
		k.f.within(time.Minute, region+" equals Postgres", func() (err error) {
			if k.c.hub.over() || k.c.edge.over() {
				k.t.Fatal("a process ended by itself")
			}
			r, err := replica.OpenReader(k.t.Context(), k.c.file(region))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, r.Close()) }()
			if err := sameAs(k.t.Context(), want, r); err != nil {
				return err
			}
			state, err := r.State(k.t.Context())
			if err != nil {
				return err
			}
			was, now := k.at[region], state.Position
			switch {
			case now.Generation < was.Generation || now.Generation == was.Generation && now.LSN < was.LSN:
				k.t.Errorf("%s went back from %s to %s", region, was, now)
			case now.Generation != was.Generation && was.Generation != 0 && !k.turned:
				k.t.Errorf("%s went on from %s to %s without need", region, was, now)
			}
			k.at[region] = now
			return nil
		})
	}
	k.blame(k.c.hub)
	k.blame(k.c.edge)
	k.turned, k.fresh = false, false
}

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"outpost/replicate/pgcluster/pgtest"
)

// changeStatement is one of a file of statements: what it does to which table.
type changeStatement struct {
	table, verb, sql string
	large            bool
}

// changeStatements reads a file in which each statement stands behind a line such as
// "--: schema.table insert", with $n for a number of its own.
func changeStatements(t *testing.T, path string) (all []changeStatement) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split("\n"+string(b), "\n--: ")[1:] {
		head, statement, _ := strings.Cut(part, "\n")
		head, large := strings.CutSuffix(head, " large")
		space := strings.LastIndexByte(head, ' ')
		all = append(all, changeStatement{table: head[:space], verb: head[space+1:], sql: statement, large: large})
	}
	return all
}

// pace is what a session waits between two transactions. Without it the machine, and not
// the program, is what the burst tries.
const pace = 20 * time.Millisecond

// burst is sessions that change every table of a database until they are told to stop.
type burst struct {
	t          *testing.T
	statements []changeStatement
	number     atomic.Int64
	committed  atomic.Int64
	pause      sync.RWMutex // held by each transaction
	stop       context.CancelFunc
	running    sync.WaitGroup

	mu      sync.Mutex
	changed map[string]int64 // rows by table and verb, of committed transactions
}

func startBurst(t *testing.T, url string, statements []changeStatement, sessions int, seed uint64) *burst {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	b := &burst{t: t, statements: statements, stop: stop, changed: make(map[string]int64)}
	conns := make([]*pgx.Conn, sessions)
	for i := range conns {
		conns[i] = pgtest.Connect(t, url)
		// The sessions meet often, and a deadlock is looked for only after a second.
		if _, err := conns[i].Exec(ctx, "SET deadlock_timeout = '20ms'; SET lock_timeout = '10s'"); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(b.finish) // before the connections are closed
	for i, conn := range conns {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		b.running.Go(func() {
			for ctx.Err() == nil {
				b.pause.RLock()
				err := b.transaction(conn, random)
				b.pause.RUnlock()
				if err != nil {
					t.Errorf("a session of the burst: %v", err)
					return
				}
				select {
				case <-time.After(pace):
				case <-ctx.Done():
				}
			}
		})
	}
	return b
}

func (b *burst) finish() {
	b.stop()
	b.running.Wait()
}

// still keeps all sessions between two transactions while f runs.
func (b *burst) still(f func()) {
	b.pause.Lock()
	defer b.pause.Unlock()
	f()
}

// progress waits for more transactions to be committed, of which a few may take long but
// not all together.
func (b *burst) progress(n int64) {
	b.t.Helper()
	const few = 50
	for ; n > 0; n -= few {
		target := b.committed.Load() + min(n, few)
		eventually(b.t, "transactions of the burst are committed", func() error {
			if got := b.committed.Load(); got < target {
				return fmt.Errorf("%d of %d", got, target)
			}
			return nil
		})
	}
}

// covers waits until rows of each table were inserted, updated and deleted.
func (b *burst) covers(tables []string) {
	b.t.Helper()
	eventually(b.t, "the burst changes every table", func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, table := range tables {
			for _, verb := range []string{"insert", "update", "delete"} {
				if b.changed[table+" "+verb] == 0 {
					return fmt.Errorf("there was no %s of %s", verb, table)
				}
			}
		}
		return nil
	})
}

// transaction runs a few statements, each behind a savepoint, to which it goes back now
// and then, as it does where a statement meets a constraint. Some end in a rollback.
func (b *burst) transaction(conn *pgx.Conn, random *rand.Rand) error {
	// Not the test's context, which may end within a transaction.
	ctx := context.Background()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) // no error may leave its locks to the others
	changed := make(map[string]int64)
	for range 1 + random.IntN(6) {
		outer, err := tx.Begin(ctx) // a savepoint
		if err != nil {
			return err
		}
		before := maps.Clone(changed)
		undo := random.IntN(8) == 0
		for range 1 + random.IntN(2) {
			done, err := b.step(ctx, outer, random, changed)
			if err != nil {
				return err
			}
			undo = undo || !done
		}
		if undo {
			changed, err = before, outer.Rollback(ctx)
		} else {
			err = outer.Commit(ctx)
		}
		if err != nil {
			return err
		}
	}
	if random.IntN(8) == 0 {
		return tx.Rollback(ctx)
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for what, rows := range changed {
		b.changed[what] += rows
	}
	b.committed.Add(1)
	return nil
}

// step runs one statement behind a savepoint of its own. It is false where another session
// was in the way: of a deadlock the locks go only with the savepoint before.
func (b *burst) step(ctx context.Context, tx pgx.Tx, random *rand.Rand, changed map[string]int64) (bool, error) {
	s := b.statements[random.IntN(len(b.statements))]
	for s.large && random.IntN(20) > 0 {
		s = b.statements[random.IntN(len(b.statements))]
	}
	inner, err := tx.Begin(ctx)
	if err != nil {
		return false, err
	}
	tag, err := inner.Exec(ctx, strings.ReplaceAll(s.sql, "$n", strconv.FormatInt(b.number.Add(1), 10)))
	refused := new(pgconn.PgError)
	switch {
	case err == nil:
		changed[s.table+" "+s.verb] += tag.RowsAffected()
		return true, inner.Commit(ctx)
	case !errors.As(err, &refused):
		return false, fmt.Errorf("%s: %w", s.sql, err)
	case strings.HasPrefix(refused.Code, "40"), strings.HasPrefix(refused.Code, "23"): // another session was in the way, or a constraint
		return strings.HasPrefix(refused.Code, "23"), inner.Rollback(ctx)
	}
	return false, fmt.Errorf("%s: %w", s.sql, err)
}

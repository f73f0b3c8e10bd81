package hub

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"outpost/replicate/replica"
)

// lean builds this test binary without the race detector, under which memory says nothing.
func lean(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hub.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the processes to measure: %v\n%s", err, out)
	}
	return path
}

// shown waits until both replicas of a cluster show what a query gives on Postgres.
func (c *cluster) shown(limit time.Duration, query string) {
	c.f.t.Helper()
	var want string
	if err := c.f.pg.QueryRow(c.f.t.Context(), query).Scan(&want); err != nil {
		c.f.t.Fatal(err)
	}
	for _, region := range []string{"primary", "edge"} {
		c.f.within(limit, region+" shows "+want, func() (err error) {
			if c.hub.over() || c.edge.over() {
				c.f.t.Fatal("a process ended by itself")
			}
			r, err := replica.OpenReader(c.f.t.Context(), c.file(region))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, r.Close()) }()
			return r.Read(c.f.t.Context(), func(v replica.View) error {
				var got string
				if err := v.Tx.QueryRow(query).Scan(&got); err != nil {
					return err
				}
				if got != want {
					return fmt.Errorf("it shows %s", got)
				}
				return nil
			})
		})
	}
}

// TestATransactionOfAnySizeNeedsLittleMemory runs one transaction of very many rows, and
// one of few that are huge, through a hub and an edge.
func TestATransactionOfAnySizeNeedsLittleMemory(t *testing.T) {
	rows, limit := 200_000, time.Minute
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		rows, limit = 5_000_000, 20*time.Minute
	}
	binary := lean(t)
	for _, c := range []struct {
		name, sql string
		args      []any
		bound     int64 // of either process
	}{
		{"many rows", "INSERT INTO course SELECT i, 'course ' || i, 'first' FROM generate_series(1001, 1000 + $1::int) i", []any{rows}, 300 << 20},
		{"large rows", "INSERT INTO course SELECT i, 'large', i || text FROM generate_series(1001, 1200) i, (SELECT noise(1 << 20) AS text) AS one", nil, 450 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			cluster := newCluster(f)
			cluster.binary = binary
			cluster.env = []string{"GOMEMLIMIT=200MiB"} // of what it may, Go takes twice what it needs
			cluster.startHub()
			cluster.startEdge()
			const sums = "SELECT count(*) || ' ' || sum(id) || ' ' || sum(length(body)) FROM course"
			cluster.shown(patience, sums)
			hub, edge := cluster.hub.peak(), cluster.edge.peak()
			f.exec(c.sql, c.args...)
			began := time.Now()
			cluster.shown(limit, sums)
			t.Logf("after %v; the hub held %d MB, before %d; the edge %d MB, before %d; the log beside the edge's file has %d MB",
				time.Since(began).Round(time.Millisecond), cluster.hub.peak()>>20, hub>>20, cluster.edge.peak()>>20, edge>>20, size(cluster.file("edge")+"-wal")>>20)
			for name, p := range map[string]*process{"hub": cluster.hub, "edge": cluster.edge} {
				if n := p.peak(); n > c.bound {
					t.Errorf("the %s held %d MB", name, n>>20)
				}
			}
		})
	}
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

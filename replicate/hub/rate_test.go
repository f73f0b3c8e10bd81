package hub

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
)

// TestTenThousandTransactionsASecondAreFollowed commits a row at a time, ten thousand in a
// second or as many as this machine makes, and looks how far the edge is behind.
func TestTenThousandTransactionsASecondAreFollowed(t *testing.T) {
	const perSecond, perCall = 10_000, 500
	seconds := 3
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		seconds = 30
	}
	f := newFixture(t)
	f.exec(`CREATE PROCEDURE many(first int, n int) LANGUAGE plpgsql AS $$ BEGIN
		FOR i IN first .. first + n - 1 LOOP INSERT INTO course VALUES (i, 'one', 'of many'); COMMIT; END LOOP; END $$`)
	c := newCluster(f)
	c.binary = lean(t)
	c.startHub()
	c.startEdge()
	c.shown(patience, "SELECT count(*) || '' FROM course")
	r, err := replica.OpenReader(t.Context(), c.file("edge"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	const first = 1001
	shown := func() (last int) {
		t.Helper()
		if err := r.Read(t.Context(), func(v replica.View) error { return v.Tx.QueryRow("SELECT max(id) FROM course").Scan(&last) }); err != nil {
			t.Fatal(err)
		}
		return max(0, last-first+1)
	}

	pg := pgtest.Connect(t, f.url)
	if _, err := pg.Exec(t.Context(), "SET synchronous_commit = off"); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Second * perCall / perSecond)
	defer tick.Stop()
	began, committed := time.Now(), 0
	var behind []int
	for committed < seconds*perSecond {
		<-tick.C
		if _, err := pg.Exec(t.Context(), "CALL many($1, $2)", first+committed, perCall); err != nil {
			t.Fatal(err)
		}
		committed += perCall
		behind = append(behind, committed-shown())
	}
	took := time.Since(began)
	rate := float64(committed) / took.Seconds()
	ended := time.Now()
	f.within(patience, "the edge has all", func() error {
		if shown() < committed {
			return errors.New("not yet")
		}
		return nil
	})
	caught := time.Since(ended)
	third := len(behind) / 3
	early, late := median(behind[:third]), median(behind[len(behind)-third:])
	t.Logf("%.0f a second for %v; behind by %d rows early, by %d late, by %d at most; caught up after %v",
		rate, took.Round(time.Millisecond), early, late, slices.Max(behind), caught.Round(time.Millisecond))
	// Half a second's worth is noise where others use the machine.
	if late > early+int(rate/2) {
		t.Errorf("the lag grows: from %d rows to %d", early, late)
	}
	if caught > time.Second {
		t.Errorf("the edge had all only %v after the last commit", caught)
	}
	c.shown(patience, "SELECT count(*) || ' ' || sum(id) FROM course")
}

func median(values []int) int {
	values = slices.Clone(values)
	slices.Sort(values)
	return values[len(values)/2]
}

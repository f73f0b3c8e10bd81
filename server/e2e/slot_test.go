package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// TestOneSlotHoweverManyRegions stops a region, lets it catch up, and adds a fourth.
func TestOneSlotHoweverManyRegions(t *testing.T) {
	w := newWorldAlone(t, []string{"fra", "iad", "syd"}, "log_statement=all", "logging_collector=on", "log_directory=log", "log_filename=all.log")
	for _, region := range w.regions[:2] {
		w.serve(region)
	}
	syd := w.serve("syd")
	w.expectSlots(t, 1)

	learner := w.login("iad", "user1@example.com")
	e, _ := learner.enroll(w.api("iad"), "passwords-and-passkeys")
	syd.kill()
	w.expectSlots(t, 1)
	var position string
	for i := range 50 {
		position = learner.must(http.StatusOK, http.MethodPut, progressURL(w.api("iad"), e.ID, 1), map[string]int{"seconds": i}).position()
	}
	syd.start()
	syd.ready()
	var got enrollment
	learner.get(enrollmentURL(w.api("syd"), e.ID), "Outpost-Position", position).into(t, &got)
	if got.seconds(1) != 49 {
		t.Errorf("the region that was away shows %d", got.seconds(1))
	}

	before := w.copies(t)
	if before == 0 {
		t.Fatal("Postgres logged no COPY at all: the first copy must be there, or this test sees nothing")
	}
	w.add("nrt")
	w.serve("nrt")
	if after := w.copies(t); after != before {
		t.Errorf("Postgres saw %d more COPY when a region was added", after-before)
	}
	learner.get(enrollmentURL(w.api("nrt"), e.ID), "Outpost-Position", position).into(t, &got)
	if got.seconds(1) != 49 {
		t.Errorf("the new region shows %d", got.seconds(1))
	}
	if err := w.equal(t, "nrt"); err != nil {
		eventually(t, "the new replica equals Postgres", func() error { return w.equal(t, "nrt") })
	}
	w.expectSlots(t, 1)
}

func (w *world) expectSlots(t *testing.T, want int) {
	t.Helper()
	var n int
	if err := pgtest.Connect(t, w.url).QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != want {
		t.Errorf("Postgres has %d slots, want %d", n, want)
	}
}

// copies counts the COPY statements in Postgres' own log.
func (w *world) copies(t *testing.T) int {
	t.Helper()
	var file string
	conn := pgtest.Connect(t, w.url)
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('data_directory') || '/' || pg_current_logfile()").Scan(&file); err != nil {
		t.Fatal(err)
	}
	// A line of our own, so that everything before it is known to be in the file.
	mark := fmt.Sprintf("SELECT 'mark %s'", file)
	if _, err := conn.Exec(t.Context(), mark); err != nil {
		t.Fatal(err)
	}
	var log string
	eventually(t, "the mark is in Postgres' log", func() error {
		b, err := os.ReadFile(file)
		log = string(b)
		if err == nil && !strings.Contains(log, mark) {
			err = fmt.Errorf("%d bytes without it", len(b))
		}
		return err
	})
	n := 0
	for line := range strings.Lines(log) {
		if strings.Contains(line, "statement: COPY ") {
			n++
		}
	}
	return n
}

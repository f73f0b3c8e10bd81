package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// TestStopFinishesRequestsInFlight tells a region to stop while a write waits for a lock in
// Postgres. The write is answered, and then the process ends well.
func TestStopFinishesRequestsInFlight(t *testing.T) {
	w := newWorldAlone(t, []string{"fra", "syd"})
	regions := map[string]*process{"fra": w.serve("fra"), "syd": w.serve("syd")}
	learner := w.login("syd", "user1@example.com")
	e, _ := learner.enroll(w.api("syd"), "passwords-and-passkeys")
	for i, c := range []struct {
		name string
		stop string
		ask  []string // regions that have a write in flight
	}{
		{"an edge that waits for the primary", "syd", []string{"syd"}},
		{"the primary that waits for Postgres", "fra", []string{"fra", "syd"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			release := w.lock(t, e.ID)
			answers := make(chan error, len(c.ask))
			for n, region := range c.ask {
				go func() {
					a, err := learner.try(http.MethodPut, progressURL(w.api(region), e.ID, 1), map[string]int{"seconds": 10*i + n + 1})
					if err == nil && a.status != http.StatusOK {
						err = fmt.Errorf("%d %s", a.status, a.body)
					}
					answers <- err
				}()
			}
			w.blocked(t, len(c.ask))
			p := regions[c.stop]
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			eventually(t, c.stop+" takes no more requests", func() error {
				if err := expectStatus(w.api(c.stop)+"/readyz", http.StatusOK); err == nil {
					return errors.New("it answers")
				}
				return nil
			})
			select {
			case err := <-answers:
				t.Fatalf("a write was answered before it could be made: %v", err)
			case <-p.ended:
				t.Fatalf("%s ended with a write in flight:\n%s", c.stop, p.log)
			default:
			}
			release()
			for range c.ask {
				if err := <-answers; err != nil {
					t.Errorf("a write in flight: %v", err)
				}
			}
			eventually(t, c.stop+" has ended", func() error {
				select {
				case <-p.ended:
					return nil
				default:
					return errors.New("it runs")
				}
			})
			if code := p.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("%s ended with %d", c.stop, code)
			}
			if log := p.log.String(); strings.Contains(log, "level=ERROR") {
				t.Errorf("%s logged errors:\n%s", c.stop, log)
			}
			p.start()
			p.ready()
			var got enrollment
			learner.get(enrollmentURL(w.api(c.stop), e.ID), "Outpost-Position", w.now(t, "fra")).into(t, &got)
			if want := 10*i + len(c.ask); got.seconds(1) != want {
				t.Errorf("after a new start %s shows %d seconds, want %d", c.stop, got.seconds(1), want)
			}
		})
	}
}

// lock keeps writes to an enrollment waiting until release is called.
func (w *world) lock(t *testing.T, enrollment int64) (release func()) {
	t.Helper()
	tx, err := pgtest.Connect(t, w.url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM enrollments WHERE id = $1 FOR UPDATE", enrollment); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// blocked waits until so many sessions wait for a lock.
func (w *world) blocked(t *testing.T, want int) {
	t.Helper()
	conn := pgtest.Connect(t, w.url)
	eventually(t, "the writes wait for a lock", func() error {
		var n int
		err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").Scan(&n)
		if err == nil && n != want {
			err = fmt.Errorf("%d of %d do", n, want)
		}
		return err
	})
}

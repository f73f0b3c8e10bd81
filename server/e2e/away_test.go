package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/auth"
)

// TestADeadPrimaryStopsWritesNotReads kills the primary, and later Postgres. The edge reads on
// and owns up to the age of what it shows; writes are refused with a time to come back.
func TestADeadPrimaryStopsWritesNotReads(t *testing.T) {
	w := newWorldAlone(t, []string{"fra", "syd"})
	fra, _ := w.serve("fra"), w.serve("syd")
	learner := w.login("syd", "user1@example.com")
	e, _ := learner.enroll(w.api("syd"), "passwords-and-passkeys")
	written := learner.must(http.StatusOK, http.MethodPut, progressURL(w.api("syd"), e.ID, 1), map[string]int{"seconds": 7}).position()
	if got := learner.get(enrollmentURL(w.api("syd"), e.ID), "Outpost-Position", written, "Outpost-Strict", "1"); got.header.Get("Outpost-Stale") != "" {
		t.Errorf("with everyone there the answer is %s seconds stale", got.header.Get("Outpost-Stale"))
	}
	kid, key := w.signingKey(t)
	expired := &client{t: t, http: learner.http, token: sign(t, kid, key, w.principal(t, "user1@example.com"), time.Now().Add(-auth.Life-time.Minute))}
	expired.must(http.StatusUnauthorized, http.MethodGet, w.api("syd")+"/api/v1/me", nil)

	fra.kill()
	t.Run("the primary", func(t *testing.T) { w.away(t, learner, e.ID, written) })
	t.Run("an expired token", func(t *testing.T) {
		expired.t = t
		expired.get(w.api("syd") + "/api/v1/me")
		expired.must(http.StatusUnauthorized, http.MethodPost, w.api("syd")+"/api/v1/enrollments", map[string]int{"course_id": 1})
	})
	expired.t = t
	fra.start()
	fra.ready()
	w.back(t, learner, e.ID, 8)
	eventually(t, "an expired token is refused again", func() error {
		a, err := expired.try(http.MethodGet, w.api("syd")+"/api/v1/me", nil)
		if err == nil && a.status != http.StatusUnauthorized {
			err = fmt.Errorf("%d", a.status)
		}
		return err
	})

	if err := w.postgres.Kill(); err != nil {
		t.Fatal(err)
	}
	t.Run("Postgres", func(t *testing.T) { w.away(t, learner, e.ID, written) })
	if err := w.postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.back(t, learner, e.ID, 9)
}

// away holds what an edge promises while nothing can be written.
func (w *world) away(t *testing.T, learner *client, id int64, reached string) {
	c := *learner
	c.t = t
	refused := func(what string, a answer) {
		t.Helper()
		a.problem(t)
		if n, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || n < 1 {
			t.Errorf("%s: Retry-After is %q", what, a.header.Get("Retry-After"))
		}
	}
	url := enrollmentURL(w.api("syd"), id)
	for what, a := range map[string]answer{
		"progress":  c.must(http.StatusServiceUnavailable, http.MethodPut, progressURL(w.api("syd"), id, 1), map[string]int{"seconds": 99}),
		"enrolling": c.must(http.StatusServiceUnavailable, http.MethodPost, w.api("syd")+"/api/v1/enrollments", map[string]int{"course_id": 1}),
		"a login": c.must(http.StatusServiceUnavailable, http.MethodPost, w.api("syd")+"/api/v1/auth/login",
			map[string]string{"email": "user1@example.com", "password": password}),
	} {
		refused(what, a)
	}
	var got enrollment
	if c.get(url, "Outpost-Position", reached).into(t, &got); got.seconds(1) < 7 {
		t.Errorf("the edge shows %d seconds", got.seconds(1))
	}
	eventually(t, "the edge owns up to its age", func() error {
		a := c.get(url, "Outpost-Position", reached)
		if seconds, err := strconv.Atoi(a.header.Get("Outpost-Stale")); err != nil || seconds < 1 {
			return fmt.Errorf("Outpost-Stale is %q", a.header.Get("Outpost-Stale"))
		}
		return nil
	})
	refused("a strict read", c.must(http.StatusServiceUnavailable, http.MethodGet, url, nil, "Outpost-Strict", "1"))

	p, err := change.ParsePosition(reached)
	if err != nil {
		t.Fatal(err)
	}
	p.LSN += 1 << 40
	unreachable := p.String()
	a := c.get(url, "Outpost-Position", unreachable)
	if a.header.Get("Outpost-Stale") == "" || a.position() != unreachable {
		t.Errorf("a position that cannot be reached: stale %q, and the position became %s", a.header.Get("Outpost-Stale"), a.position())
	}
	refused("a strict read of it", c.must(http.StatusServiceUnavailable, http.MethodGet, url, nil, "Outpost-Position", unreachable, "Outpost-Strict", "1"))
	if err := expectStatus(w.api("syd")+"/readyz", http.StatusOK); err != nil {
		t.Errorf("the edge is not ready: %v", err)
	}
}

// back waits until a write goes through and the edge calls nothing stale.
func (w *world) back(t *testing.T, learner *client, id int64, seconds int) {
	t.Helper()
	var position string
	eventually(t, "writes go through again", func() error {
		a, err := learner.try(http.MethodPut, progressURL(w.api("syd"), id, 1), map[string]int{"seconds": seconds})
		if position = a.position(); err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("%d %s", a.status, a.body)
		}
		return err
	})
	eventually(t, "the edge shows the write and calls nothing stale", func() error {
		a, err := learner.try(http.MethodGet, enrollmentURL(w.api("syd"), id), nil, "Outpost-Position", position, "Outpost-Strict", "1")
		switch {
		case err != nil:
			return err
		case a.status != http.StatusOK:
			return fmt.Errorf("%d %s", a.status, a.body)
		case a.header.Get("Outpost-Stale") != "":
			return errors.New("stale")
		}
		var got enrollment
		if a.into(t, &got); got.seconds(1) != seconds {
			t.Errorf("the edge shows %d seconds, want %d", got.seconds(1), seconds)
		}
		return nil
	})
}

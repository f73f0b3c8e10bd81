package api

import (
	"context"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// TestWhoAsksIsJudgedInTheStateThatCameMeanwhile: the position of a logout comes by itself, between the
// look at the credential and the look at the position.
func TestWhoAsksIsJudgedInTheStateThatCameMeanwhile(t *testing.T) {
	looks := 0
	n := newNode(t, func(d *Deps, n *node) {
		d.Published = func() training.At {
			if looks++; looks == 2 {
				n.world.change(func() { n.world.revoked[11] = true }, cache.Row("sessions", 11))
			}
			return n.world.published()
		}
	})
	header := n.as(1)
	header.Set("Outpost-Position", at(101))
	if a := n.do("GET", "/api/v1/me", header, ""); a.StatusCode != 401 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// TestWhoAsksIsJudgedInTheStateThatWasWaitedFor sends a position that has not arrived: of a logout, of
// a lesser role, of a change that matters to nobody.
func TestWhoAsksIsJudgedInTheStateThatWasWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		user   int64
		target string
		change func(*world)
		tag    cache.Tag
		want   int
	}{
		"a logout":         {1, "/api/v1/me", func(w *world) { w.revoked[11] = true }, cache.Row("sessions", 11), 401},
		"another's logout": {1, "/api/v1/me", func(w *world) { w.revoked[12] = true }, cache.Row("sessions", 12), 200},
		"a lesser role": {9, "/api/v1/api-keys", func(w *world) {
			u := w.users[9]
			u.Role = training.Learner
			w.users[9] = u
		}, cache.Row("users", 9), 403},
	} {
		t.Run(name, func(t *testing.T) {
			waits := make(chan struct{}, 1)
			signal := func(d *Deps, n *node) {
				d.Limits.Wait = 10 * time.Second
				d.Wait = func(ctx context.Context, p change.Position) error {
					waits <- struct{}{}
					return n.world.wait(ctx, p)
				}
			}
			primary := newNode(t, signal)
			edge := newEdge(t, primary.listen(), signal)
			for region, n := range map[string]*node{"primary": primary, "edge": edge} {
				n.writer.newest = 101
				header := n.as(test.user)
				if a := n.do("GET", test.target, header, ""); a.StatusCode != 200 {
					t.Fatalf("%s: before the change: %d %s", region, a.StatusCode, a.body)
				}
				header.Set("Outpost-Position", at(101))
				reads := make(chan answered, 1)
				go func() { reads <- n.do("GET", test.target, header, "") }()
				<-waits
				n.world.change(func() { test.change(n.world) }, test.tag)
				if a := <-reads; a.StatusCode != test.want {
					t.Errorf("%s: %d %s", region, a.StatusCode, a.body)
				}
			}
		})
	}
}

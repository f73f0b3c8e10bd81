package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	writesASecond = 20
	// changes is of how many writes two change a person, in a company whose lists are among those
	// that are measured: to and back again, so that what was compared at the beginning stays right.
	// The others are progress, of which no list of people shows anything.
	changes = 100
)

// writer writes throughout, the same whatever is measured: progress in a lesson, and now and
// then what a list shows.
type writer struct {
	primary *node
	people  *people
	// position is that of the last write: who wants to see it has to ask for it.
	position string
}

// run writes until ctx ends.
func (w *writer) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second / writesASecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := w.write(ctx, n); err != nil && ctx.Err() == nil {
			return fmt.Errorf("writing while it is measured: %w", err)
		}
	}
}

func (w *writer) write(ctx context.Context, n int) error {
	switch n % changes {
	case changes - 2:
		return w.change(ctx, "high")
	case changes - 1:
		return w.change(ctx, usual)
	}
	e := w.people.progress[n%len(w.people.progress)]
	// The longest time counts.
	return w.send(ctx, http.MethodPut, fmt.Sprintf("/api/v1/enrollments/%d/lessons/1", e.id), e.token, map[string]any{"seconds": n % 86400})
}

// usual is the exposure of who is changed.
const usual = "low"

func (w *writer) change(ctx context.Context, risk string) error {
	return w.send(ctx, http.MethodPatch, fmt.Sprintf("/api/v1/users/%d", w.people.changed), w.people.admin.token, map[string]any{"job_risk": risk})
}

func (w *writer) send(ctx context.Context, method, path, token string, in any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := w.primary.send(ctx, method, path, token, body)
	w.position = answer.header.Get(headerPosition)
	return err
}

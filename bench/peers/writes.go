package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	writesASecond = 20
	// changes is of how many writes two change a person, in a company whose lists are among those
	// that are measured: to and back again, so that what was compared at the beginning stays right.
	// The others are progress, of which no list of people shows anything.
	changes = 100
	halfDay = 12 * 60 * 60 // in seconds
)

// writer writes throughout, the same whatever is measured: progress in a lesson, and now and
// then what a list shows.
type writer struct {
	primary *node
	people  *people
	// position is that of the last write: who wants to see it has to ask for it.
	position string
	done     atomic.Int64 // writes
}

// run writes until ctx ends. One write that takes long is made up for by those after it.
func (w *writer) run(ctx context.Context) error {
	began := time.Now()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(began.Add(time.Duration(n) * time.Second / writesASecond))):
		}
		if err := w.write(ctx, n); err != nil && ctx.Err() == nil {
			return fmt.Errorf("writing while it is measured: %w", err)
		}
		w.done.Add(1)
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
	// Only a longer time than is known is written, and the demo's are below half a day.
	return w.send(ctx, http.MethodPut, fmt.Sprintf("/api/v1/enrollments/%d/lessons/1", e.id), e.token, map[string]any{"seconds": halfDay + n%halfDay})
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

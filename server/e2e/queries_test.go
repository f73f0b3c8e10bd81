package e2e

import (
	"context"
	"log/slog"
	"sync"
	"testing"
)

// queryLog collects, from what nodes log of slow queries when every query is one, which queries
// each request made. Nodes in one process may share it.
type queryLog struct {
	mu   sync.Mutex
	made map[string]map[string][]string // by request id and engine
}

func newQueryLog() *queryLog { return &queryLog{made: make(map[string]map[string][]string)} }

// log is a logger that keeps queries and passes on, from warnings up, what else there is.
func (q *queryLog) log(t *testing.T) *slog.Logger {
	return slog.New(&queryHandler{log: q, rest: slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn})})
}

// of gives a request's queries by engine, without the brackets around transactions.
func (q *queryLog) of(requestID string) map[string][]string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.made[requestID]
}

// requests says how many requests made a query of an engine.
func (q *queryLog) requests(engine string) (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, made := range q.made {
		if id != "" && len(made[engine]) > 0 {
			n++
		}
	}
	return n
}

func (q *queryLog) add(requestID, engine, name string) {
	switch name {
	case "begin", "commit", "rollback":
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.made[requestID] == nil {
		q.made[requestID] = make(map[string][]string)
	}
	q.made[requestID][engine] = append(q.made[requestID][engine], name)
}

type queryHandler struct {
	log  *queryLog
	rest slog.Handler
}

func (h *queryHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (h *queryHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != "slow query" {
		return h.rest.Handle(ctx, r)
	}
	found := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool {
		found[a.Key] = a.Value.String()
		return true
	})
	h.log.add(found["request_id"], found["engine"], found["query"])
	return nil
}

func (h *queryHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &queryHandler{h.log, h.rest.WithAttrs(attrs)}
}

func (h *queryHandler) WithGroup(name string) slog.Handler {
	return &queryHandler{h.log, h.rest.WithGroup(name)}
}

// TestQueriesAreCounted proves that the count of TestExamples would see a request that makes too many.
func TestQueriesAreCounted(t *testing.T) {
	q := newQueryLog()
	log := q.log(t).With("region", "fra")
	for _, name := range []string{"begin", "a", "b", "commit"} {
		log.Warn("slow query", "query", name, "engine", "postgres", "request_id", "r")
	}
	log.Warn("slow query", "query", "c", "engine", "sqlite", "request_id", "r")
	if of := q.of("r"); len(of["postgres"]) != 2 || len(of["sqlite"]) != 1 {
		t.Errorf("counted %v", of)
	}
}

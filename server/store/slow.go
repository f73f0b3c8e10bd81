package store

import (
	"context"
	stdsql "database/sql"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"

	"outpost/server/store/sqlite"
)

// ran tells how long a query took. query is a method of sqlite.Queries: what its text is, is found
// out only when it was slow.
func (s *Store) ran(ctx context.Context, name string, query any, d time.Duration) {
	if s.Observe != nil {
		s.Observe(name, d)
	}
	if s.Slow != nil && d > s.SlowAfter {
		s.Slow(ctx, name, textOf(query), d)
	}
}

// textOf is the statement behind a method of sqlite.Queries; empty for any other function.
func textOf(query any) string {
	f := runtime.FuncForPC(reflect.ValueOf(query).Pointer())
	if f == nil {
		return ""
	}
	name := f.Name()
	name = strings.TrimSuffix(name[strings.LastIndexByte(name, '.')+1:], "-fm") // of a method's value
	return texts()[name]
}

// texts are the statements by the names of their methods. The generated package keeps them to
// itself, but hands each one over to be prepared.
var texts = sync.OnceValue(func() map[string]string {
	c := collector{}
	if _, err := sqlite.Prepare(context.Background(), c); err != nil {
		return nil // a collector refuses nothing
	}
	return c
})

// collector takes statements instead of a database.
type collector map[string]string

var errCollector = errors.New("a collector of statements runs none")

// PrepareContext keeps a statement under the name in its first line.
func (c collector) PrepareContext(_ context.Context, text string) (*stdsql.Stmt, error) {
	name, _, _ := strings.Cut(strings.TrimPrefix(text, "-- name: "), " ")
	c[name] = text
	return nil, nil
}

// ExecContext runs nothing.
func (collector) ExecContext(context.Context, string, ...any) (stdsql.Result, error) {
	return nil, errCollector
}

// QueryContext runs nothing.
func (collector) QueryContext(context.Context, string, ...any) (*stdsql.Rows, error) {
	return nil, errCollector
}

// QueryRowContext runs nothing.
func (collector) QueryRowContext(context.Context, string, ...any) *stdsql.Row { return nil }

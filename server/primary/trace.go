package primary

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
)

// tracer observes how long each statement takes, by the name that its query has.
type tracer struct {
	ran func(ctx context.Context, queryType, sql string, d time.Duration)
}

// ran tells how long a statement took.
func (p *Primary) ran(ctx context.Context, queryType, sql string, d time.Duration) {
	if p.config.Observe != nil {
		p.config.Observe(queryType, d)
	}
	if p.config.Slow != nil && d > p.config.SlowAfter {
		p.config.Slow(ctx, queryType, sql, d)
	}
}

var _ pgx.QueryTracer = tracer{}

type traceKey struct{}

type trace struct {
	queryType, sql string
	start          time.Time
}

// TraceQueryStart notes the beginning.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, traceKey{}, trace{queryType: queryType(data.SQL), sql: data.SQL, start: time.Now()})
}

// TraceQueryEnd observes the duration, of failed statements too.
func (t tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if started, ok := ctx.Value(traceKey{}).(trace); ok {
		t.ran(ctx, started.queryType, started.sql, time.Since(started.start))
	}
}

// queryType is the name that stands in the query's first line, as_words; without one it is the
// first word: begin, commit, rollback.
func queryType(sql string) string {
	name, named := strings.CutPrefix(sql, "-- name: ")
	name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
	if !named {
		return strings.ToLower(strings.TrimSuffix(name, ";"))
	}
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

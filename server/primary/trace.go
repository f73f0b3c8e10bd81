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
	observe func(queryType string, d time.Duration)
}

var _ pgx.QueryTracer = tracer{}

type traceKey struct{}

type trace struct {
	queryType string
	start     time.Time
}

// TraceQueryStart notes the beginning.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, traceKey{}, trace{queryType: queryType(data.SQL), start: time.Now()})
}

// TraceQueryEnd observes the duration, of failed statements too.
func (t tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if started, ok := ctx.Value(traceKey{}).(trace); ok {
		t.observe(started.queryType, time.Since(started.start))
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

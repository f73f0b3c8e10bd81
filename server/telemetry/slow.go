package telemetry

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"outpost/server/training"
)

// slowText is how much of a statement is logged, in bytes: enough to know it by.
const slowText = 200

// SlowQueries gives what logs queries of one engine, sqlite or postgres, that were slow. Values
// travel beside a statement's text, so none is logged.
func SlowQueries(log *slog.Logger, engine string) func(ctx context.Context, queryType, sql string, took time.Duration) {
	return func(ctx context.Context, queryType, sql string, took time.Duration) {
		attrs := []slog.Attr{
			slog.String("query", queryType), slog.String("engine", engine),
			slog.Float64("took_ms", float64(took.Microseconds())/1000),
		}
		if sql != "" {
			attrs = append(attrs, slog.String("sql", cutText(sql)))
		}
		if id := training.CallerOf(ctx).RequestID; id != "" {
			attrs = append(attrs, slog.String("request_id", id))
		}
		log.LogAttrs(ctx, slog.LevelWarn, "slow query", attrs...)
	}
}

// cutText is the beginning of a statement in one line, without its name, which is logged by itself.
func cutText(sql string) string {
	if rest, named := strings.CutPrefix(sql, "-- name: "); named {
		_, sql, _ = strings.Cut(rest, "\n")
	}
	sql = strings.Join(strings.Fields(sql), " ")
	if len(sql) <= slowText {
		return sql
	}
	return strings.ToValidUTF8(sql[:slowText], "") + " …"
}

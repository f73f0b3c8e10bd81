package telemetry

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"outpost/server/training"
)

func TestSlowQueriesAreLoggedInOneShortLine(t *testing.T) {
	var b bytes.Buffer
	tell := SlowQueries(NewLog(&b, "json", slog.LevelInfo), "sqlite")
	ctx := training.WithCaller(t.Context(), training.Caller{RequestID: "r1"})
	tell(ctx, "users_by_name", "-- name: UsersByName :many\nSELECT id,\n\tname FROM users -- ä"+strings.Repeat("ü", 200), 1500*time.Microsecond)
	var line struct {
		Level, Msg, Query, Engine, SQL string
		Took                           float64 `json:"took_ms"`
		RequestID                      string  `json:"request_id"`
	}
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, b.String())
	}
	if line.Level != "WARN" || line.Msg != "slow query" || line.Query != "users_by_name" || line.Engine != "sqlite" || line.Took != 1.5 || line.RequestID != "r1" {
		t.Errorf("logged: %s", b.String())
	}
	if !strings.HasPrefix(line.SQL, "SELECT id, name FROM users") || !strings.HasSuffix(line.SQL, " …") || len(line.SQL) > slowText+5 || !utf8.ValidString(line.SQL) {
		t.Errorf("the text is %q", line.SQL)
	}
	b.Reset()
	tell(t.Context(), "commit", "COMMIT; SELECT 1", time.Second)
	if !strings.Contains(b.String(), `"sql":"COMMIT; SELECT 1"`) || strings.Contains(b.String(), "request_id") {
		t.Errorf("logged: %s", b.String())
	}
}

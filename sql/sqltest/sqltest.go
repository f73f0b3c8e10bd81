// Package sqltest gives tests a database with the whole data model and nothing in it.
package sqltest

import (
	"context"
	"log/slog"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/sql"
)

// Database gives the URL of a fresh, migrated database, dropped when the test ends. The package's
// TestMain must be pgtest.Run.
func Database(t testing.TB) string {
	t.Helper()
	return pgtest.Prepared(t, func(ctx context.Context, url string) error {
		return sql.Migrate(ctx, url, slog.New(slog.DiscardHandler))
	})
}

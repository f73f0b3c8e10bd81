package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"

	"outpost/replicate/source"
	"outpost/server/config"
	"outpost/server/telemetry"
	"outpost/sql"
	"outpost/sql/seed"
)

var errNoDatabase = errors.New("DATABASE_URL is not set; set it as postgres://user:password@host/database")

// database gives DATABASE_URL, where Postgres answers, and a log, for the commands that change
// it by hand.
func database(ctx context.Context) (url string, log *slog.Logger, err error) {
	format, level, err := config.Logging(os.LookupEnv)
	if err != nil {
		return "", nil, err
	}
	if url = os.Getenv("DATABASE_URL"); url == "" {
		return "", nil, errNoDatabase
	}
	if err := source.Reach(ctx, url); err != nil {
		return "", nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	return url, telemetry.NewLog(os.Stderr, format, level), nil
}

type migrateCommand struct {
	Up     migrateUp     `cmd:"" default:"1" help:"Bring the schema up to date."`
	Down   migrateDown   `cmd:"" help:"Undo the newest migration."`
	Status migrateStatus `cmd:"" help:"List the migrations."`
}

type (
	migrateUp     struct{}
	migrateDown   struct{}
	migrateStatus struct{}
)

func (migrateUp) Run(ctx context.Context) error {
	url, log, err := database(ctx)
	if err != nil {
		return err
	}
	return sql.Migrate(ctx, url, log)
}

func (migrateDown) Run(ctx context.Context) error {
	url, log, err := database(ctx)
	if err != nil {
		return err
	}
	return sql.Down(ctx, url, log)
}

func (migrateStatus) Run(ctx context.Context, out io.Writer) error {
	url, _, err := database(ctx)
	if err != nil {
		return err
	}
	migrations, err := sql.Status(ctx, url)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, m := range migrations {
		applied := "pending"
		if !m.AppliedAt.IsZero() {
			applied = m.AppliedAt.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		fmt.Fprintf(table, "%d\t%s\t%s\n", m.Version, m.Name, applied)
	}
	return table.Flush()
}

type seedCommand struct {
	Size string `help:"1,000, 20,000 or 250,000 users." enum:"small,medium,large" default:"small"`
	Seed string `help:"Number of the demo, from 1 on: another one has other people and other events." default:"1"`
}

func (s *seedCommand) Run(ctx context.Context) error {
	size, err := seed.ParseSize(s.Size)
	if err != nil {
		return usageError{err}
	}
	number, err := seed.ParseSeed(s.Seed)
	if err != nil {
		return usageError{err}
	}
	url, log, err := database(ctx)
	if err != nil {
		return err
	}
	return seed.Run(ctx, url, seed.Options{Size: size, Seed: number, Log: log})
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"outpost/server/config"
	"outpost/sql"
	"outpost/sql/seed"
)

var errNoDatabase = errors.New("DATABASE_URL is not set; set it as postgres://user:password@host/database")

// database gives DATABASE_URL and a log for the commands that change it by hand.
func database() (string, error) {
	if url := os.Getenv("DATABASE_URL"); url != "" {
		return url, nil
	}
	return "", errNoDatabase
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
	url, err := database()
	if err != nil {
		return err
	}
	format, level, err := config.Logging(os.LookupEnv)
	if err != nil {
		return err
	}
	return sql.Migrate(ctx, url, newLog(format, level))
}

func (migrateDown) Run(ctx context.Context) error {
	url, err := database()
	if err != nil {
		return err
	}
	format, level, err := config.Logging(os.LookupEnv)
	if err != nil {
		return err
	}
	return sql.Down(ctx, url, newLog(format, level))
}

func (migrateStatus) Run(ctx context.Context, out io.Writer) error {
	url, err := database()
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
}

func (s *seedCommand) Run(ctx context.Context) error {
	url, err := database()
	if err != nil {
		return err
	}
	size, err := seed.ParseSize(s.Size)
	if err != nil {
		return usageError{err}
	}
	format, level, err := config.Logging(os.LookupEnv)
	if err != nil {
		return err
	}
	return seed.Run(ctx, url, seed.Options{Size: size, Log: newLog(format, level)})
}

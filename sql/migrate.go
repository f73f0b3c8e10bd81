// Package sql holds the data model: Postgres' migrations and publication, the SQLite
// objects that a replica gets beside the replicated tables, and the queries from which
// sqlc generates server/primary/pgsql and server/store/sqlite.
//
// Migrations only ever go forward in production; each can be undone, one at a time. What
// is not named in the publication's migration never leaves Postgres.
package sql

import (
	"context"
	stdsql "database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"outpost/replicate/source"
)

//go:embed postgres/migrations/*.sql
var migrations embed.FS

// Publication is the name of the publication that the migrations make.
const Publication = "outpost"

// Migration is one step of the data model and whether a database has taken it.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero: pending
}

// Migrate brings the database to the newest version. Processes that do so at once wait for
// each other.
//
// First it installs what tells replicas of changes of the schema. Where no event trigger
// may do so, migrations do: after 00009, which begins to publish, each statement that alters
// a table is followed by SELECT outpost.schema_changed().
func Migrate(ctx context.Context, url string, log *slog.Logger) error {
	untracked, err := source.New(source.Config{URL: url}).Track(ctx)
	if err != nil {
		return err
	}
	if untracked != "" {
		log.InfoContext(ctx, "no event trigger announces changes of the schema; the migrations do", "reason", untracked)
	}
	return with(ctx, url, func(p *goose.Provider) error {
		results, err := p.Up(ctx)
		for _, r := range results {
			log.InfoContext(ctx, "migrated", "version", r.Source.Version, "name", r.Source.Path, "took_ms", r.Duration.Milliseconds())
		}
		if err != nil {
			return fmt.Errorf("migrating: %w", err)
		}
		return nil
	})
}

// Down undoes the newest migration. Without one, nothing happens.
func Down(ctx context.Context, url string, log *slog.Logger) error {
	return with(ctx, url, func(p *goose.Provider) error {
		r, err := p.Down(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			log.InfoContext(ctx, "no migration to undo")
			return nil
		}
		if err != nil {
			return fmt.Errorf("undoing a migration: %w", err)
		}
		log.InfoContext(ctx, "migration undone", "version", r.Source.Version, "name", r.Source.Path)
		return nil
	})
}

// Status lists the migrations, oldest first.
func Status(ctx context.Context, url string) ([]Migration, error) {
	var all []Migration
	err := with(ctx, url, func(p *goose.Provider) error {
		statuses, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("reading the migrations' status: %w", err)
		}
		for _, s := range statuses {
			all = append(all, Migration{Version: s.Source.Version, Name: s.Source.Path, AppliedAt: s.AppliedAt})
		}
		return nil
	})
	return all, err
}

// Current gives the version that the database has and the one that this program wants.
func Current(ctx context.Context, url string) (have, want int64, err error) {
	err = with(ctx, url, func(p *goose.Provider) error {
		have, want, err = p.GetVersions(ctx)
		if err != nil {
			return fmt.Errorf("reading the database's version: %w", err)
		}
		return nil
	})
	return have, want, err
}

func with(ctx context.Context, url string, use func(*goose.Provider) error) (err error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// pgx leaves the password out of this error, the rest of the URL it does not.
		return errors.New("the database URL cannot be read: give it as postgres://user:password@host:port/database")
	}
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := provider(db)
	if err != nil {
		return err
	}
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("connecting to Postgres: %w", err)
	}
	return use(p)
}

func provider(db *stdsql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "postgres/migrations")
	if err != nil {
		return nil, fmt.Errorf("opening the migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("making the migrations' lock: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithSessionLocker(locker), goose.WithGoMigrations(riverMigration()))
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return p, nil
}

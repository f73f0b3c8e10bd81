package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"log/slog"

	"github.com/pressly/goose/v3"
	// Jobs: taken in with the write that asks for them, tried again, cancelled, seen by SELECT. The
	// one queue for Go that lives in Postgres, brings its own tables and is looked after.
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
)

const (
	// riverSchema holds the tables of jobs. It is in no publication.
	riverSchema = "river"
	// riverVersion is of River's own migrations: a newer River gets another of ours, with its number.
	riverVersion = 8
)

// riverMigration makes the tables of jobs as River wants them. River adds a value to a type and uses it,
// which Postgres before 17 refuses inside one transaction: so there are several, and what was broken
// off between them goes on from there.
func riverMigration() *goose.Migration {
	m := goose.NewGoMigration(18, &goose.GoFunc{RunDB: riverUp}, &goose.GoFunc{RunDB: riverDown})
	m.Source = "00018_river.go"
	return m
}

func riverUp(ctx context.Context, db *stdsql.DB) error {
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+riverSchema); err != nil {
		return fmt.Errorf("making the schema of jobs: %w", err)
	}
	if err := migrateRiver(ctx, db, rivermigrate.DirectionUp, riverVersion); err != nil {
		return err
	}
	const pending = "CREATE INDEX IF NOT EXISTS reports_job ON reports (job_id) WHERE state IN ('queued', 'processing')"
	if _, err := db.ExecContext(ctx, pending); err != nil {
		return fmt.Errorf("making the index of pending reports: %w", err)
	}
	return announceSchema(ctx, db)
}

func riverDown(ctx context.Context, db *stdsql.DB) error {
	if _, err := db.ExecContext(ctx, "DROP INDEX IF EXISTS reports_job"); err != nil {
		return fmt.Errorf("dropping the index of pending reports: %w", err)
	}
	if err := migrateRiver(ctx, db, rivermigrate.DirectionDown, -1); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+riverSchema); err != nil {
		return fmt.Errorf("dropping the schema of jobs: %w", err)
	}
	return announceSchema(ctx, db)
}

func migrateRiver(ctx context.Context, db *stdsql.DB, direction rivermigrate.Direction, version int) error {
	m, err := rivermigrate.New(riverdatabasesql.New(db), &rivermigrate.Config{
		Schema: riverSchema, Logger: slog.New(slog.DiscardHandler), // what migrates says so itself
	})
	if err != nil {
		return fmt.Errorf("reading the migrations of jobs: %w", err)
	}
	if _, err := m.Migrate(ctx, direction, &rivermigrate.MigrateOpts{TargetVersion: version}); err != nil {
		return fmt.Errorf("migrating the tables of jobs: %w", err)
	}
	return nil
}

// announceSchema is once enough: no statement touched what is published.
func announceSchema(ctx context.Context, db *stdsql.DB) error {
	if _, err := db.ExecContext(ctx, "SELECT outpost.schema_changed()"); err != nil {
		return fmt.Errorf("announcing the schema: %w", err)
	}
	return nil
}

package seed

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/server/auth"
)

func run(ctx context.Context, conn *pgx.Conn, catalogue Catalogue, o Options) error {
	started := time.Now()
	p := newProgress(o)
	done, err := fillOnce(ctx, conn, catalogue, o, p)
	if err != nil || !done {
		return err
	}
	o.Log.Info("demo data is in", "size", o.Size, "seed", o.Seed, "users", o.Size.Users(), "rows", p.rows,
		"took_ms", time.Since(started).Milliseconds())
	return nil
}

// fillOnce makes the demo, if none is there, and tells meanwhile how far it is.
func fillOnce(ctx context.Context, conn *pgx.Conn, catalogue Catalogue, o Options, p *progress) (done bool, err error) {
	defer p.tell(o.every)()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		there, err := seeded(ctx, tx, o)
		if err != nil || there {
			return err
		}
		done = true
		if _, err := tx.Exec(ctx, "SET LOCAL outpost.audit = 'off'; SET LOCAL outpost.assign = 'off'"); err != nil { // nobody did anything
			return fmt.Errorf("switching the audit log and assignments off: %w", err)
		}
		if o.PasswordHash == "" {
			if o.PasswordHash, err = auth.NewPasswords(1).Hash(ctx, Password); err != nil {
				return fmt.Errorf("hashing the password: %w", err)
			}
		}
		return loadTables(ctx, tx, newWorld(tx, catalogue, o), o, p)
	})
	if err != nil || !done {
		return false, err
	}
	return true, tidy(ctx, conn, o, p)
}

// loadTables makes all rows. Except for a small demo, where making indexes and constraints again takes
// longer than having them, these are made when all rows are in: Postgres then takes half the time.
func loadTables(ctx context.Context, tx pgx.Tx, w *world, o Options, p *progress) error {
	var later postponed
	if o.Size != Small || o.postpone {
		p.begin("waiting for nobody to use the tables", "")
		var err error
		if later, err = postpone(ctx, tx); err != nil {
			return err
		}
	}
	p.begin(copying, "")
	w.copied = p.copied
	if err := w.load(ctx, w.fill); err != nil {
		return err
	}
	if err := later.restore(ctx, tx, p.begin); err != nil {
		return err
	}
	return w.advanceSequences(ctx)
}

// tidy gives the planner statistics: it would otherwise plan for empty tables until autovacuum
// comes by. VACUUM, which autovacuum would do slowly while people already look around, marks rows
// and pages as visible to all: without that no query is answered from an index alone, and
// whoever reads a row first writes it too.
func tidy(ctx context.Context, conn *pgx.Conn, o Options, p *progress) error {
	command := "ANALYZE "
	if o.Size != Small {
		command = "VACUUM (ANALYZE) "
	}
	for _, t := range tables() {
		p.begin("tidying up", t.name)
		if _, err := conn.Exec(ctx, command+t.name); err != nil {
			return fmt.Errorf("the demo data is in, but not all statistics: run VACUUM (ANALYZE): %s: %w", t.name, err)
		}
	}
	return nil
}

// seeded tells whether the demo is there. Of two runs at once the second waits for the first,
// and then finds it.
func seeded(ctx context.Context, tx pgx.Tx, o Options) (bool, error) {
	const lock = 0x6f7574706f7374 // "outpost"
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lock)); err != nil {
		return false, fmt.Errorf("waiting for another run: %w", err)
	}
	var rows, demo bool
	var users int
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM companies) OR EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM courses),
			EXISTS (SELECT FROM users WHERE id = 1 AND email = 'admin@example.com' AND role = 'platform_admin'),
			(SELECT count(*) FROM users WHERE email ~ '^user[0-9]+@example\.com$')`).Scan(&rows, &demo, &users)
	switch {
	case err != nil:
		return false, fmt.Errorf("looking for demo data (are the migrations done?): %w", err)
	case !rows:
		return false, nil
	case !demo:
		return false, ErrForeignData
	case users != o.Size.Users():
		o.Log.Warn("demo data of another size is there already and stays; for this size use an empty database",
			"size", o.Size, "users", users)
	}
	return true, nil
}

package source

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// longest is how long a check may take.
const longest = 3 * time.Second

// Check finds out, within three seconds, whether a source can be replicated from. Its
// error is one line that says what is wrong and what to do about it, and holds no secret.
func Check(ctx context.Context, c Config) error {
	s := New(c)
	return s.check(ctx, s.checkServer, s.checkSlot, s.checkRole, s.checkPublication)
}

// CheckServer is Check for whoever has no publication yet.
func CheckServer(ctx context.Context, c Config) error {
	s := New(c)
	return s.check(ctx, s.checkServer, s.checkSlot, s.checkRole)
}

func (s *Source) check(ctx context.Context, checks ...func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn.PgConn())
	for _, check := range checks {
		if err := check(ctx, conn); err != nil {
			if ctx.Err() != nil && !errors.As(err, new(*connectError)) {
				return fmt.Errorf("Postgres let us in but did not answer within %s: see what it is busy with (pg_stat_activity)", longest)
			}
			return err
		}
	}
	return nil
}

// Reach says in one line why the Postgres at url cannot be connected to, within 3 seconds; nil
// when it can. Unlike Check it asks for nothing that replication needs.
func Reach(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	c, err := pgconn.ParseConfig(url)
	if err != nil {
		return errURL
	}
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return explain(ctx, c, err)
	}
	closeConn(ctx, conn)
	return nil
}

func (s *Source) checkServer(ctx context.Context, conn *pgx.Conn) error {
	const query = `SELECT current_setting('server_version_num')::int, current_setting('server_version'),
		current_setting('wal_level'), pg_is_in_recovery(), current_setting('max_wal_senders')::int`
	var number, senders int
	var version, level string
	var standby bool
	if err := conn.QueryRow(ctx, query).Scan(&number, &version, &level, &standby, &senders); err != nil {
		return fmt.Errorf("asking Postgres for its settings: %w", err)
	}
	switch {
	case number < Oldest*10000:
		return fmt.Errorf("Postgres is version %s: upgrade it to %d or newer", version, Oldest)
	case standby:
		return errors.New("Postgres is a standby: connect to its primary")
	case level != "logical":
		return fmt.Errorf("Postgres runs with wal_level=%s: ALTER SYSTEM SET wal_level = logical, and restart it", level)
	case senders == 0:
		return errors.New("Postgres runs with max_wal_senders=0: ALTER SYSTEM SET max_wal_senders = 10, and restart it")
	}
	return nil
}

func (s *Source) checkSlot(ctx context.Context, conn *pgx.Conn) error {
	slot, err := s.slot(ctx, conn)
	if err != nil {
		return err
	}
	if slot.Exists {
		database := conn.Config().Database
		if slot.Plugin != "pgoutput" || slot.Database != database {
			return fmt.Errorf("replication slot %s exists but is not ours (plugin %q, database %q): choose another name, or drop it with SELECT pg_drop_replication_slot('%s')",
				s.Config.Slot, slot.Plugin, slot.Database, s.Config.Slot)
		}
		return nil
	}
	const query = "SELECT current_setting('max_replication_slots')::int, (SELECT count(*) FROM pg_replication_slots)"
	var most, used int
	if err := conn.QueryRow(ctx, query).Scan(&most, &used); err != nil {
		return fmt.Errorf("counting replication slots: %w", err)
	}
	if used >= most {
		return fmt.Errorf("Postgres has no replication slot left (%d of %d are used): drop one that is not needed, or raise max_replication_slots and restart it",
			used, most)
	}
	return nil
}

// checkRole tries it out: besides the attribute there are managed services' own
// roles, and pg_hba.conf.
func (s *Source) checkRole(ctx context.Context, _ *pgx.Conn) error {
	conn, err := s.connectReplication(ctx, s.lockTimeout)
	if err != nil {
		return fmt.Errorf("a replication connection: %w", err)
	}
	closeConn(ctx, conn)
	return nil
}

func (s *Source) checkPublication(ctx context.Context, conn *pgx.Conn) error {
	name := pgx.Identifier{s.Publication}.Sanitize()
	if err := s.publishesAll(ctx, conn); err != nil {
		return err
	}
	found, err := s.replicable(ctx, conn)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("publication %s has no tables: ALTER PUBLICATION %s ADD TABLE …", name, name)
	}
	return nil
}

// publishesAll says what to do about a publication that is not there, or leaves out a
// kind of change.
func (s *Source) publishesAll(ctx context.Context, conn *pgx.Conn) error {
	const query = "SELECT pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication WHERE pubname = $1"
	kinds := []string{"insert", "update", "delete", "truncate"}
	var sent [4]bool
	name := pgx.Identifier{s.Publication}.Sanitize()
	err := conn.QueryRow(ctx, query, s.Publication).Scan(&sent[0], &sent[1], &sent[2], &sent[3])
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("publication %s %w in database %s: run the migrations, or CREATE PUBLICATION %s FOR TABLE …",
			strconv.Quote(s.Publication), ErrNoPublication, strconv.Quote(conn.Config().Database), name)
	}
	if err != nil {
		return fmt.Errorf("looking for publication %s: %w", s.Publication, err)
	}
	for i, kind := range kinds {
		if !sent[i] {
			return fmt.Errorf("publication %s %w %s: ALTER PUBLICATION %s SET (publish = '%s')", name, ErrPartial, kind, name, strings.Join(kinds, ", "))
		}
	}
	return nil
}

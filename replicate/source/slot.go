package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"outpost/replicate/change"
)

// Codes that Postgres answers with.
const (
	codeExists    = "42710"
	codeUndefined = "42704"
	codeInUse     = "55006"
	codeLocked    = "55P03"
	codeDeadlock  = "40P01"
	codeGone      = "42P01"
	codeNoTable   = "42809"
	codeForbidden = "42501"
	codeNoSchema  = "3F000"
	codeNoRoutine = "42883"
)

// patience is how long a predecessor may take to let go of the slot.
const patience = 15 * time.Second

// Slot is the state of the replication slot.
type Slot struct {
	Exists    bool
	Active    bool // somebody streams from it
	ActivePID int
	// Confirmed is where a stream starts at the earliest; Restart is the oldest WAL
	// that Postgres keeps for it.
	Confirmed, Restart change.LSN
	WALStatus          string // reserved, extended, unreserved or lost
	RetainedBytes      int64  // WAL kept for it
	LimitBytes         int64  // of WAL that Postgres keeps for any slot; 0: as much as the disk takes
	Plugin, Database   string
}

// Slot reads the slot's state. A slot that does not exist is no error.
func (s *Source) Slot(ctx context.Context) (Slot, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return Slot{}, err
	}
	defer closeConn(ctx, conn.PgConn())
	return s.slot(ctx, conn)
}

func (s *Source) slot(ctx context.Context, conn *pgx.Conn) (Slot, error) {
	const query = `
		SELECT active, coalesce(active_pid, 0), coalesce(confirmed_flush_lsn, '0/0')::text, coalesce(restart_lsn, '0/0')::text,
			coalesce(wal_status, ''), coalesce(plugin, ''), coalesce(database, ''),
			coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
				restart_lsn), 0)::bigint,
			coalesce((SELECT greatest(setting::bigint, 0) << 20 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'), 0)
		FROM pg_replication_slots WHERE slot_name = $1`
	slot := Slot{Exists: true}
	var confirmed, restart string
	err := conn.QueryRow(ctx, query, s.Config.Slot).Scan(&slot.Active, &slot.ActivePID, &confirmed, &restart,
		&slot.WALStatus, &slot.Plugin, &slot.Database, &slot.RetainedBytes, &slot.LimitBytes)
	if errors.Is(err, pgx.ErrNoRows) {
		return Slot{}, nil
	}
	if err == nil {
		slot.Confirmed, err = change.ParseLSN(confirmed)
	}
	if err == nil {
		slot.Restart, err = change.ParseLSN(restart)
	}
	if err != nil {
		return Slot{}, fmt.Errorf("reading slot %s: %w", s.Config.Slot, err)
	}
	return slot, nil
}

// DropSlot removes the slot, and first ends whoever streams from it. It returns when
// the slot is gone; one that does not exist is no error.
func (s *Source) DropSlot(ctx context.Context) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn.PgConn())
	err = s.insist(ctx, func(ctx context.Context) error {
		if err := s.endPredecessor(ctx, conn); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "SELECT pg_drop_replication_slot($1)", s.Config.Slot)
		return err
	})
	if err != nil && code(err) != codeUndefined {
		return fmt.Errorf("dropping slot %s: %w", s.Config.Slot, err)
	}
	return nil
}

// endPredecessor ends the process that holds the slot, if there is one. It may be a
// connection whose other end died without a word.
func (s *Source) endPredecessor(ctx context.Context, conn *pgx.Conn) error {
	const query = `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL`
	if _, err := conn.Exec(ctx, query, s.Config.Slot); err != nil {
		return fmt.Errorf("ending the process that holds it: %w", err)
	}
	return nil
}

// insist does something with the slot, again and again while somebody holds it.
func (s *Source) insist(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := do(ctx)
		if code(err) != codeInUse {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// created is a new slot. Its snapshot lives until the next command on its connection.
type created struct {
	conn     *pgconn.PgConn
	snapshot string
	lsn      change.LSN
}

// createSlot makes the slot and exports the snapshot of the instant at which it begins.
// It waits for every transaction of the server that has written.
func (s *Source) createSlot(ctx context.Context) (c created, err error) {
	if c.conn, err = s.connectReplication(ctx, s.lockTimeout); err != nil {
		return created{}, err
	}
	defer func() {
		if err != nil {
			closeConn(ctx, c.conn)
		}
	}()
	name := pgx.Identifier{s.Config.Slot}.Sanitize()
	answer, err := pglogrepl.ParseCreateReplicationSlot(
		c.conn.Exec(ctx, "CREATE_REPLICATION_SLOT "+name+" LOGICAL pgoutput (SNAPSHOT 'export')"))
	switch {
	case code(err) == codeLocked:
		return c, fmt.Errorf("creating slot %s: %s still ran after %s, and the slot can only begin when it has ended: end it: %w",
			s.Config.Slot, s.blocker(ctx, oldestWriter), s.lockTimeout, err)
	case err != nil:
		return c, fmt.Errorf("creating slot %s: %w", s.Config.Slot, err)
	}
	c.snapshot = answer.SnapshotName
	if c.lsn, err = change.ParseLSN(answer.ConsistentPoint); err != nil {
		return c, fmt.Errorf("creating slot %s: %w", s.Config.Slot, err)
	}
	return c, nil
}

// Who stands in the way; each gives one line of text.
const (
	oldestWriter = `
		SELECT format('transaction %s (process %s, user %s, %s, since %s)', backend_xid, pid, usename, state, xact_start)
		FROM (SELECT backend_xid::text, pid, usename, state, xact_start FROM pg_stat_activity
		      WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
		    UNION ALL
		      SELECT transaction::text, NULL, owner, 'prepared as ' || quote_literal(gid), prepared FROM pg_prepared_xacts) AS open
		ORDER BY xact_start LIMIT 1`
	lockHolder = `
		SELECT format('process %s (user %s, %s, since %s), which holds table %s', a.pid, a.usename, a.state, a.xact_start, l.relation::regclass)
		FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.relation IS NOT NULL
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		ORDER BY a.xact_start LIMIT 1`
)

// blocker names who is in the way now, after waiting for it was given up.
func (s *Source) blocker(ctx context.Context, query string) string {
	const unknown = "another transaction"
	conn, err := s.connect(ctx)
	if err != nil {
		return unknown
	}
	defer closeConn(ctx, conn.PgConn())
	var text string
	if err := conn.QueryRow(ctx, query).Scan(&text); err != nil {
		return unknown
	}
	return text
}

// code gives Postgres' error code, "" for other errors.
func code(err error) string {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		return e.Code
	}
	return ""
}

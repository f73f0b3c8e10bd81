package source

import (
	"context"
	"crypto/sha256"
	_ "embed" // the scripts
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed tracking.sql
var trackingSQL string

//go:embed triggers.sql
var triggersSQL string

// trackingLock is taken by whoever installs the tracking: two at once would fail.
const trackingLock = 0x6f757470

// Track sees to it that changes of the schema are announced in the stream, by functions
// and event triggers in the database's schema outpost; tracking.sql tells how. Where
// this role may not make them, the answer says so and what would help: then a change
// that nobody announces is followed by a new copy instead of in place.
func (s *Source) Track(ctx context.Context) (untracked string, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return "", err
	}
	defer closeConn(ctx, conn.PgConn())
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(trackingLock)); err != nil {
			return err
		}
		stranger, err := stranger(ctx, tx)
		if err != nil {
			return err
		}
		if stranger != "" {
			untracked = fmt.Sprintf("the schema outpost, or something in it, belongs to role %s, who could make others run what it likes by event triggers: "+
				"call outpost.schema_changed() after each statement that alters a table, or DROP SCHEMA outpost CASCADE and run outpost as a superuser once", stranger)
			return nil
		}
		if err := installTracking(ctx, tx); err != nil {
			return err
		}
		untracked, err = installTriggers(ctx, tx)
		return err
	})
	if code(err) == codeForbidden {
		return "this role may not make the schema outpost: GRANT CREATE ON DATABASE, or let a superuser run outpost once", nil
	}
	if err != nil {
		return "", fmt.Errorf("installing what announces changes of the schema: %w", err)
	}
	return untracked, nil
}

// stranger is a role, neither this one nor a superuser, that owns what is to be installed:
// to replace a function leaves it to its owner, and whoever alters a table would run it.
func stranger(ctx context.Context, tx pgx.Tx) (name string, err error) {
	const query = `SELECT coalesce(min(r.rolname), '') FROM (
			SELECT nspowner FROM pg_namespace WHERE nspname = 'outpost'
			UNION SELECT proowner FROM pg_proc WHERE pronamespace = to_regnamespace('outpost')
			UNION SELECT relowner FROM pg_class WHERE relnamespace = to_regnamespace('outpost')
		) AS owner (oid) JOIN pg_roles r USING (oid)
		WHERE NOT r.rolsuper AND r.rolname <> current_user`
	err = tx.QueryRow(ctx, query).Scan(&name)
	return name, err
}

func installTracking(ctx context.Context, tx pgx.Tx) error {
	script := strings.Replace(trackingSQL, "{{catalogue}}", asking(catalogueSQL, "complete OR c.oid = ANY (changed)"), 1)
	sum := sha256.Sum256([]byte(script))
	stamp := "what announces changes of the schema to replicas; version " + hex.EncodeToString(sum[:8])
	var have string
	const query = "SELECT coalesce((SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'outpost'), '')"
	if err := tx.QueryRow(ctx, query).Scan(&have); err != nil || have == stamp {
		return err
	}
	_, err := tx.Exec(ctx, script+"\nCOMMENT ON SCHEMA outpost IS '"+stamp+"'", pgx.QueryExecModeSimpleProtocol)
	return err
}

// installTriggers says why there are none.
func installTriggers(ctx context.Context, tx pgx.Tx) (untracked string, err error) {
	const query = `SELECT count(*) = 2 FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid
		WHERE evtname IN ('outpost_ddl', 'outpost_drop') AND evtenabled = 'A' AND p.pronamespace = to_regnamespace('outpost')`
	var there bool
	if err := tx.QueryRow(ctx, query).Scan(&there); err != nil || there {
		return "", err
	}
	nested, err := tx.Begin(ctx)
	if err != nil {
		return "", err
	}
	_, err = nested.Exec(ctx, triggersSQL, pgx.QueryExecModeSimpleProtocol)
	if err == nil {
		return "", nested.Commit(ctx)
	}
	if code(err) != codeForbidden {
		return "", errors.Join(err, nested.Rollback(ctx))
	}
	return "only a superuser may make event triggers: let one run outpost once, or call outpost.schema_changed() after each statement that alters a table",
		nested.Rollback(ctx)
}

// Untrack removes what Track made, unless another logical slot of this database may
// need it.
func (s *Source) Untrack(ctx context.Context) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn.PgConn())
	var needed bool
	const query = "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE database = current_database() AND slot_name <> $1)"
	if err := conn.QueryRow(ctx, query, s.Config.Slot).Scan(&needed); err != nil {
		return fmt.Errorf("looking for other replication slots: %w", err)
	}
	if needed {
		return nil
	}
	const drop = `DROP EVENT TRIGGER IF EXISTS outpost_ddl; DROP EVENT TRIGGER IF EXISTS outpost_drop; DROP SCHEMA IF EXISTS outpost CASCADE`
	_, err = conn.Exec(ctx, drop, pgx.QueryExecModeSimpleProtocol)
	if code(err) == codeForbidden {
		return nil // a superuser made it for us, and did not ask us to take it away
	}
	if err != nil {
		return fmt.Errorf("removing what announces changes of the schema: %w", err)
	}
	return nil
}

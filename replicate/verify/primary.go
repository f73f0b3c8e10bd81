package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"outpost/replicate/change"
	"outpost/replicate/source"
)

// primary is a connection to Postgres. Each of its statements is a transaction of its
// own; parameters and results are text.
type primary struct{ conn *pgx.Conn }

// session makes statements that read a page cheap to plan and sure to be only that, and
// lets row security end a comparison that it would falsify.
const session = `SET default_transaction_read_only = on; SET row_security = off;
	SET jit = off; SET max_parallel_workers_per_gather = 0`

func connect(ctx context.Context, url string) (*primary, error) {
	conn, err := source.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	p := &primary{conn}
	if _, err := conn.PgConn().Exec(ctx, session).ReadAll(); err != nil {
		p.close(ctx)
		return nil, fmt.Errorf("preparing the connection to Postgres: %w", err)
	}
	return p, nil
}

func (p *primary) close(ctx context.Context) { source.Disconnect(ctx, p.conn) }

// query hands over each row. Its values are good during the call only.
func (p *primary) query(ctx context.Context, sql string, args [][]byte, row func(values [][]byte) error) error {
	result := p.conn.PgConn().ExecParams(ctx, sql, args, nil, nil, nil)
	var failed error
	for failed == nil && result.NextRow() {
		failed = row(result.Values())
	}
	if _, err := result.Close(); err != nil {
		return err
	}
	return failed
}

// value asks for one row of one value; ok is false where there is no row, or NULL.
func (p *primary) value(ctx context.Context, sql string, args ...string) (text string, ok bool, err error) {
	err = p.query(ctx, sql, texts(args), func(values [][]byte) error {
		text, ok = string(values[0]), values[0] != nil
		return nil
	})
	return text, ok, err
}

// position is one that everything is behind which a statement before it could see.
func (p *primary) position(ctx context.Context) (change.LSN, error) {
	const query = `SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
		current_setting('wal_block_size'), pg_size_bytes(current_setting('wal_segment_size'))`
	var numbers [3]change.LSN
	err := p.query(ctx, query, nil, func(values [][]byte) error {
		for i, v := range values {
			n, err := strconv.ParseUint(string(v), 10, 64)
			if err != nil {
				return err
			}
			numbers[i] = change.LSN(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("asking Postgres for its position: %w", err)
	}
	return change.RecordEnd(numbers[0], numbers[1], numbers[2]), nil
}

// overtaken waits a little until every transaction is over that had begun when it was
// called. A commit is in the WAL, and may be in the replica, an instant before the primary
// shows it, or long before, where it waits for a synchronous standby: synchronous says
// whether there may be one.
func (p *primary) overtaken(ctx context.Context) (over, synchronous bool, err error) {
	// A snapshot would not do: it does not name the newest of the transactions that run.
	const query = `SELECT string_agg(transactionid::text, ' '), current_setting('synchronous_standby_names') <> ''
		FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted`
	var begun []string
	for attempt := range 6 {
		var running []string
		err := p.query(ctx, query, nil, func(values [][]byte) error {
			running, synchronous = strings.Fields(string(values[0])), string(values[1]) == "t"
			return nil
		})
		if err != nil {
			return false, false, fmt.Errorf("asking Postgres for its transactions: %w", err)
		}
		if attempt == 0 {
			begun = running
		}
		if !slices.ContainsFunc(begun, func(xid string) bool { return slices.Contains(running, xid) }) {
			return true, synchronous, nil
		}
		if !sleep(ctx, time.Millisecond<<attempt) {
			return false, false, ctx.Err()
		}
	}
	return false, synchronous, nil
}

// system is the identifier given at initdb; 0 where this role may not ask for it.
func (p *primary) system(ctx context.Context) (uint64, error) {
	text, _, err := p.value(ctx, "SELECT system_identifier FROM pg_control_system()")
	if code(err) == "42501" {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("asking Postgres who it is: %w", err)
	}
	// It is 64 bits without a sign, in a type that has one.
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("asking Postgres who it is: %w", err)
	}
	return uint64(n), nil
}

// code is Postgres' code of an error, "" if it has none.
func code(err error) string {
	if refusal := (*pgconn.PgError)(nil); errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// altered says whether a statement failed because its table was altered, or is being.
func altered(err error) bool {
	switch code(err) {
	case "42P01", "42703", "42704", "42883", "42P22", "42804", "42809", "55P03", "XX000", "0A000":
		return true
	}
	return false
}

// impossible says whether a value that was passed is none of its type.
func impossible(err error) bool {
	c := code(err)
	return len(c) == 5 && c[:2] == "22"
}

func texts(args []string) [][]byte {
	out := make([][]byte, len(args))
	for i, a := range args {
		out[i] = []byte(a)
	}
	return out
}

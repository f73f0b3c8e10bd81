package primary

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
)

// position asks where the next record of the log will be, and for the sizes that tell where the
// last one ends. It is no file of sql/postgres/queries because it also travels behind a COMMIT.
const position = `SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint,
	current_setting('wal_block_size')::bigint, pg_size_bytes(current_setting('wal_segment_size'))::bigint`

// WALInsert gives Postgres' newest position: no commit is beyond it, so no client can have one
// that is.
func (p *Primary) WALInsert(ctx context.Context) (lsn change.LSN, err error) {
	err = p.with(ctx, "asking for Postgres' position", func(conn *pgxpool.Conn) error {
		lsn, err = p.walInsert(ctx, conn)
		return err
	})
	return lsn, err
}

func (p *Primary) walInsert(ctx context.Context, conn *pgxpool.Conn) (change.LSN, error) {
	results, err := p.simple(ctx, conn, "wal_insert", position)
	if err != nil {
		return 0, err
	}
	return readPosition(results[0])
}

// commit ends the transaction and asks for the position behind it, in one message.
func (p *Primary) commit(ctx context.Context, conn *pgxpool.Conn) (change.LSN, error) {
	results, err := p.simple(ctx, conn, "commit", "COMMIT; "+position)
	switch {
	case err != nil:
		return 0, err
	case results[0].CommandTag.String() != "COMMIT": // of a transaction that had failed
		return 0, pgx.ErrTxCommitRollback
	}
	return readPosition(results[1])
}

// simple sends statements in one message, past pgx's tracer.
func (p *Primary) simple(ctx context.Context, conn *pgxpool.Conn, name, statements string) ([]*pgconn.Result, error) {
	began := time.Now()
	results, err := conn.Conn().PgConn().Exec(ctx, statements).ReadAll()
	p.ran(ctx, name, statements, time.Since(began))
	return results, err
}

func readPosition(r *pgconn.Result) (change.LSN, error) {
	if len(r.Rows) != 1 || len(r.Rows[0]) != 3 {
		return 0, fmt.Errorf("asking for the position: Postgres answered %d rows", len(r.Rows))
	}
	var numbers [3]change.LSN
	for i, text := range r.Rows[0] {
		n, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("asking for the position: %w", err)
		}
		numbers[i] = change.LSN(n)
	}
	return change.RecordEnd(numbers[0], numbers[1], numbers[2]), nil
}

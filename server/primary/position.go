package primary

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
)

// WALInsert gives Postgres' newest position: no commit is beyond it, so no client can have one
// that is.
func (p *Primary) WALInsert(ctx context.Context) (lsn change.LSN, err error) {
	err = p.with(ctx, "asking for Postgres' position", func(conn *pgxpool.Conn) error {
		lsn, err = walInsert(ctx, pgsql.New(conn))
		return err
	})
	return lsn, err
}

func walInsert(ctx context.Context, q *pgsql.Queries) (change.LSN, error) {
	row, err := q.WALInsert(ctx)
	if err != nil {
		return 0, err
	}
	return change.RecordEnd(change.LSN(row.Lsn), change.LSN(row.BlockSize), change.LSN(row.SegmentSize)), nil
}

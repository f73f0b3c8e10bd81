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
	return recordEnd(change.LSN(row.Lsn), change.LSN(row.BlockSize), change.LSN(row.SegmentSize)), nil
}

// The sizes of the header that begins each page of the log, and of the longer one on the first
// page of a segment.
const (
	pageHeader    = 24
	segmentHeader = 40
)

// recordEnd gives the end of the last record before the place where the next one will be
// inserted. The two differ where a record ends exactly with its page: the next one comes behind
// the following page's header, and the stream, which knows ends only, would not reach that place
// before the next record. No record ends inside a header.
func recordEnd(insert, block, segment change.LSN) change.LSN {
	header := change.LSN(pageHeader)
	if insert%segment < block {
		header = segmentHeader
	}
	if insert%block == header {
		return insert - header
	}
	return insert
}

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// far is the other end as its readers see it: a connection of another process to the
// subscriber, or to the file of a replica.
type far struct {
	db              *sql.DB
	max, one, after *sql.Stmt
}

func openFile(ctx context.Context, path string) (*far, error) {
	return openFar(ctx, "sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(1000)", "?")
}

func openSubscriber(ctx context.Context, url string) (*far, error) {
	return openFar(ctx, "pgx", url, "$1")
}

func openFar(ctx context.Context, driver, name, parameter string) (_ *far, err error) {
	f := new(far)
	if f.db, err = sql.Open(driver, name); err != nil {
		return nil, fmt.Errorf("opening the other end: %w", err)
	}
	f.db.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("opening the other end: %w", err), f.db.Close())
		}
	}()
	if f.max, err = f.db.PrepareContext(ctx, "SELECT coalesce(max(id), -1000) FROM bench"); err != nil {
		return nil, err
	}
	if f.one, err = f.db.PrepareContext(ctx, "SELECT count(*) FROM bench WHERE id = "+parameter); err != nil {
		return nil, err
	}
	f.after, err = f.db.PrepareContext(ctx, "SELECT id FROM bench WHERE id > "+parameter)
	return f, err
}

func (f *far) close() error { return f.db.Close() }

// newest gives the greatest id; of an empty table one below those of markers.
func (f *far) newest(ctx context.Context) (id int64, err error) {
	if err := f.max.QueryRowContext(ctx).Scan(&id); err != nil {
		return 0, fmt.Errorf("reading the other end: %w", err)
	}
	return id, nil
}

// arrive waits until a row is visible. It asks for just that one: Postgres would look
// through all the rows of a transaction that still runs for the greatest visible id.
func (f *far) arrive(ctx context.Context, id int64, pause time.Duration) error {
	return wait(ctx, pause, fmt.Sprintf("row %d is at the other end", id), func(ctx context.Context) (bool, error) {
		var visible int
		if err := f.one.QueryRowContext(ctx, id).Scan(&visible); err != nil {
			return false, fmt.Errorf("reading the other end: %w", err)
		}
		return visible == 1, nil
	})
}

// watch notes when each of the rows 1 to n is seen first. Rows may come in any order.
func (f *far) watch(ctx context.Context, n int64, pause time.Duration) ([]time.Time, error) {
	seen := make([]time.Time, n+1)
	low := int64(0) // all up to it were seen
	err := wait(ctx, pause, fmt.Sprintf("%d rows are at the other end", n), func(ctx context.Context) (bool, error) {
		ids, err := f.above(ctx, low)
		if err != nil {
			return false, err
		}
		now := time.Now()
		for _, id := range ids {
			if id <= n && seen[id].IsZero() {
				seen[id] = now
			}
		}
		for low < n && !seen[low+1].IsZero() {
			low++
		}
		return low == n, nil
	})
	return seen, err
}

func (f *far) above(ctx context.Context, low int64) (ids []int64, err error) {
	rows, err := f.after.QueryContext(ctx, low)
	if err != nil {
		return nil, fmt.Errorf("reading the other end: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("reading the other end: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

package source

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Copied is how far a copy has come.
type Copied struct {
	Began  time.Time
	Took   time.Duration // so far
	Tables []TableCopied // in the order of their names
}

// TableCopied is how far a copy has come with one table.
type TableCopied struct {
	Schema, Name string
	// Rows and Bytes are what was handed over; bytes of COPY's text.
	Rows, Bytes int64
	// OfRows is what Postgres believes the table to hold, -1 where it has never counted;
	// OfBytes is what it takes on disk, which is not what its text takes.
	OfRows, OfBytes int64
	Running, Done   bool
}

// Part is how much of the table is done, from 0 to 1, as far as one can tell.
func (t *TableCopied) Part() float64 {
	switch {
	case t.Done:
		return 1
	case t.OfRows > 0:
		return min(float64(t.Rows)/float64(t.OfRows), 0.99)
	case t.OfBytes > 0:
		return min(float64(t.Bytes)/float64(t.OfBytes), 0.99)
	}
	return 0
}

// Rows is how many were handed over.
func (c *Copied) Rows() (n int64) {
	for i := range c.Tables {
		n += c.Tables[i].Rows
	}
	return n
}

// Bytes is how much text was handed over.
func (c *Copied) Bytes() (n int64) {
	for i := range c.Tables {
		n += c.Tables[i].Bytes
	}
	return n
}

// Done is how many tables are.
func (c *Copied) Done() (n int) {
	for i := range c.Tables {
		if c.Tables[i].Done {
			n++
		}
	}
	return n
}

// PerSecond is how many bytes were handed over each second.
func (c *Copied) PerSecond() int64 {
	if c.Took <= 0 {
		return 0
	}
	return int64(float64(c.Bytes()) / c.Took.Seconds())
}

// Part is how much is done, from 0 to 1, each table counting as much as it takes on disk.
func (c *Copied) Part() float64 {
	var done, all float64
	for i := range c.Tables {
		weight := float64(c.Tables[i].OfBytes + 1)
		all += weight
		done += weight * c.Tables[i].Part()
	}
	if all == 0 {
		return 0
	}
	return done / all
}

// Left estimates how long it will take still, if there is enough to tell from.
func (c *Copied) Left() (time.Duration, bool) {
	part := c.Part()
	if part < 0.01 || c.Took < time.Second {
		return 0, false
	}
	return time.Duration(float64(c.Took) * (1 - part) / part).Round(time.Second), true
}

// copying counts while a copy runs.
type copying struct {
	mu     sync.Mutex
	began  time.Time
	tables []TableCopied
	index  map[uint32]int // by OID
}

// Copying tells how far the copy is that runs; false if none does.
func (s *Source) Copying() (Copied, bool) {
	c := s.copying.Load()
	if c == nil {
		return Copied{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return Copied{Began: c.began, Took: time.Since(c.began), Tables: append([]TableCopied(nil), c.tables...)}, true
}

// startCopying asks how much there is to copy.
func (s *Source) startCopying(ctx context.Context, conn *pgx.Conn, found []Published) (*copying, error) {
	// A partitioned table has neither rows nor files; its leaves have.
	const query = `
		SELECT t.oid::bigint, coalesce(sum(pg_table_size(leaf.oid)), 0)::bigint,
			CASE WHEN bool_or(leaf.reltuples < 0) THEN -1 ELSE coalesce(sum(leaf.reltuples), 0) END::bigint
		FROM unnest($1::oid[]) AS t(oid)
		JOIN LATERAL (SELECT relid AS oid FROM pg_partition_tree(t.oid) WHERE isleaf UNION SELECT t.oid) AS part ON true
		JOIN pg_class leaf ON leaf.oid = part.oid AND leaf.relkind <> 'p'
		GROUP BY t.oid`
	c := &copying{began: time.Now(), tables: make([]TableCopied, len(found)), index: make(map[uint32]int, len(found))}
	oids := make([]uint32, len(found))
	for i, p := range found {
		oids[i] = p.OID
		c.tables[i] = TableCopied{Schema: p.Schema, Name: p.Name, OfRows: -1}
		c.index[p.OID] = i
	}
	rows, err := conn.Query(ctx, query, oids)
	if err != nil {
		return nil, fmt.Errorf("asking how large the tables are: %w", err)
	}
	var oid, size, count int64
	_, err = pgx.ForEachRow(rows, []any{&oid, &size, &count}, func() error {
		t := &c.tables[c.index[uint32(oid)]]
		t.OfBytes, t.OfRows = size, count
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("asking how large the tables are: %w", err)
	}
	s.copying.Store(c)
	return c, nil
}

func (c *copying) started(oid uint32) { c.count(oid, func(t *TableCopied) { t.Running = true }) }

func (c *copying) finished(oid uint32) {
	c.count(oid, func(t *TableCopied) { t.Running, t.Done = false, true })
}

func (c *copying) count(oid uint32, how func(*TableCopied)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	how(&c.tables[c.index[oid]])
}

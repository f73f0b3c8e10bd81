package source

import (
	"testing"
	"time"

	"outpost/replicate/change"
)

func TestACopyTellsHowFarItIs(t *testing.T) {
	s, _ := database(t,
		"CREATE TABLE counted (id int PRIMARY KEY, filler text)",
		"INSERT INTO counted SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i", "ANALYZE counted",
		"CREATE TABLE uncounted (id int PRIMARY KEY) WITH (autovacuum_enabled = off)", "INSERT INTO uncounted SELECT generate_series(1, 100)",
		"CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)", "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000)",
		"INSERT INTO parts SELECT generate_series(1, 500)", "ANALYZE parts_1",
		"CREATE PUBLICATION outpost FOR TABLE counted, uncounted, parts WITH (publish_via_partition_root = true)")
	if _, ok := s.Copying(); ok {
		t.Error("a copy runs before it has begun")
	}
	var seen Copied
	_, err := s.Copy(t.Context(), func([]*change.Table) error { return nil }, func(*change.Table, change.Row) error {
		seen, _ = s.Copying()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Copying(); ok {
		t.Error("a copy still runs")
	}
	of := make(map[string]TableCopied)
	for _, table := range seen.Tables {
		of[table.Schema+"."+table.Name] = table
	}
	for name, rows := range map[string]int64{"public.counted": 5000, "public.uncounted": -1, "public.parts": 500} {
		if got := of[name]; got.OfRows != rows || got.OfBytes < 8192 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if n := seen.Rows(); n == 0 || n > 5600 || seen.Bytes() == 0 {
		t.Errorf("%d rows, %d bytes", n, seen.Bytes())
	}
}

func TestHowMuchOfACopyIsDone(t *testing.T) {
	c := Copied{Took: 10 * time.Second, Tables: []TableCopied{
		{Rows: 100, Bytes: 1000, OfRows: 100, OfBytes: 1 << 20, Done: true},
		{Rows: 50, Bytes: 9000, OfRows: 100, OfBytes: 3 << 20, Running: true},
	}}
	if part := c.Part(); part < 0.62 || part > 0.63 {
		t.Errorf("%f are done, want 5/8", part)
	}
	if left, ok := c.Left(); !ok || left != 6*time.Second {
		t.Errorf("%v are left", left)
	}
	if c.Rows() != 150 || c.Bytes() != 10000 || c.Done() != 1 || c.PerSecond() != 1000 {
		t.Errorf("%d rows, %d bytes, %d tables, %d bytes a second", c.Rows(), c.Bytes(), c.Done(), c.PerSecond())
	}
	more := TableCopied{Rows: 500, OfRows: 100}
	if part := more.Part(); part >= 1 {
		t.Errorf("a table with more rows than were counted is done: %f", part)
	}
	var nothing Copied
	if _, ok := nothing.Left(); ok || nothing.Part() != 0 {
		t.Error("nothing says how long it takes")
	}
}

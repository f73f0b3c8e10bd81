package primary

import (
	"encoding/binary"
	"log/slog"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/sql"
)

// TestAPositionIsTheEndOfItsCommit writes until some commits have ended exactly with a page, and
// compares each position with the end that the stream gives the same commit.
func TestAPositionIsTheEndOfItsCommit(t *testing.T) {
	// A cluster of one's own, with nothing else that writes while a commit and the question
	// for its position lie apart.
	url := pgtest.Cluster(t, "autovacuum=off", "checkpoint_timeout=1h", "max_wal_size=4GB", "bgwriter_lru_maxpages=0").URL("postgres")
	if err := sql.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), Config{URL: url, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	conn, err := p.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `SELECT pg_create_logical_replication_slot('positions', 'pgoutput')`); err != nil {
		t.Fatal(err)
	}
	var positions []change.LSN
	rounded := 0
	for n := 0; n < 2000 || rounded < 3 && n < 50_000; n++ {
		// Payloads of all sizes, so that records end everywhere in a page.
		_, err := conn.Exec(t.Context(), `SELECT pg_logical_emit_message(true, 'test', repeat('x', $1))`, n%256)
		if err != nil {
			t.Fatal(err)
		}
		lsn, err := p.walInsert(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		var raw, block, segment int64
		if err := conn.QueryRow(t.Context(), position).Scan(&raw, &block, &segment); err != nil {
			t.Fatal(err)
		}
		if lsn != change.LSN(raw) {
			rounded++
		}
		positions = append(positions, lsn)
	}
	if rounded < 3 {
		t.Fatalf("only %d of %d commits ended with a page", rounded, len(positions))
	}
	rows, err := conn.Query(t.Context(), `SELECT data FROM pg_logical_slot_get_binary_changes('positions', NULL, NULL,
		'proto_version', '1', 'publication_names', $1, 'messages', 'true')`, sql.Publication)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	commit, different := 0, 0
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			t.Fatal(err)
		}
		if data[0] != 'C' {
			continue
		}
		end := change.LSN(binary.BigEndian.Uint64(data[10:]))
		if positions[commit] < end {
			t.Fatalf("commit %d ends at %s, but its position is %s: a read would not see it", commit, end, positions[commit])
		}
		if positions[commit] != end {
			different++ // running transactions were noted in between, every 15 s
		}
		commit++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if commit != len(positions) {
		t.Errorf("%d commits came for %d writes", commit, len(positions))
	}
	if different > 10 {
		t.Errorf("%d of %d positions lie past the end of their commit", different, commit)
	}
	t.Logf("%d commits, %d ended with a page, %d with something behind", commit, rounded, different)
}

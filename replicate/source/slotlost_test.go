package source

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
)

// TestACopyWhoseSlotIsGoneIsGivenUp takes the slot away while rows are handed over.
func TestACopyWhoseSlotIsGoneIsGivenUp(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t, "max_slot_wal_keep_size=1MB", "min_wal_size=32MB", "max_wal_size=32MB")
	url := cluster.URL("postgres")
	const all = 20_000
	pgtest.Exec(t, url, people, publishAll, fmt.Sprintf("INSERT INTO people SELECT g, repeat(md5(g::text), 30) FROM generate_series(1, %d) g", all))
	for _, test := range []struct {
		name string
		lose func()
		want error
	}{
		{"invalidated", func() { pgtest.InvalidateSlots(t, url) }, ErrSlotLost},
		{"dropped", func() {
			pgtest.Exec(t, url, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
		}, ErrNoSlot},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := New(config(t, url))
			s.look = 50 * time.Millisecond
			rows := 0
			_, err := s.Copy(t.Context(), func([]*change.Table) error { return nil }, func(*change.Table, change.Row) error {
				if rows++; rows == 1 {
					test.lose()
					eventually(t, url, "SELECT clock_timestamp() > $1::timestamptz + interval '500 ms'", time.Now())
				}
				return nil
			})
			if !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
			if rows == all {
				t.Error("all rows were copied")
			}
			if slot, err := s.Slot(t.Context()); err != nil || slot.Exists {
				t.Errorf("left behind: %+v (%v)", slot, err)
			}
		})
	}
}

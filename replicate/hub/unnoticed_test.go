package hub

import (
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// TestPartitionEmptiedBehindTheWhole empties a partitioned table, fills it again, and then
// empties one partition, which the stream does not tell: all before the catalogue is
// looked at.
func TestPartitionEmptiedBehindTheWhole(t *testing.T) {
	t.Parallel()
	setup, _ := readSchemaMD(t)
	f := fixtureOf(t, pgtest.Database(t), setup...)
	f.start()
	f.equals("at the beginning")
	f.stop()
	f.exec("TRUNCATE parts")
	f.exec("INSERT INTO parts SELECT i, CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, 'again' FROM generate_series(1, 10) i")
	f.exec("TRUNCATE parts_eu")
	f.start()
	f.equals("after the hub was away")
}

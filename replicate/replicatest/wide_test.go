package replicatest

import (
	"fmt"
	"strings"
	"testing"
)

// column is a name as long as Postgres has them.
func column(i int) string { return fmt.Sprintf("c%04d%s", i, strings.Repeat("_", 58)) }

// The most columns that Postgres has; SQLite here has up to 2,000.
func TestWideTablesAreFollowed(t *testing.T) {
	const columns = 1600
	var definition, ones []string
	for i := 1; i < columns; i++ {
		kind := []string{"int", "text", "bool", "real", "date"}[i%5]
		definition = append(definition, fmt.Sprintf("%s %s", column(i), kind))
		ones = append(ones, "NULL")
	}
	// A row has to fit into a page of 8 KiB, so most of it is NULL.
	row := func(from int) string {
		values := append([]string(nil), ones...)
		for i := from; i < len(values); i += 7 {
			values[i] = []string{"7", "'t'", "true", "0.5", "'2026-11-23'"}[(i+1)%5]
		}
		return strings.Join(values, ", ")
	}
	f := database(t, publishAll,
		"CREATE TABLE keyed (id int PRIMARY KEY, "+strings.Join(definition, ", ")+")",
		"CREATE TABLE loose (id int, "+strings.Join(definition, ", ")+")", "ALTER TABLE loose REPLICA IDENTITY FULL",
		// More than one statement of the copy takes, and a rest.
		"INSERT INTO keyed SELECT g, "+row(0)+" FROM generate_series(1, 40) g",
		"INSERT INTO loose SELECT g, "+row(1)+" FROM generate_series(1, 40) g")
	f.EqualTables(t, "keyed", "loose")
	for _, table := range []string{"keyed", "loose"} {
		f.exec(t,
			"INSERT INTO "+table+" SELECT g, "+row(2)+" FROM generate_series(51, 70) g",
			"UPDATE "+table+" SET "+column(1)+" = 1, "+column(columns-1)+" = NULL WHERE id % 3 = 0",
			"UPDATE "+table+" SET id = id + 1000 WHERE id % 4 = 0",
			"DELETE FROM "+table+" WHERE id % 5 = 0")
	}
	f.EqualTables(t, "keyed", "loose")
}

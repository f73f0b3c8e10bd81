// Package replica keeps a set of Postgres tables in one SQLite file: it loads the
// first copy, applies the stream's messages, lets readers in and makes them wait for
// positions, and replaces or copies the whole file.
//
// What it guarantees:
//
//   - The file holds whole Postgres transactions in commit order. Rows, position and
//     stream sequence are committed together, so after a crash at any instant Open
//     finds exactly a committed State.
//   - Nothing diverges in silence. A gap in the chain, another generation, another
//     schema, a row that should be there and is not: each ends in ErrResync, with
//     nothing of it applied.
//   - A position is published after its commit, never before; the Observer hears of
//     every row, and of the commit, before SQLite commits.
//   - The write-ahead log is bounded; see Options.WALBytes. What was lost of it while no
//     process had the file is noticed when it is opened; see markSuffix.
//   - Files that somebody else removed, replaced or wrote to are noticed within seconds;
//     see watchInterval. From a file that is known to be damaged nothing is read.
//   - A disk that takes nothing changes nothing: ErrDisk, and what there is stays.
//
// It knows nothing of how messages arrive (follow does) nor of who reads (a node
// does). It is the only package that knows the SQLite driver.
//
// # Types
//
// Values survive exactly. What a column becomes follows from its change.Kind:
//
//	Postgres                 SQLite             stored as
//	int2, int4, int8, oid    INTEGER            integer
//	bool                     INTEGER            0 or 1
//	float4, float8           (no affinity)      REAL; 'NaN', '-0', 'Infinity', '-Infinity' as TEXT
//	bytea                    BLOB               the bytes
//	timestamptz              TEXT               2026-11-23T05:00:00.123456Z, always UTC and six digits
//	timestamp                TEXT               2026-11-23T05:00:00.123456
//	date                     TEXT               2026-11-23
//	all others               TEXT               Postgres' own text: numeric with all its digits, text,
//	                                            uuid, json, arrays, ranges, inet, enums, intervals, …
//
// ../TYPES.md has every type, with examples that a test proves.
//
// A single key column of integers is the INTEGER PRIMARY KEY; any other key is a
// PRIMARY KEY over the rowid table. A table without a key (REPLICA IDENTITY FULL) has
// none here either: its rows are found by all their columns. Columns that SQLite could
// not tell apart are renamed; see change.Table.SQLiteColumns.
//
// Triggers among the local objects may note changes of what is derived from rows, which the Observer is told
// before the commit: see Options.Touched.
//
// The tables _outpost_state, _outpost_tables and _outpost_objects are the replica's own.
package replica

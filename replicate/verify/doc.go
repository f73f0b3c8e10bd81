// Package verify compares a SQLite replica with its Postgres, row for row, while both
// keep moving. It takes no replication slot, no snapshot that outlives a statement, and
// no lock but that of a short SELECT; it changes nothing on either side.
//
// # Method
//
// Each row becomes a hash of all its replicated columns. Postgres computes it, so that
// wide rows do not travel; the replica's is computed here, out of what SQLite holds, by
// turning each value back into Postgres' text (floats: into their bits). What this
// package turns back it does by rules of its own, not by those that filled the replica.
//
// Postgres' order of a key is not SQLite's, so a table is walked twice. Forward: the
// primary's rows in the order of its key, page by page, each page looked up in the
// replica. A row that is missing there, or has another hash, is a candidate. Backward:
// the replica's rows by SQLite's row number, the keys of each page looked up in the
// primary. What is not there is a candidate.
//
// Under load most candidates are rows that just changed. So each is settled: the row is
// read on the primary, a position is taken after that, the replica is waited for until
// it has passed it, the replica's row is read, and the primary's once more. If the
// primary still has the same version of the row (the same transaction wrote it, in the
// same place), the replica ought to have shown it: a difference is real. If it has
// another, all of it is done again; a row that changes for ever is reported as not
// settled. A commit may be in the replica before the primary shows it, so the second look
// comes after the transactions that ran when the replica was read, or the difference must
// be found twice; where a synchronous standby is configured and they do not end, the row is
// not settled. Absence has no version: a row that only the replica has must be found so five
// times in a row, each with a later position.
//
// A table without a key is compared as a bag of row hashes: first as 65,536 sums, then
// hash by hash where sums differ. The primary is read by ranges of ctid, and a hash is
// settled like a row, over whole scans: the same versions must have it in two scans of
// the primary with one of the replica between, and the replica another number of rows,
// three times in a row with the same figures.
//
// # What a result means
//
// A difference that is reported without reservation is real, with two exceptions that
// need a workload made for them: a row that appears and disappears within milliseconds,
// five times in step with this package; and equal rows of a table without a key that do
// so three times. Report.Behind set means that the replica did not come up to the
// primary in time: then differences are shown as they are, with both positions.
//
// Equal means that every row that was there during the whole pass, and was left alone,
// is equal on both sides. A row that was written during the pass may have been compared
// before the write; the next pass sees it. It does not see a table that is published and
// missing from the replica, nor a column of that kind, unless Options.Publication is
// given; and it does not compare what is not replicated: indexes, defaults, sequences.
//
// Memory is bounded: a page of keys and hashes, a thousand candidates, a hundred
// differences listed per table, and one row of the replica at a time, of which no second
// copy is made.
package verify

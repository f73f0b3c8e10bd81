package change

// The sizes of the header that begins each page of the log, and of the longer one on the first
// page of a segment.
const (
	pageHeader    = 24
	segmentHeader = 40
)

// RecordEnd gives the end of the last record before the place where the next one will be
// inserted, as pg_current_wal_insert_lsn() tells it. The two differ where a record ends exactly
// with its page: the next one comes behind the following page's header, and the stream, which
// knows ends only, would not reach that place before the next record. No record ends inside a
// header. block and segment are wal_block_size and wal_segment_size.
func RecordEnd(insert, block, segment LSN) LSN {
	header := LSN(pageHeader)
	if insert%segment < block {
		header = segmentHeader
	}
	if insert%block == header {
		return insert - header
	}
	return insert
}

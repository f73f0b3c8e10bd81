-- name: WALInsert :one
SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS lsn,
    current_setting('wal_block_size')::bigint AS block_size,
    pg_size_bytes(current_setting('wal_segment_size'))::bigint AS segment_size;

-- One hash over everything about a publication ($1) that the stream does not tell
-- reliably: which tables and columns it holds, attribute numbers (a column dropped and
-- added again has another), types, replica identities, and the files the rows are in
-- (a rewritten table has another).
WITH published AS (
    SELECT c.*, n.nspname, p.attnames, p.rowfilter
    FROM pg_publication_tables p
    JOIN pg_namespace n ON n.nspname = p.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
    WHERE p.pubname = $1
), line AS (
    SELECT format('publication %s %s %s %s %s', pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot)
    FROM pg_publication
    WHERE pubname = $1
  UNION ALL
    SELECT format('table %s %I.%I %s %s %L', oid, nspname, relname, relkind, relreplident, rowfilter)
    FROM published
  UNION ALL
    SELECT format('column %s %s %I %s %s %L %s', c.oid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attgenerated,
                  a.attname = ANY (c.attnames))
    FROM published c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT format('key %s %s %s %s', i.indrelid, i.indisprimary, i.indisreplident, i.indkey)
    FROM published c
    JOIN pg_index i ON i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident)
  UNION ALL
    -- a partitioned table has no file of its own; its partitions have
    SELECT format('file %s %s', part.relid::oid, pg_relation_filenode(part.relid))
    FROM published c, LATERAL pg_partition_tree(c.oid) part
  UNION ALL
    SELECT format('file %s %s', c.oid, pg_relation_filenode(c.oid))
    FROM published c
    WHERE c.relkind = 'r'
)
SELECT encode(sha256(convert_to(coalesce(string_agg(format, E'\n' ORDER BY format COLLATE "C"), ''), 'UTF8')), 'hex')
FROM line

-- What a publication ($1) holds: one line for each column of each table, the columns
-- that are not sent included, because the replica identity may need them.
-- An index counts as a key only if it is one for every row at every moment.
WITH key AS (
    SELECT indrelid, indisprimary, indisreplident, indnkeyatts, indkey::int2[] AS columns
    FROM pg_index
    WHERE indisvalid AND indisunique AND indimmediate AND indpred IS NULL
)
SELECT
    c.oid,
    n.nspname,
    c.relname,
    c.relkind::text,
    c.relreplident::text,
    c.relpages,
    coalesce(p.rowfilter, ''),
    has_table_privilege(c.oid, 'SELECT'),
    coalesce(a.attnum, 0),
    coalesce(a.attname, ''),
    coalesce(a.atttypid, 0),
    coalesce(format_type(a.atttypid, a.atttypmod), ''),
    coalesce(a.attgenerated <> '', false),
    -- generated columns can be sent since version 18; the view lists those that are
    coalesce(a.attname = ANY (p.attnames), a.attnum IS NOT NULL)
        AND (coalesce(a.attgenerated, '') = '' OR current_setting('server_version_num')::int >= 180000),
    -- position in the key, from 0; -1: not in it
    coalesce(array_position(pk.columns[0:pk.indnkeyatts - 1], a.attnum), -1),
    coalesce(array_position(ri.columns[0:ri.indnkeyatts - 1], a.attnum), -1)
FROM pg_publication_tables p
JOIN pg_namespace n ON n.nspname = p.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
LEFT JOIN key pk ON pk.indrelid = c.oid AND pk.indisprimary
LEFT JOIN key ri ON ri.indrelid = c.oid AND ri.indisreplident
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE p.pubname = $1
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum

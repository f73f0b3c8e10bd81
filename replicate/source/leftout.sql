-- What a database has, and what of it a publication ($1) sends: a line for each relation
-- that could be thought to be replicated.
WITH sent AS MATERIALIZED (
    SELECT c.oid, p.attnames, p.rowfilter
    FROM pg_publication_tables p
    JOIN pg_namespace n ON n.nspname = p.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
    WHERE p.pubname = $1 AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
)
SELECT
    n.nspname AS schema,
    c.relname AS name,
    c.relkind AS kind,
    c.relpersistence = 'u' AS unlogged,
    sent.oid IS NOT NULL AS sent,
    -- a partition arrives as its root, and a root as its partitions
    EXISTS (SELECT FROM pg_partition_ancestors(c.oid) JOIN sent ON sent.oid = relid WHERE relid <> c.oid)
        OR c.relkind = 'p' AND EXISTS (SELECT FROM pg_partition_tree(c.oid) JOIN sent ON sent.oid = relid) AS through,
    coalesce(sent.rowfilter, '') AS filter,
    (
        SELECT coalesce(json_agg(attname ORDER BY attnum), '[]')
        FROM pg_attribute
        WHERE sent.oid IS NOT NULL AND attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated <> ''
            AND NOT (current_setting('server_version_num')::int >= 180000 AND attname = ANY (sent.attnames))
    )::text AS generated,
    (
        SELECT coalesce(json_agg(attname ORDER BY attnum), '[]')
        FROM pg_attribute
        WHERE sent.oid IS NOT NULL AND attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
            AND attname <> ALL (sent.attnames)
    )::text AS unlisted
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN sent ON sent.oid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('information_schema', 'outpost') AND n.nspname NOT LIKE 'pg\_%'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"

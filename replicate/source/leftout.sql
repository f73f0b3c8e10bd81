-- What a database has, and what of it a publication ($1) sends: a line for each relation
-- that could be thought to be replicated.
WITH {{published}}, sent AS (
    SELECT relation AS oid, columns, filter FROM published
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
    coalesce(sent.filter, '') AS filter,
    (
        SELECT coalesce(json_agg(attname ORDER BY attnum), '[]')
        FROM pg_attribute
        WHERE sent.oid IS NOT NULL AND attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated <> ''
            AND NOT (current_setting('server_version_num')::int >= 180000 AND attnum = ANY (sent.columns))
    )::text AS generated,
    (
        SELECT coalesce(json_agg(attname ORDER BY attnum), '[]')
        FROM pg_attribute
        WHERE sent.oid IS NOT NULL AND attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
            AND attnum <> ALL (sent.columns)
    )::text AS unlisted
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN sent ON sent.oid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('information_schema', 'outpost') AND n.nspname NOT LIKE 'pg\_%'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"

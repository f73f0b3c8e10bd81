-- What there is to publish, and why some of it cannot be: '' where it can. Partitions
-- come with their root, and do not stand here unless $1 is true. A table whose own rows
-- are to be replicated belongs to this role, and its rows can be told apart.
SELECT n.nspname AS schema, c.relname AS name,
    CASE
    WHEN c.relkind = 'v' THEN 'it is a view, which has no rows of its own'
    WHEN c.relkind = 'm' THEN 'it is a materialized view, which Postgres does not replicate: make a table of it'
    WHEN c.relkind = 'f' THEN 'it is a foreign table: its rows are in another server'
    WHEN c.relpersistence = 'u' THEN 'it is unlogged: ALTER TABLE ' || c.oid::regclass || ' SET LOGGED'
    WHEN leaf.is_foreign THEN 'a partition of it is a foreign table, whose rows are in another server'
    WHEN leaf.is_unlogged THEN 'a partition of it is unlogged: SET LOGGED'
    -- who is granted a superuser is one
    WHEN NOT pg_has_role(c.relowner, 'USAGE') AND (SELECT rolsuper FROM pg_roles WHERE oid = c.relowner) THEN
        'it belongs to the superuser ' || quote_ident(pg_get_userbyid(c.relowner)) || ': let that one make a publication of it, and name that with --publication'
    WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN
        'it belongs to ' || quote_ident(pg_get_userbyid(c.relowner)) || ': GRANT ' || quote_ident(pg_get_userbyid(c.relowner)) || ' TO ' || quote_ident(current_user)
    WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN
        'it cannot be read by this user: GRANT SELECT ON ' || c.oid::regclass || ' TO ' || quote_ident(current_user)
    WHEN NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) THEN 'it has no columns'
    WHEN c.relreplident = 'n' THEN 'it has REPLICA IDENTITY NOTHING: ALTER TABLE ' || c.oid::regclass || ' REPLICA IDENTITY DEFAULT'
    WHEN c.relreplident = 'f' THEN ''
    WHEN c.relreplident = 'd' AND NOT key.primary_key THEN 'it has no primary key: add one, or choose a REPLICA IDENTITY'
    WHEN c.relreplident = 'i' AND NOT key.identity THEN 'it has lost the index of its replica identity: choose another REPLICA IDENTITY'
    WHEN c.relreplident = 'd' AND key.primary_generated OR c.relreplident = 'i' AND key.identity_generated THEN
        'its key has a generated column, which Postgres does not send before version 18'
    ELSE ''
    END AS reason
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(p.relkind = 'f'), false) AS is_foreign, coalesce(bool_or(p.relpersistence = 'u' AND p.relkind = 'r'), false) AS is_unlogged
    FROM pg_partition_tree(c.oid) t JOIN pg_class p ON p.oid = t.relid
    WHERE c.relkind = 'p'
) AS leaf
CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(i.indisprimary), false) AS primary_key, coalesce(bool_or(i.indisreplident), false) AS identity,
        coalesce(bool_or(i.indisprimary AND generated), false) AS primary_generated,
        coalesce(bool_or(i.indisreplident AND generated), false) AS identity_generated
    FROM pg_index i
    CROSS JOIN LATERAL (
        SELECT current_setting('server_version_num')::int < 180000 AND EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attgenerated <> '' AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])) AS generated
    ) AS columns
    WHERE i.indrelid = c.oid AND i.indisvalid AND i.indisunique AND i.indimmediate AND i.indpred IS NULL
) AS key
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
    AND ($1 OR NOT c.relispartition)
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'outpost') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"

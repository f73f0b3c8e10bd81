-- What publications hold: one line for each column of each table, the columns that are
-- not sent included, because the replica identity may need them. It is asked of the
-- catalogue directly, and by the function of tracking.sql. It locks no table but
-- those with a row filter.
-- An index counts as a key only if it is one for every row at every moment. The indexes
-- are looked up for each table because of NOT MATERIALIZED: else all are gone through.
WITH {{published}}, key AS NOT MATERIALIZED (
    SELECT indrelid, indisprimary, indisreplident, indnkeyatts, indkey::int2[] AS columns
    FROM pg_index
    WHERE indisvalid AND indisunique AND indimmediate AND indpred IS NULL
)
SELECT
    publication.pubname AS publication,
    c.oid::bigint AS oid,
    n.nspname AS schema,
    c.relname AS name,
    c.relkind AS kind,
    c.relreplident AS identity,
    c.relpages AS pages,
    coalesce(p.filter, '') AS filter,
    -- changes with every ALTER PUBLICATION that concerns the table, even one that was undone
    p.membership,
    has_table_privilege(c.oid, 'SELECT') AS readable,
    -- The files that the rows are in: a rewritten or truncated table has another. A
    -- partitioned table has no file of its own; its partitions have, each with the
    -- transaction that may have given it to them.
    CASE c.relkind WHEN 'p' THEN (
        SELECT coalesce(string_agg(leaf.oid || ':' || leaf.relfilenode || ':' || leaf.xmin, ' ' ORDER BY leaf.oid), '')
        FROM unnest(partition.oids) AS oid JOIN pg_class leaf USING (oid)
    ) ELSE c.relfilenode::text END AS files,
    -- Partitions behind a published root whose changes Postgres does not write to its WAL.
    CASE c.relkind WHEN 'p' THEN (
        SELECT string_agg(leaf.oid::regclass::text, ', ' ORDER BY leaf.oid)
        FROM unnest(partition.oids) AS oid JOIN pg_class leaf USING (oid)
        WHERE leaf.relkind = 'f' OR leaf.relpersistence <> 'p'
    ) END AS unlogged,
    coalesce(a.attnum, 0) AS number,
    coalesce(a.attname, '') AS "column",
    coalesce(a.atttypid, 0)::bigint AS type_oid,
    coalesce(format_type(a.atttypid, a.atttypmod), '') AS type,
    -- the transaction that last changed the column's definition
    coalesce(a.xmin::text, '0')::bigint AS revision,
    -- and its command that did: the transaction may have altered the column before
    coalesce(a.cmin::text, '0')::bigint AS command,
    -- What rows have in it that are older than the column, an array of one, which can be read
    -- as text only. Quotes are around what needs them; without, a comma is no delimiter: that
    -- of box is another.
    CASE WHEN older.text LIKE '{"%' THEN (older.text::text[])[1] ELSE substr(older.text, 2, length(older.text) - 2) END AS missing,
    -- the labels of every enum that the type is made of, and which attributes each composite
    -- type in it has: to change those changes rows in silence; built-in types have none
    CASE WHEN a.atttypid >= 16384 THEN (
        WITH RECURSIVE made_of AS (
            SELECT a.atttypid AS oid
          UNION
            SELECT unnest(ARRAY[t.typelem, t.typbasetype, r.rngsubtype, m.rngsubtype, f.atttypid])
            FROM made_of
            JOIN pg_type t USING (oid)
            LEFT JOIN pg_range r ON r.rngtypid = t.oid
            LEFT JOIN pg_range m ON m.rngmultitypid = t.oid
            LEFT JOIN pg_attribute f ON f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
        )
        SELECT json_object_agg(id, label ORDER BY id) FROM (
            SELECT e.oid::text AS id, e.enumlabel::text AS label
            FROM made_of JOIN pg_enum e ON e.enumtypid = made_of.oid
          UNION ALL
            SELECT 'attributes of ' || f.attrelid, string_agg(f.attnum::text, ' ' ORDER BY f.attnum)
            FROM made_of JOIN pg_type t USING (oid)
            JOIN pg_attribute f ON f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
            GROUP BY f.attrelid
        ) AS labels
    ) END AS labels,
    coalesce(a.attgenerated <> '', false) AS generated,
    -- generated columns can be sent since version 18: those that are listed, or all stored ones
    a.attnum IS NOT NULL AND (p.columns IS NULL OR a.attnum = ANY (p.columns)) AND (a.attgenerated = ''
        OR current_setting('server_version_num')::int >= 180000
            AND (p.columns IS NOT NULL OR a.attgenerated = 's' AND to_jsonb(publication) ->> 'pubgencols' = 's')) AS sent,
    -- position in the key, from 0; -1: not in it
    coalesce(array_position(pk.columns[0:pk.indnkeyatts - 1], a.attnum), -1) AS in_primary,
    coalesce(array_position(ri.columns[0:ri.indnkeyatts - 1], a.attnum), -1) AS in_index
FROM published p
JOIN pg_publication publication ON publication.oid = p.publication
JOIN pg_class c ON c.oid = p.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
-- those of a partitioned table that have rows
LEFT JOIN LATERAL (
    WITH RECURSIVE part AS (
        SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = c.oid
      UNION ALL
        SELECT inhrelid FROM pg_inherits JOIN part ON inhparent = part.oid
    )
    SELECT array_agg(part.oid) AS oids FROM part JOIN pg_class leaf USING (oid) WHERE leaf.relkind <> 'p'
) AS partition ON c.relkind = 'p'
LEFT JOIN key pk ON pk.indrelid = c.oid AND pk.indisprimary
LEFT JOIN key ri ON ri.indrelid = c.oid AND ri.indisreplident
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (
    SELECT CASE
        WHEN a.atthasmissing THEN a.attmissingval::text
        -- a partitioned table has no rows of its own; its partitions have, and know
        WHEN c.relkind = 'p' THEN (
            SELECT leaf.attmissingval::text
            FROM unnest(partition.oids) AS oid JOIN pg_attribute leaf ON leaf.attrelid = oid
            WHERE leaf.attname = a.attname AND leaf.atthasmissing
            LIMIT 1)
    END AS text
) AS older ON true

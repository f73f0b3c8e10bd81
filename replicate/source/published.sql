-- Which tables publications send, with their column lists and row filters: what Postgres' own
-- view pg_publication_tables says, which from version 16 on waits for whoever has locked
-- any of the tables, and computes all of them to give one.
-- Foreign and unlogged partitions, which the view lists too, are not sent.
published AS MATERIALIZED (
    SELECT
        p.oid AS publication,
        c.oid AS relation,
        CASE WHEN NOT whole.whole THEN member.prattrs::int2[] END AS columns,
        CASE WHEN NOT whole.whole THEN pg_get_expr(member.prqual, member.prrelid) END AS filter,
        concat_ws('/', p.xmin, member.oid, member.xmin) AS membership
    FROM pg_publication p
    JOIN pg_class c ON c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384
    LEFT JOIN pg_publication_rel member ON member.prpubid = p.oid AND member.prrelid = c.oid
    -- published as one of all, or of its schema: without a list and without a filter
    CROSS JOIN LATERAL (
        SELECT p.puballtables OR EXISTS (
            SELECT FROM pg_publication_namespace WHERE pnpubid = p.oid AND pnnspid = c.relnamespace) AS whole
    ) AS whole
    -- by way of a table that it is a partition of
    CROSS JOIN LATERAL (
        SELECT CASE WHEN c.relispartition THEN p.puballtables OR EXISTS (
            SELECT FROM pg_partition_ancestors(c.oid) JOIN pg_class root ON root.oid = relid
            WHERE root.oid <> c.oid AND (
                EXISTS (SELECT FROM pg_publication_rel WHERE prpubid = p.oid AND prrelid = root.oid)
                OR EXISTS (SELECT FROM pg_publication_namespace WHERE pnpubid = p.oid AND pnnspid = root.relnamespace))
        ) ELSE false END AS above
    ) AS root
    WHERE ({{which}}) AND CASE
        WHEN p.pubviaroot THEN (whole.whole OR member.oid IS NOT NULL) AND NOT root.above
        ELSE c.relkind = 'r' AND (whole.whole OR member.oid IS NOT NULL OR root.above)
    END
)

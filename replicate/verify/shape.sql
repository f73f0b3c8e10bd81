-- What the primary knows of a table, as text: whatever changes it, so that another text
-- means another table. An index is there with the operators and collations by which it
-- orders, for a statement has to use the same to be served by it.
SELECT jsonb_build_object(
    'kind', c.relkind,
    'schema', n.nspname,
    'name', c.relname,
    'columns', (
        SELECT jsonb_agg(jsonb_build_object(
            'number', a.attnum, 'name', a.attname, 'type_oid', a.atttypid::bigint,
            'type', format_type(a.atttypid, a.atttypmod), 'revision', a.xmin::text
        ) ORDER BY a.attnum)
        FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ),
    'indexes', (
        SELECT jsonb_agg(jsonb_build_object('oid', i.indexrelid::bigint, 'columns', (
            SELECT jsonb_agg(jsonb_build_object(
                'number', i.indkey[k],
                'collation', CASE WHEN i.indcollation[k] NOT IN (0, a.attcollation)
                    THEN (SELECT format('%s.%I', l.collnamespace::regnamespace, l.collname) FROM pg_collation l WHERE l.oid = i.indcollation[k]) END,
                'less', (
                    SELECT format('OPERATOR(%s.%s)', o.oprnamespace::regnamespace, o.oprname)
                    FROM pg_opclass f JOIN pg_amop m ON m.amopfamily = f.opcfamily
                    JOIN pg_operator o ON o.oid = m.amopopr
                    WHERE f.oid = i.indclass[k] AND m.amopstrategy = 1
                        AND m.amoplefttype = f.opcintype AND m.amoprighttype = f.opcintype
                ),
                'equal', (
                    SELECT format('OPERATOR(%s.%s)', o.oprnamespace::regnamespace, o.oprname)
                    FROM pg_opclass f JOIN pg_amop m ON m.amopfamily = f.opcfamily
                    JOIN pg_operator o ON o.oid = m.amopopr
                    WHERE f.oid = i.indclass[k] AND m.amopstrategy = 3
                        AND m.amoplefttype = f.opcintype AND m.amoprighttype = f.opcintype
                ),
                'greater', (
                    SELECT format('OPERATOR(%s.%s)', o.oprnamespace::regnamespace, o.oprname)
                    FROM pg_opclass f JOIN pg_amop m ON m.amopfamily = f.opcfamily
                    JOIN pg_operator o ON o.oid = m.amopopr
                    WHERE f.oid = i.indclass[k] AND m.amopstrategy = 5
                        AND m.amoplefttype = f.opcintype AND m.amoprighttype = f.opcintype
                )
            ) ORDER BY k)
            FROM generate_series(0, i.indnkeyatts - 1) k
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]
        )) ORDER BY i.indisprimary DESC, i.indisreplident DESC, i.indexrelid)
        FROM pg_index i
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
            AND i.indpred IS NULL AND i.indexprs IS NULL
    )
)::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1::oid

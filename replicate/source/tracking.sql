-- How changes of the schema reach the slot at their place in the history: Postgres
-- replicates no DDL, so each statement is followed by a message in the same transaction
-- that describes the tables it touched. Event triggers send it where one may be made;
-- elsewhere whoever alters tables calls outpost.schema_changed() after each statement.
--
-- Any role may emit a logical message. What makes one an announcement is its code, made
-- with a secret that only the owner of these functions and whoever may replicate (or has
-- pg_read_all_data) can read. The table is unlogged:
-- so it is in no publication, no base backup and no replica. A crash of Postgres empties
-- it, and the next announcement begins another secret.
CREATE SCHEMA IF NOT EXISTS outpost;
GRANT USAGE ON SCHEMA outpost TO PUBLIC;

CREATE UNLOGGED TABLE IF NOT EXISTS outpost.secret (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    value bytea NOT NULL
);
REVOKE ALL ON outpost.secret FROM PUBLIC;

CREATE OR REPLACE FUNCTION outpost.make_secret() RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO outpost.secret (value)
    VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))
    ON CONFLICT DO NOTHING
$$;
REVOKE ALL ON FUNCTION outpost.make_secret FROM PUBLIC;
SELECT outpost.make_secret();

-- For whoever replicates, and so sees all there is, but may own nothing here. Who connected
-- counts, not whose rights are used.
CREATE OR REPLACE FUNCTION outpost.read_secret() RETURNS SETOF bytea
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- rds_replication is what a managed service has instead of the attribute
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = session_user AND (rolreplication OR rolsuper))
        AND NOT coalesce(pg_has_role(session_user, to_regrole('rds_replication'), 'MEMBER'), false) THEN
        RAISE insufficient_privilege USING MESSAGE = 'only a role that may replicate may read this';
    END IF;
    RETURN QUERY SELECT value FROM outpost.secret;
END
$$;

-- Describes tables as this transaction sees them. complete: all that are published.
CREATE OR REPLACE FUNCTION outpost.announce(tag text, complete boolean, changed oid[], made oid[], dropped oid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- so that values look as they do in the stream
SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres'
SET extra_float_digits = 3 SET bytea_output = 'hex' SET lc_monetary = 'C' SET quote_all_identifiers = off SET jit = off
AS $announce$
DECLARE
    described json;
    seen pg_snapshot;
    created json;
    partial json;
    content bytea;
    key bytea;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_publication) THEN
        RETURN; -- nobody replicates
    END IF;

    SELECT json_agg(line ORDER BY publication, schema COLLATE "C", name COLLATE "C", number), pg_current_snapshot()
    INTO described, seen
    FROM ({{catalogue}}) AS line;

    -- Made by this transaction, or kept by it from being written to, and nothing in it yet:
    -- whatever comes to be in it is sent. The size
    -- is asked last and of these only, for that waits for whoever alters the table. A
    -- partitioned one has no size; its partitions have, which may be older than it is.
    SELECT json_agg(fresh.oid::bigint) INTO created
    FROM (
        SELECT c.oid FROM pg_class c
        WHERE c.relkind IN ('r', 'p') AND (complete OR c.oid = ANY (changed))
            AND (c.oid = ANY (made) OR NOT EXISTS (
                SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.xmin <> pg_current_xact_id()::xid)
                OR c.oid IN (
                    SELECT relation FROM pg_locks
                    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
                        AND mode IN ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))
        OFFSET 0
    ) AS fresh
    WHERE NOT EXISTS (
        WITH RECURSIVE part AS (
            SELECT fresh.oid
          UNION ALL
            SELECT inhrelid FROM pg_inherits JOIN part ON inhparent = part.oid
        )
        SELECT FROM part WHERE pg_relation_size(part.oid) > 0);

    SELECT json_agg(pubname) INTO partial
    FROM pg_publication
    WHERE NOT (pubinsert AND pubupdate AND pubdelete AND pubtruncate);

    PERFORM outpost.make_secret();
    SELECT value INTO STRICT key FROM outpost.secret;

    content := convert_to(json_build_object(
        'xid', pg_current_xact_id()::xid::text::bigint,
        'snapshot', seen::text, 'tag', tag, 'complete', complete, 'partial', partial,
        'changed', (SELECT json_agg(oid::bigint) FROM unnest(changed) AS oid),
        'created', created,
        'dropped', (SELECT json_agg(oid::bigint) FROM unnest(dropped) AS oid),
        'lines', described)::text, 'UTF8');
    PERFORM pg_logical_emit_message(true, 'outpost.schema', sha256(key || sha256(key || content)) || content);
    -- Decoding puts a message at the END of its record, which is where the next record begins,
    -- and where a subtransaction is merged with its parent, equal places come in any order: the
    -- first row after the DDL could arrive before the announcement. So something comes between.
    PERFORM pg_logical_emit_message(true, 'outpost.between', '');
END
$announce$;
REVOKE ALL ON FUNCTION outpost.announce FROM PUBLIC;

-- To be called after each statement that alters tables, in its transaction, where no event
-- trigger does it. Anyone may: it tells what is.
CREATE OR REPLACE FUNCTION outpost.schema_changed() RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT outpost.announce('', true, NULL, NULL, NULL) $$;

CREATE OR REPLACE FUNCTION outpost.on_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    command record;
    touched record;
    changed oid[];
    made oid[];
    complete boolean := false;
    typed boolean := false;
BEGIN
    FOR command IN SELECT classid, objid, command_tag, object_type FROM pg_event_trigger_ddl_commands() LOOP
        IF command.object_type LIKE 'publication%' THEN
            complete := true;
        ELSIF command.classid = 'pg_class'::regclass THEN
            SELECT coalesce(i.indrelid, c.oid) AS oid, c.relkind = 'c' AS composite,
                -- what inherits from it is altered too, and not told
                c.relkind = 'p' OR c.relispartition OR c.relkind = 'r' AND c.relhassubclass AS whole
            INTO touched
            FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
            WHERE c.oid = command.objid AND c.relkind IN ('r', 'p', 'i', 'I', 'c') AND c.relpersistence = 'p';
            IF touched.composite THEN
                typed := true;
            ELSIF touched.oid IS NOT NULL THEN
                changed := changed || touched.oid;
                complete := complete OR touched.whole;
                IF command.command_tag = 'CREATE TABLE' AND touched.oid = command.objid THEN
                    made := made || touched.oid;
                END IF;
            END IF;
        ELSIF command.classid = 'pg_namespace'::regclass THEN
            changed := changed || ARRAY(SELECT oid FROM pg_class WHERE relnamespace = command.objid AND relkind IN ('r', 'p'));
        ELSIF command.classid = 'pg_type'::regclass AND command.command_tag LIKE 'ALTER %' THEN
            typed := true;
        END IF;
    END LOOP;
    IF typed THEN
        changed := changed || ARRAY(SELECT DISTINCT attrelid FROM pg_attribute WHERE atttypid >= 16384 AND attnum > 0);
    END IF;
    IF changed IS NOT NULL OR complete THEN
        PERFORM outpost.announce(tg_tag, complete, changed, made, NULL);
    END IF;
EXCEPTION WHEN OTHERS THEN
    -- Nobody's ALTER is to fail because of us. Whoever replicates will see that the tables
    -- are others, and copy them.
    RAISE WARNING 'outpost: this change of the schema could not be announced to replicas: %', sqlerrm;
END
$$;

CREATE OR REPLACE FUNCTION outpost.on_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed oid[];
    dropped oid[];
    complete boolean;
BEGIN
    SELECT array_agg(DISTINCT objid) FILTER (WHERE objsubid > 0),
           array_agg(DISTINCT objid) FILTER (WHERE objsubid = 0 AND object_type = 'table'),
           coalesce(bool_or(object_type LIKE 'publication%'), false)
    INTO changed, dropped, complete
    FROM pg_event_trigger_dropped_objects()
    WHERE classid = 'pg_class'::regclass AND NOT is_temporary OR object_type LIKE 'publication%';
    IF changed IS NOT NULL OR dropped IS NOT NULL OR complete THEN
        PERFORM outpost.announce(tg_tag, complete, changed, NULL, dropped);
    END IF;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'outpost: this change of the schema could not be announced to replicas: %', sqlerrm;
END
$$;

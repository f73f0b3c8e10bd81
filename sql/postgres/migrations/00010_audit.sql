-- Every change of what people and administrators decide stands in audit_log, written by
-- triggers: no statement can forget it. Who did it, from where and by which operation is in the
-- transaction's settings outpost.actor, outpost.ip and outpost.operation. What is a record of its
-- own (progress, attempts, sessions, events) is not recorded a second time.

-- +goose Up

-- NULL: it belongs to no company, such as a course.
ALTER TABLE audit_log ALTER COLUMN company_id DROP NOT NULL;
SELECT outpost.schema_changed();
ALTER TABLE audit_log ALTER COLUMN data_zone DROP NOT NULL;
SELECT outpost.schema_changed();

-- What may be shown of a row: neither a secret nor bookkeeping.
CREATE FUNCTION audited(content jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(content)
        WHERE key !~ '(_hash|_secret|_folded|_key)$'
        AND key NOT IN ('id', 'company_id', 'data_zone', 'version', 'created_at', 'updated_at'));

-- Records what a statement did: of an insert and a deletion the row, of an update what became
-- of what, as {column: [before, after]}. The argument is the column that names the row.
-- +goose StatementBegin
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor bigint := nullif(current_setting('outpost.actor', true), '')::bigint;
    origin text := coalesce(current_setting('outpost.ip', true), '');
    operation text := coalesce(nullif(current_setting('outpost.operation', true), ''), lower(TG_OP));
BEGIN
    IF current_setting('outpost.audit', true) = 'off' THEN RETURN NULL; END IF; -- demo data
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id, ip, details)
        SELECT (r ->> 'company_id')::bigint, r ->> 'data_zone', actor, operation, TG_TABLE_NAME, (r ->> TG_ARGV[0])::bigint, origin,
            jsonb_build_object('insert', audited(r))
        FROM (SELECT to_jsonb(t) AS r FROM new_rows t) rows;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id, ip, details)
        SELECT (r ->> 'company_id')::bigint, r ->> 'data_zone', actor, operation, TG_TABLE_NAME, (r ->> TG_ARGV[0])::bigint, origin,
            jsonb_build_object('delete', audited(r))
        FROM (SELECT to_jsonb(t) AS r FROM old_rows t) rows;
    ELSE
        INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id, ip, details)
        SELECT (after ->> 'company_id')::bigint, after ->> 'data_zone', actor, operation, TG_TABLE_NAME, (after ->> TG_ARGV[0])::bigint,
            origin, jsonb_build_object('update', changes)
        FROM (
            SELECT n.r AS after, (
                SELECT jsonb_object_agg(b.key, jsonb_build_array(b.value, a.value))
                FROM jsonb_each(audited(o.r)) b JOIN jsonb_each(audited(n.r)) a USING (key) WHERE a.value <> b.value
            ) AS changes, o.r - '{version,updated_at}'::text[] <> n.r - '{version,updated_at}'::text[] AS changed
            FROM (SELECT to_jsonb(t) AS r FROM new_rows t) n
            JOIN (SELECT to_jsonb(t) AS r FROM old_rows t) o ON o.r -> TG_ARGV[0] = n.r -> TG_ARGV[0]
        ) rows WHERE changed;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Puts the triggers on a table.
-- +goose StatementBegin
CREATE FUNCTION audit_table(name regclass, id text DEFAULT 'id') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER audit_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit(%L)', name, id);
    EXECUTE format('CREATE TRIGGER audit_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit(%L)', name, id);
    EXECUTE format('CREATE TRIGGER audit_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION audit(%L)', name, id);
END
$$;
-- +goose StatementEnd

SELECT audit_table('companies'), audit_table('users'), audit_table('user_credentials', 'user_id'),
    audit_table('api_keys'), audit_table('courses'), audit_table('course_translations'), audit_table('lessons'),
    audit_table('lesson_translations'), audit_table('quizzes'), audit_table('questions'), audit_table('question_translations'),
    audit_table('options'), audit_table('option_translations'), audit_table('question_keys', 'question_id'),
    audit_table('assignments'), audit_table('certificates');
-- An enrollment that advances is a record of its own.
CREATE TRIGGER audit_insert AFTER INSERT ON enrollments REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION audit('id');
CREATE TRIGGER audit_delete AFTER DELETE ON enrollments REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION audit('id');

-- +goose Down
DROP FUNCTION audit_table(regclass, text);
DROP FUNCTION audit() CASCADE;
DROP FUNCTION audited(jsonb);
ALTER TABLE audit_log DISABLE TRIGGER append_only;
SELECT outpost.schema_changed();
DELETE FROM audit_log WHERE company_id IS NULL;
ALTER TABLE audit_log ENABLE TRIGGER append_only;
SELECT outpost.schema_changed();
ALTER TABLE audit_log ALTER COLUMN company_id SET NOT NULL;
SELECT outpost.schema_changed();
ALTER TABLE audit_log ALTER COLUMN data_zone SET NOT NULL;
SELECT outpost.schema_changed();

-- What was done to a company stands in its own audit log. As in 00010, where the log's entry about a
-- company belonged to none.

-- +goose Up

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor bigint := nullif(current_setting('outpost.actor', true), '')::bigint;
    origin text := coalesce(current_setting('outpost.ip', true), '');
    operation text := coalesce(nullif(current_setting('outpost.operation', true), ''), lower(TG_OP));
    company text := CASE TG_TABLE_NAME WHEN 'companies' THEN 'id' ELSE 'company_id' END;
BEGIN
    IF current_setting('outpost.audit', true) = 'off' THEN RETURN NULL; END IF; -- demo data
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id, ip, details)
        SELECT (r ->> company)::bigint, r ->> 'data_zone', actor, operation, TG_TABLE_NAME, (r ->> TG_ARGV[0])::bigint, origin,
            jsonb_build_object('insert', audited(r))
        FROM (SELECT to_jsonb(t) AS r FROM new_rows t) rows;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id, ip, details)
        SELECT (r ->> company)::bigint, r ->> 'data_zone', actor, operation, TG_TABLE_NAME, (r ->> TG_ARGV[0])::bigint, origin,
            jsonb_build_object('delete', audited(r))
        FROM (SELECT to_jsonb(t) AS r FROM old_rows t) rows;
    ELSE
        INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id, ip, details)
        SELECT (after ->> company)::bigint, after ->> 'data_zone', actor, operation, TG_TABLE_NAME, (after ->> TG_ARGV[0])::bigint,
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

-- +goose Down

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
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

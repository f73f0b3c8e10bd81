-- What every later migration builds on.

-- +goose Up

-- Raises version and updated_at with every update. clock_timestamp, not now: two updates in
-- one transaction are two versions with two times.
-- +goose StatementBegin
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;
-- +goose StatementEnd

-- SQLite folds only ASCII, so what must match or sort without case is stored folded beside the
-- original. Columns filled by triggers, since generated columns are not replicated before
-- Postgres 18.

-- Two addresses are the same mailbox when they fold to the same text. Accents count.
CREATE FUNCTION fold_email(address text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(normalize(btrim(address), NFKC));

-- The order of names and titles: case and accents do not count.
CREATE FUNCTION fold_name(name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(regexp_replace(normalize(btrim(name), NFKD), U&'[\0300-\036F]', '', 'g'));

-- Refuses changes of what may only grow.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION refuse_change();
DROP FUNCTION fold_name(text);
DROP FUNCTION fold_email(text);
DROP FUNCTION touch();

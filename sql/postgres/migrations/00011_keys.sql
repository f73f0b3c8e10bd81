-- From where people log in, and a record of what becomes of signing keys.

-- +goose Up

-- Not replicated. Whoever guesses an account's password from elsewhere does not keep its owner
-- out: guesses from an address that the account has logged in from are counted by themselves.
CREATE TABLE login_sources (
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source  text NOT NULL CHECK (length(source) BETWEEN 1 AND 64), -- an IPv4 address, or the first of an IPv6 /64
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, source)
);
SELECT outpost.schema_changed();
CREATE INDEX login_sources_time ON login_sources (seen_at);

-- When it is written, not when its transaction began: a session that began in between is voided too.
ALTER TABLE token_revocations ALTER COLUMN revoked_at SET DEFAULT clock_timestamp();
SELECT outpost.schema_changed();

SELECT audit_table('signing_keys');

-- +goose Down
ALTER TABLE token_revocations ALTER COLUMN revoked_at SET DEFAULT now();
SELECT outpost.schema_changed();
DROP TRIGGER audit_delete ON signing_keys;
DROP TRIGGER audit_update ON signing_keys;
DROP TRIGGER audit_insert ON signing_keys;
DROP TABLE login_sources;
SELECT outpost.schema_changed();

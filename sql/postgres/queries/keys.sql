-- name: LockSigningKeys :exec
LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE;

-- The keys that have not been retired, with their private parts; the newest first. due: it is older
-- than a key gets.
-- name: SigningKeysInUse :many
SELECT k.kid, s.private_key, k.not_before, k.retired_at, now()::timestamptz AS at,
    (k.retired_at IS NULL AND k.not_before < now() - make_interval(secs => @age_seconds))::boolean AS due
FROM signing_keys k JOIN signing_key_secrets s ON s.signing_key_id = k.id
WHERE (k.retired_at IS NULL OR k.retired_at > now()) AND (k.not_after IS NULL OR k.not_after > now())
ORDER BY k.not_before DESC, k.id DESC;

-- A new key, which signs from not_before on, and the end of those before it: they sign until
-- retired_at, and what they signed can be verified until not_after, or the earlier end that they have.
-- name: InsertSigningKey :exec
WITH key AS (
    INSERT INTO signing_keys (kid, public_key, not_before)
    VALUES (@kid, @public_key, now() + make_interval(secs => @lead_seconds)) RETURNING id
), secret AS (
    INSERT INTO signing_key_secrets (signing_key_id, private_key) SELECT id, @private_key FROM key
)
UPDATE signing_keys SET retired_at = now() + make_interval(secs => @retired_seconds), not_after = least(not_after, now() + make_interval(secs => @dead_seconds))
WHERE retired_at IS NULL;

-- The private part of a key that signs no more is not kept, and nothing of one that verifies no more.
-- name: ForgetSigningKeys :exec
WITH retired AS (
    DELETE FROM signing_key_secrets s USING signing_keys k WHERE k.id = s.signing_key_id AND k.retired_at <= now()
)
DELETE FROM signing_keys WHERE not_after < now() - interval '1 day';

-- name: SigningKeys :many
SELECT k.kid, k.not_before, k.retired_at, k.not_after, now()::timestamptz AS at FROM signing_keys k ORDER BY k.not_before, k.id;

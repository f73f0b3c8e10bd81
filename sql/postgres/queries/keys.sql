-- name: LockSigningKeys :exec
LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE;

-- name: CurrentSigningKey :one
SELECT k.kid, k.public_key, s.private_key
FROM signing_keys k JOIN signing_key_secrets s ON s.signing_key_id = k.id
WHERE k.retired_at IS NULL AND (k.not_after IS NULL OR k.not_after > now())
ORDER BY k.id DESC LIMIT 1;

-- name: InsertSigningKey :exec
WITH key AS (
    INSERT INTO signing_keys (kid, public_key) VALUES (@kid, @public_key) RETURNING id
)
INSERT INTO signing_key_secrets (signing_key_id, private_key) SELECT id, @private_key FROM key;

-- The hash goes where nothing is replicated. No row when the company has as many keys as it may.
-- name: InsertAPIKey :one
WITH key AS (
    INSERT INTO api_keys (company_id, data_zone, user_id, name, prefix, scopes, expires_at)
    SELECT u.company_id, u.data_zone, u.id, @name::text, @prefix::text, @scopes::text, sqlc.narg(expires_at)::timestamptz
    FROM users u
    WHERE u.id = @user_id AND u.company_id = @company_id
        AND (SELECT count(*) FROM api_keys o WHERE o.company_id = u.company_id AND o.revoked_at IS NULL
            AND (o.expires_at IS NULL OR o.expires_at > now())) < @most::integer
    RETURNING id, created_at, updated_at, version
), secret AS (
    INSERT INTO api_key_secrets (api_key_id, key_hash) SELECT key.id, @key_hash FROM key
)
SELECT key.id, key.created_at, key.updated_at, key.version FROM key;

-- name: RevokeAPIKey :execrows
UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = @id AND company_id = @company_id AND revoked_at IS NULL;

-- name: APIKeyExists :one
SELECT EXISTS (SELECT FROM api_keys WHERE id = @id AND company_id = @company_id)::boolean;

-- name: APIKeyByHash :one
SELECT api_key_id FROM api_key_secrets WHERE key_hash = @key_hash;

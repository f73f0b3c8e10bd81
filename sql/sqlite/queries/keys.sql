-- name: SigningKeys :many
SELECT kid, public_key, not_before, not_after FROM signing_keys ORDER BY id;

-- name: APIKeyAccount :one
SELECT k.prefix, k.scopes, k.expires_at, k.revoked_at, u.id AS user_id, u.company_id, u.data_zone, u.role, u.locale, u.is_active,
    c.is_active AS company_is_active
FROM api_keys k JOIN users u ON u.id = k.user_id JOIN companies c ON c.id = u.company_id
WHERE k.id = @id;

-- name: APIKeysByCreated :many
SELECT sqlc.embed(k) FROM api_keys k
WHERE k.company_id = @company_id AND (k.created_at, k.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY k.created_at, k.id LIMIT @size OFFSET @skip;

-- name: APIKeysByCreatedDesc :many
SELECT sqlc.embed(k) FROM api_keys k
WHERE k.company_id = @company_id AND (k.created_at, k.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY k.created_at DESC, k.id DESC LIMIT @size OFFSET @skip;

-- name: CountAPIKeys :one
SELECT count(*) FROM api_keys WHERE company_id = @company_id;

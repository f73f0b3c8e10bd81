-- name: Me :one
SELECT sqlc.embed(users), sqlc.embed(companies)
FROM users JOIN companies ON companies.id = users.company_id
WHERE users.id = @user_id AND users.company_id = @company_id;

-- A revocation voids the sessions that were begun before it, whatever their tokens say. Of a session
-- that is not here yet only the tokens can tell, by when they were issued: for that, tokens_revoked_at.
-- name: Account :one
SELECT u.company_id, u.data_zone, u.role, u.locale, u.is_active, c.is_active AS company_is_active,
    (SELECT coalesce(s.revoked_at, (SELECT v.revoked_at FROM token_revocations v WHERE v.user_id = s.user_id AND v.revoked_at >= s.created_at LIMIT 1))
        FROM sessions s WHERE s.id = @session_id AND s.user_id = u.id) AS session_revoked_at,
    CAST(coalesce((SELECT r.revoked_at FROM token_revocations r WHERE r.user_id = u.id
        AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = @session_id AND s.user_id = u.id)
        ORDER BY r.revoked_at DESC LIMIT 1), '') AS TEXT) AS tokens_revoked_at
FROM users u JOIN companies c ON c.id = u.company_id
WHERE u.id = @user_id;

-- name: UserCompany :one
SELECT company_id FROM users WHERE id = @user_id;

-- name: CompanyLocale :one
SELECT locale FROM companies WHERE id = @company_id;

-- name: SigningKey :one
SELECT public_key, not_before, not_after FROM signing_keys WHERE kid = @kid;

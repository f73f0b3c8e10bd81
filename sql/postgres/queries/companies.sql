-- Tenants. The audit log's entries are triggers'.

-- No row: the slug is taken.
-- name: InsertCompany :one
INSERT INTO companies (name, slug, country, data_zone, locale, privacy_mode)
VALUES (@name, @slug, @country, @data_zone, @locale, @privacy_mode)
ON CONFLICT (slug) DO NOTHING
RETURNING *;

-- A company as GET shows it, locked for the transaction.
-- name: CompanyToChange :one
SELECT sqlc.embed(c), (SELECT count(*) FROM users u WHERE u.company_id = c.id AND u.is_active) AS active_users
FROM companies c WHERE c.id = @id
FOR NO KEY UPDATE OF c;

-- A company that is deactivated ends the sessions of all its people in the same transaction. One that
-- becomes active again ends what was begun while it was being deactivated: whoever logged in then had
-- not seen it yet.
-- name: UpdateCompany :one
WITH ended AS (
    UPDATE sessions SET revoked_at = clock_timestamp()
    FROM companies c JOIN users u ON u.company_id = c.id
    WHERE c.id = @id AND c.is_active <> @is_active::boolean
        AND sessions.user_id = u.id AND sessions.revoked_at IS NULL AND sessions.expires_at > now()
)
UPDATE companies SET name = @name, country = @country, locale = @locale, privacy_mode = @privacy_mode, is_active = @is_active::boolean
WHERE companies.id = @id
RETURNING *;

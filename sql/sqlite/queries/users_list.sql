-- A page of people is found in two steps, as a page of the catalogue is: which, in the order
-- asked for, and then those. Each order is a query of its own, once within a company and once
-- Everywhere, for platform administrators: it walks an index from where the page begins (the +
-- keeps SQLite from another one). Only what q finds is sorted anew.

-- name: UserIDsByName :many
SELECT u.id AS id, u.full_name_folded AS sort_key
FROM users u
WHERE u.company_id = @company_id AND (u.full_name_folded, u.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.full_name_folded, u.id LIMIT @size OFFSET @skip;

-- name: UserIDsByNameDesc :many
SELECT u.id AS id, u.full_name_folded AS sort_key
FROM users u
WHERE u.company_id = @company_id AND (u.full_name_folded, u.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.full_name_folded DESC, u.id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByName :many
SELECT u.id AS id, u.full_name_folded AS sort_key
FROM users u
WHERE (u.full_name_folded, u.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.full_name_folded, u.id LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByNameDesc :many
SELECT u.id AS id, u.full_name_folded AS sort_key
FROM users u
WHERE (u.full_name_folded, u.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.full_name_folded DESC, u.id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsByEmail :many
SELECT u.id AS id, u.email_folded AS sort_key
FROM users u
WHERE u.company_id = @company_id AND (u.email_folded, u.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.email_folded, u.id LIMIT @size OFFSET @skip;

-- name: UserIDsByEmailDesc :many
SELECT u.id AS id, u.email_folded AS sort_key
FROM users u
WHERE u.company_id = @company_id AND (u.email_folded, u.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.email_folded DESC, u.id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByEmail :many
SELECT u.id AS id, u.email_folded AS sort_key
FROM users u
WHERE (u.email_folded, u.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.email_folded, u.id LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByEmailDesc :many
SELECT u.id AS id, u.email_folded AS sort_key
FROM users u
WHERE (u.email_folded, u.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.email_folded DESC, u.id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsByCreated :many
SELECT u.id AS id, u.created_at AS sort_key
FROM users u
WHERE u.company_id = @company_id AND (u.created_at, u.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.created_at, u.id LIMIT @size OFFSET @skip;

-- name: UserIDsByCreatedDesc :many
SELECT u.id AS id, u.created_at AS sort_key
FROM users u
WHERE u.company_id = @company_id AND (u.created_at, u.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.created_at DESC, u.id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByCreated :many
SELECT u.id AS id, u.created_at AS sort_key
FROM users u
WHERE (u.created_at, u.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.created_at, u.id LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByCreatedDesc :many
SELECT u.id AS id, u.created_at AS sort_key
FROM users u
WHERE (u.created_at, u.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.created_at DESC, u.id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsByUpdated :many
SELECT u.id AS id, u.updated_at AS sort_key
FROM users u
WHERE u.company_id = @company_id AND (u.updated_at, u.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.updated_at, u.id LIMIT @size OFFSET @skip;

-- name: UserIDsByUpdatedDesc :many
SELECT u.id AS id, u.updated_at AS sort_key
FROM users u
WHERE u.company_id = @company_id AND (u.updated_at, u.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.updated_at DESC, u.id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByUpdated :many
SELECT u.id AS id, u.updated_at AS sort_key
FROM users u
WHERE (u.updated_at, u.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.updated_at, u.id LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByUpdatedDesc :many
SELECT u.id AS id, u.updated_at AS sort_key
FROM users u
WHERE (u.updated_at, u.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND u.updated_at >= CAST(@since AS TEXT)
ORDER BY u.updated_at DESC, u.id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsByLogin :many
SELECT l.user_id AS id, l.last_login_at AS sort_key
FROM user_logins l CROSS JOIN users u ON u.id = l.user_id
WHERE l.company_id = @company_id AND (l.last_login_at, l.user_id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY l.last_login_at, l.user_id LIMIT @size OFFSET @skip;

-- name: UserIDsByLoginDesc :many
SELECT l.user_id AS id, l.last_login_at AS sort_key
FROM user_logins l CROSS JOIN users u ON u.id = l.user_id
WHERE l.company_id = @company_id AND (l.last_login_at, l.user_id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY l.last_login_at DESC, l.user_id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByLogin :many
SELECT l.user_id AS id, l.last_login_at AS sort_key
FROM user_logins l CROSS JOIN users u ON u.id = l.user_id
WHERE (l.last_login_at, l.user_id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY l.last_login_at, l.user_id LIMIT @size OFFSET @skip;

-- name: UserIDsEverywhereByLoginDesc :many
SELECT l.user_id AS id, l.last_login_at AS sort_key
FROM user_logins l CROSS JOIN users u ON u.id = l.user_id
WHERE (l.last_login_at, l.user_id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT)
ORDER BY l.last_login_at DESC, l.user_id DESC LIMIT @size OFFSET @skip;

-- name: UserIDsBySearch :many
SELECT f.id, f.sort_key
FROM (
    SELECT u.id, CAST(CASE CAST(@sort AS TEXT) WHEN 'email' THEN u.email_folded WHEN 'created_at' THEN u.created_at
        WHEN 'updated_at' THEN u.updated_at
        WHEN 'last_login_at' THEN (SELECT l.last_login_at FROM user_logins l WHERE l.user_id = u.id)
        ELSE u.full_name_folded END AS TEXT) AS sort_key
    FROM users_search s CROSS JOIN users u ON u.id = s.rowid
    WHERE s.users_search MATCH CAST(@words AS TEXT)
        AND (CAST(@any_company AS INTEGER) = 1 OR u.company_id = @company_id)
        AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
        AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
        AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
        AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
        AND u.updated_at >= CAST(@since AS TEXT)
) f
WHERE (f.sort_key, f.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY f.sort_key, f.id LIMIT @size OFFSET @skip;

-- name: UserIDsBySearchDesc :many
SELECT f.id, f.sort_key
FROM (
    SELECT u.id, CAST(CASE CAST(@sort AS TEXT) WHEN 'email' THEN u.email_folded WHEN 'created_at' THEN u.created_at
        WHEN 'updated_at' THEN u.updated_at
        WHEN 'last_login_at' THEN (SELECT l.last_login_at FROM user_logins l WHERE l.user_id = u.id)
        ELSE u.full_name_folded END AS TEXT) AS sort_key
    FROM users_search s CROSS JOIN users u ON u.id = s.rowid
    WHERE s.users_search MATCH CAST(@words AS TEXT)
        AND (CAST(@any_company AS INTEGER) = 1 OR u.company_id = @company_id)
        AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
        AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
        AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
        AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
        AND u.updated_at >= CAST(@since AS TEXT)
) f
WHERE (f.sort_key, f.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY f.sort_key DESC, f.id DESC LIMIT @size OFFSET @skip;

-- name: CountUsersBySearch :one
SELECT count(*) FROM users_search s CROSS JOIN users u ON u.id = s.rowid
WHERE s.users_search MATCH CAST(@words AS TEXT)
    AND (CAST(@any_company AS INTEGER) = 1 OR u.company_id = @company_id)
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND u.updated_at >= CAST(@since AS TEXT);

-- name: CountUsers :one
SELECT count(*) FROM users u
WHERE u.company_id = @company_id
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND u.updated_at >= CAST(@since AS TEXT);

-- Looks at everybody, in an index that holds all that it asks.
-- name: CountUsersEverywhere :one
SELECT count(*) FROM users u INDEXED BY users_filters
WHERE true
    AND (CAST(@role AS TEXT) = '' OR u.role = CAST(@role AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR u.department = CAST(@department AS TEXT))
    AND (CAST(@job_risk AS TEXT) = '' OR u.job_risk = CAST(@job_risk AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR u.is_active = CAST(@active AS INTEGER))
    AND +u.updated_at >= CAST(@since AS TEXT);

-- name: UserTotal :one
SELECT users FROM company_stats WHERE company_id = @company_id;

-- name: UserTotalEverywhere :one
SELECT users FROM user_totals;

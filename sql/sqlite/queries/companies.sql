-- Tenants. active: -1 whether or not a company is, else 1 or 0.

-- name: CompanyIDsByName :many
SELECT c.id, c.name_folded AS sort_key
FROM companies c
WHERE (c.name_folded, c.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@country AS TEXT) = '' OR c.country = CAST(@country AS TEXT))
    AND (CAST(@privacy_mode AS TEXT) = '' OR c.privacy_mode = CAST(@privacy_mode AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR c.is_active = CAST(@active AS INTEGER))
ORDER BY c.name_folded, c.id LIMIT @size OFFSET @skip;

-- name: CompanyIDsByNameDesc :many
SELECT c.id, c.name_folded AS sort_key
FROM companies c
WHERE (c.name_folded, c.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@country AS TEXT) = '' OR c.country = CAST(@country AS TEXT))
    AND (CAST(@privacy_mode AS TEXT) = '' OR c.privacy_mode = CAST(@privacy_mode AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR c.is_active = CAST(@active AS INTEGER))
ORDER BY c.name_folded DESC, c.id DESC LIMIT @size OFFSET @skip;

-- name: CompanyIDsByCreated :many
SELECT c.id, c.created_at AS sort_key
FROM companies c
WHERE (c.created_at, c.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@country AS TEXT) = '' OR c.country = CAST(@country AS TEXT))
    AND (CAST(@privacy_mode AS TEXT) = '' OR c.privacy_mode = CAST(@privacy_mode AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR c.is_active = CAST(@active AS INTEGER))
ORDER BY c.created_at, c.id LIMIT @size OFFSET @skip;

-- name: CompanyIDsByCreatedDesc :many
SELECT c.id, c.created_at AS sort_key
FROM companies c
WHERE (c.created_at, c.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@country AS TEXT) = '' OR c.country = CAST(@country AS TEXT))
    AND (CAST(@privacy_mode AS TEXT) = '' OR c.privacy_mode = CAST(@privacy_mode AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR c.is_active = CAST(@active AS INTEGER))
ORDER BY c.created_at DESC, c.id DESC LIMIT @size OFFSET @skip;

-- name: CompanyIDsBySearch :many
SELECT f.id, f.sort_key
FROM (
    SELECT c.id, CAST(CASE CAST(@sort AS TEXT) WHEN 'created_at' THEN c.created_at ELSE c.name_folded END AS TEXT) AS sort_key
    FROM companies_search s CROSS JOIN companies c ON c.id = s.rowid
    WHERE s.companies_search MATCH CAST(@words AS TEXT)
        AND (CAST(@country AS TEXT) = '' OR c.country = CAST(@country AS TEXT))
        AND (CAST(@privacy_mode AS TEXT) = '' OR c.privacy_mode = CAST(@privacy_mode AS TEXT))
        AND (CAST(@active AS INTEGER) < 0 OR c.is_active = CAST(@active AS INTEGER))
) f
WHERE (f.sort_key, f.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY f.sort_key, f.id LIMIT @size OFFSET @skip;

-- name: CompanyIDsBySearchDesc :many
SELECT f.id, f.sort_key
FROM (
    SELECT c.id, CAST(CASE CAST(@sort AS TEXT) WHEN 'created_at' THEN c.created_at ELSE c.name_folded END AS TEXT) AS sort_key
    FROM companies_search s CROSS JOIN companies c ON c.id = s.rowid
    WHERE s.companies_search MATCH CAST(@words AS TEXT)
        AND (CAST(@country AS TEXT) = '' OR c.country = CAST(@country AS TEXT))
        AND (CAST(@privacy_mode AS TEXT) = '' OR c.privacy_mode = CAST(@privacy_mode AS TEXT))
        AND (CAST(@active AS INTEGER) < 0 OR c.is_active = CAST(@active AS INTEGER))
) f
WHERE (f.sort_key, f.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY f.sort_key DESC, f.id DESC LIMIT @size OFFSET @skip;

-- name: CountCompaniesBySearch :one
SELECT count(*) FROM companies_search s CROSS JOIN companies c ON c.id = s.rowid
WHERE s.companies_search MATCH CAST(@words AS TEXT)
    AND (CAST(@country AS TEXT) = '' OR c.country = CAST(@country AS TEXT))
    AND (CAST(@privacy_mode AS TEXT) = '' OR c.privacy_mode = CAST(@privacy_mode AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR c.is_active = CAST(@active AS INTEGER));

-- Looks at all of them, in an index that holds all that it asks.
-- name: CountCompanies :one
SELECT count(*) FROM companies c INDEXED BY companies_filters
WHERE true
    AND (CAST(@country AS TEXT) = '' OR c.country = CAST(@country AS TEXT))
    AND (CAST(@privacy_mode AS TEXT) = '' OR c.privacy_mode = CAST(@privacy_mode AS TEXT))
    AND (CAST(@active AS INTEGER) < 0 OR c.is_active = CAST(@active AS INTEGER));

-- name: CompaniesByID :many
SELECT sqlc.embed(c), CAST(coalesce((SELECT s.active_users FROM company_stats s WHERE s.company_id = c.id), 0) AS INTEGER) AS active_users
FROM json_each(CAST(@ids AS TEXT)) CROSS JOIN companies c ON c.id = json_each.value;

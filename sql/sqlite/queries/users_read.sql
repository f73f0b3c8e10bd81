-- What is not wanted is not read: want is a set of training.UserFields, and a CASE looks at no
-- column, a join at no row, of a branch that is not taken.

-- name: UsersByID :many
SELECT u.id, u.company_id,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1 THEN u.email ELSE '' END AS TEXT) AS email,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 2 THEN u.full_name ELSE '' END AS TEXT) AS full_name,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 4 THEN u.role ELSE '' END AS TEXT) AS role,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 8 THEN u.department ELSE '' END AS TEXT) AS department,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 16 THEN u.job_risk ELSE '' END AS TEXT) AS job_risk,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 32 THEN u.locale ELSE '' END AS TEXT) AS locale,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 64 THEN u.is_active ELSE 0 END AS INTEGER) AS is_active,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 128 THEN coalesce((SELECT a.last_login_at FROM user_activity a WHERE a.user_id = u.id), '')
        ELSE '' END AS TEXT) AS last_login_at,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 256 THEN u.created_at ELSE '' END AS TEXT) AS created_at,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 512 THEN u.updated_at ELSE '' END AS TEXT) AS updated_at,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1024 THEN u.version ELSE 0 END AS INTEGER) AS version
FROM users u
WHERE u.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)))
    AND (CAST(@any_company AS INTEGER) = 1 OR u.company_id = @company_id);

-- The version is always read: the ETag is made of it.
-- name: UserDetail :one
SELECT u.id, u.company_id, u.version,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1 THEN u.email ELSE '' END AS TEXT) AS email,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 2 THEN u.full_name ELSE '' END AS TEXT) AS full_name,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 4 THEN u.role ELSE '' END AS TEXT) AS role,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 8 THEN u.department ELSE '' END AS TEXT) AS department,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 16 THEN u.job_risk ELSE '' END AS TEXT) AS job_risk,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 32 THEN u.locale ELSE '' END AS TEXT) AS locale,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 64 THEN u.is_active ELSE 0 END AS INTEGER) AS is_active,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 128 THEN coalesce((SELECT a.last_login_at FROM user_activity a WHERE a.user_id = u.id), '')
        ELSE '' END AS TEXT) AS last_login_at,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 256 THEN u.created_at ELSE '' END AS TEXT) AS created_at,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 512 THEN u.updated_at ELSE '' END AS TEXT) AS updated_at,
    CAST(coalesce(c.name, '') AS TEXT) AS company_name, CAST(coalesce(c.slug, '') AS TEXT) AS company_slug,
    CAST(coalesce(c.country, '') AS TEXT) AS company_country, CAST(coalesce(c.data_zone, '') AS TEXT) AS company_zone,
    CAST(coalesce(c.locale, '') AS TEXT) AS company_locale, CAST(coalesce(c.privacy_mode, '') AS TEXT) AS company_privacy_mode
FROM users u
LEFT JOIN companies c ON c.id = CASE WHEN CAST(@want AS INTEGER) & 2048 THEN u.company_id END
WHERE u.id = @user_id
    AND (CAST(@any_company AS INTEGER) = 1 OR u.company_id = @company_id)
    AND (CAST(@manages AS INTEGER) = 1 OR u.id = @asker_id);

-- A completion whose time has run out is expired, whether or not somebody has written that down.
-- next_expiry is when the next one does: empty for never.
-- name: UserCourses :one
SELECT count(DISTINCT e.course_id) AS courses,
    CAST(total(e.status = 'assigned') AS INTEGER) AS assigned,
    CAST(total(e.status = 'in_progress') AS INTEGER) AS in_progress,
    CAST(total(e.status = 'completed' AND coalesce(e.expires_at, 'infinity') > CAST(@now AS TEXT)) AS INTEGER) AS completed,
    CAST(total(e.status = 'expired' OR e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT)) AS INTEGER) AS expired,
    CAST(coalesce(min(CASE WHEN e.status = 'completed' AND e.expires_at > CAST(@now AS TEXT) THEN e.expires_at END), '') AS TEXT) AS next_expiry
FROM enrollments e
WHERE e.user_id = @user_id;

-- name: UsersForExport :many
SELECT u.id, u.email, u.full_name, u.created_at FROM users u
WHERE u.company_id = @company_id AND u.id > @after_id
ORDER BY u.id LIMIT @size;

-- name: UsersForExportEverywhere :many
SELECT u.id, u.email, u.full_name, u.created_at FROM users u
WHERE u.id > @after_id
ORDER BY u.id LIMIT @size;

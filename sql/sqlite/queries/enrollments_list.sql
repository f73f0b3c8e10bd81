-- The enrollments of a company's people, as those who manage them see them. Tenancy is in every query:
-- company_id is what training.Principal lets the asker see; for all companies, which only platform
-- administrators see, queries of their own walk in an index of their own. Where the order is that of an
-- expression, its first comparison is what an index can seek by; see assignments.sql.
-- status is what is shown at now: a completion whose time has run out is expired. overdue is 1, 0 or, for
-- both, below; nobody who is not active is overdue.

-- name: CompanyEnrollmentIDsByCreated :many
SELECT e.id, e.created_at AS sort_key
FROM enrollments e
WHERE e.company_id = @company_id
    AND (e.created_at, e.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY e.created_at, e.id LIMIT @size OFFSET @skip;

-- name: CompanyEnrollmentIDsByCreatedDesc :many
SELECT e.id, e.created_at AS sort_key
FROM enrollments e
WHERE e.company_id = @company_id
    AND (e.created_at, e.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY e.created_at DESC, e.id DESC LIMIT @size OFFSET @skip;

-- name: CompanyEnrollmentIDsByDue :many
SELECT e.id, coalesce(e.due_at, 'infinity') AS sort_key
FROM enrollments e
WHERE e.company_id = @company_id
    AND coalesce(e.due_at, 'infinity') >= +CAST(@after_key AS TEXT)
    AND (coalesce(e.due_at, 'infinity'), e.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY coalesce(e.due_at, 'infinity'), e.id LIMIT @size OFFSET @skip;

-- name: CompanyEnrollmentIDsByDueDesc :many
SELECT e.id, coalesce(e.due_at, 'infinity') AS sort_key
FROM enrollments e
WHERE e.company_id = @company_id
    AND coalesce(e.due_at, 'infinity') <= +CAST(@after_key AS TEXT)
    AND (coalesce(e.due_at, 'infinity'), e.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY coalesce(e.due_at, 'infinity') DESC, e.id DESC LIMIT @size OFFSET @skip;

-- name: AllEnrollmentIDsByCreated :many
SELECT e.id, e.created_at AS sort_key
FROM enrollments e
WHERE (e.created_at, e.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY e.created_at, e.id LIMIT @size OFFSET @skip;

-- name: AllEnrollmentIDsByCreatedDesc :many
SELECT e.id, e.created_at AS sort_key
FROM enrollments e
WHERE (e.created_at, e.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY e.created_at DESC, e.id DESC LIMIT @size OFFSET @skip;

-- name: AllEnrollmentIDsByDue :many
SELECT e.id, coalesce(e.due_at, 'infinity') AS sort_key
FROM enrollments e
WHERE coalesce(e.due_at, 'infinity') >= +CAST(@after_key AS TEXT)
    AND (coalesce(e.due_at, 'infinity'), e.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY coalesce(e.due_at, 'infinity'), e.id LIMIT @size OFFSET @skip;

-- name: AllEnrollmentIDsByDueDesc :many
SELECT e.id, coalesce(e.due_at, 'infinity') AS sort_key
FROM enrollments e
WHERE coalesce(e.due_at, 'infinity') <= +CAST(@after_key AS TEXT)
    AND (coalesce(e.due_at, 'infinity'), e.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY coalesce(e.due_at, 'infinity') DESC, e.id DESC LIMIT @size OFFSET @skip;

-- What is overdue has an index of its own, of what is open: most of what fell due was completed.
-- No EXISTS looks at the person there: SQLite would make a join of it, and may begin that with the people.

-- name: CompanyOverdueIDs :many
SELECT e.id, coalesce(e.due_at, '') AS sort_key
FROM enrollments e
WHERE e.company_id = @company_id
    AND e.status IN ('assigned', 'in_progress') AND e.due_at <= CAST(@now AS TEXT)
    AND (e.due_at, e.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (SELECT u.is_active FROM users u WHERE u.id = e.user_id)
ORDER BY e.due_at, e.id LIMIT @size OFFSET @skip;

-- name: CompanyOverdueIDsDesc :many
SELECT e.id, coalesce(e.due_at, '') AS sort_key
FROM enrollments e
WHERE e.company_id = @company_id
    AND e.status IN ('assigned', 'in_progress') AND e.due_at <= CAST(@now AS TEXT)
    AND (e.due_at, e.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (SELECT u.is_active FROM users u WHERE u.id = e.user_id)
ORDER BY e.due_at DESC, e.id DESC LIMIT @size OFFSET @skip;

-- name: AllOverdueIDs :many
SELECT e.id, coalesce(e.due_at, '') AS sort_key
FROM enrollments e
WHERE e.status IN ('assigned', 'in_progress') AND e.due_at <= CAST(@now AS TEXT)
    AND (e.due_at, e.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (SELECT u.is_active FROM users u WHERE u.id = e.user_id)
ORDER BY e.due_at, e.id LIMIT @size OFFSET @skip;

-- name: AllOverdueIDsDesc :many
SELECT e.id, coalesce(e.due_at, '') AS sort_key
FROM enrollments e
WHERE e.status IN ('assigned', 'in_progress') AND e.due_at <= CAST(@now AS TEXT)
    AND (e.due_at, e.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (SELECT u.is_active FROM users u WHERE u.id = e.user_id)
ORDER BY e.due_at DESC, e.id DESC LIMIT @size OFFSET @skip;

-- Those of some people: of one, or of a department. Each has few.

-- name: PeopleEnrollmentIDs :many
SELECT e.id, CAST(CASE CAST(@sort AS TEXT) WHEN 'due_at' THEN coalesce(e.due_at, 'infinity') ELSE e.created_at END AS TEXT) AS sort_key
FROM enrollments e
WHERE e.user_id IN (SELECT value FROM json_each(CAST(@people AS TEXT)))
    AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id)
    AND (CAST(CASE CAST(@sort AS TEXT) WHEN 'due_at' THEN coalesce(e.due_at, 'infinity') ELSE e.created_at END AS TEXT), e.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY sort_key, e.id LIMIT @size OFFSET @skip;

-- name: PeopleEnrollmentIDsDesc :many
SELECT e.id, CAST(CASE CAST(@sort AS TEXT) WHEN 'due_at' THEN coalesce(e.due_at, 'infinity') ELSE e.created_at END AS TEXT) AS sort_key
FROM enrollments e
WHERE e.user_id IN (SELECT value FROM json_each(CAST(@people AS TEXT)))
    AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id)
    AND (CAST(CASE CAST(@sort AS TEXT) WHEN 'due_at' THEN coalesce(e.due_at, 'infinity') ELSE e.created_at END AS TEXT), e.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
        CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
    AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
        AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))
ORDER BY sort_key DESC, e.id DESC LIMIT @size OFFSET @skip;

-- Of one company, or of all with their ids from the lowest to the highest.
-- name: PeopleOfDepartment :many
SELECT u.id FROM users u
WHERE u.department = @department AND u.company_id BETWEEN CAST(@from_company AS INTEGER) AND CAST(@to_company AS INTEGER);

-- How many there are, and when that or which ones changes with no write. Of one company, or of all as above, which for
-- platform administrators walks everything, behind the cache and in an index alone, as CountUsersEverywhere does.
-- name: CountCompanyEnrollments :one
SELECT CAST(coalesce(sum((CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
            CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
        AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
            AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))), 0) AS INTEGER) AS total,
    CAST(coalesce(min(CASE WHEN e.status IN ('assigned', 'in_progress') AND e.due_at > CAST(@now AS TEXT) THEN e.due_at
        WHEN e.status = 'completed' AND e.expires_at > CAST(@now AS TEXT) THEN e.expires_at END), '') AS TEXT) AS next_change
FROM enrollments e
WHERE e.company_id BETWEEN CAST(@from_company AS INTEGER) AND CAST(@to_company AS INTEGER)
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER));

-- name: CountPeopleEnrollments :one
SELECT CAST(coalesce(sum((CAST(@status AS TEXT) = '' OR CAST(@status AS TEXT) =
            CASE WHEN e.status = 'completed' AND e.expires_at <= CAST(@now AS TEXT) THEN 'expired' ELSE e.status END)
        AND (CAST(@overdue AS INTEGER) < 0 OR CAST(@overdue AS INTEGER) = (e.status IN ('assigned', 'in_progress')
            AND coalesce(e.due_at, 'infinity') <= CAST(@now AS TEXT) AND EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.is_active = 1)))), 0) AS INTEGER) AS total,
    CAST(coalesce(min(CASE WHEN e.status IN ('assigned', 'in_progress') AND e.due_at > CAST(@now AS TEXT) THEN e.due_at
        WHEN e.status = 'completed' AND e.expires_at > CAST(@now AS TEXT) THEN e.expires_at END), '') AS TEXT) AS next_change
FROM enrollments e
WHERE e.user_id IN (SELECT value FROM json_each(CAST(@people AS TEXT)))
    AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id)
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER));

-- name: CountCompanyOverdue :one
SELECT count(*) AS total, CAST(coalesce((SELECT min(x.due_at) FROM enrollments x
        WHERE x.company_id = @company_id AND x.status IN ('assigned', 'in_progress') AND x.due_at > CAST(@now AS TEXT)), '') AS TEXT) AS next_change
FROM enrollments e
WHERE e.company_id = @company_id
    AND e.status IN ('assigned', 'in_progress') AND e.due_at <= CAST(@now AS TEXT)
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (SELECT u.is_active FROM users u WHERE u.id = e.user_id);

-- name: CountAllOverdue :one
SELECT count(*) AS total, CAST(coalesce((SELECT min(x.due_at) FROM enrollments x
        WHERE x.status IN ('assigned', 'in_progress') AND x.due_at > CAST(@now AS TEXT)), '') AS TEXT) AS next_change
FROM enrollments e
WHERE e.status IN ('assigned', 'in_progress') AND e.due_at <= CAST(@now AS TEXT)
    AND (CAST(@course_id AS INTEGER) = 0 OR e.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (SELECT u.is_active FROM users u WHERE u.id = e.user_id);

-- Where nothing but a course is asked for, all are counted already. 0 is all companies, or all courses.
-- name: EnrollmentTotal :one
SELECT CAST(coalesce(sum(s.enrollments), 0) AS INTEGER) FROM course_stats s
WHERE s.company_id = @company_id AND (CAST(@course_id AS INTEGER) = 0 OR s.course_id = CAST(@course_id AS INTEGER));

-- name: CompanyEnrollmentsByID :many
SELECT e.id, e.company_id, e.user_id, u.full_name, u.email, u.department, u.is_active, e.course_id, c.slug,
    coalesce(t.title, c.slug) AS title, e.status, e.due_at, e.completed_at, e.expires_at, e.lessons_done, e.created_at,
    (SELECT count(*) FROM lessons l WHERE l.course_id = e.course_id) AS lessons
FROM enrollments e
JOIN users u ON u.id = e.user_id
JOIN courses c ON c.id = e.course_id
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale))
WHERE e.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)))
    AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id);

-- Tenancy is in every query: company_id is the asker's own, and any_company is 1 only for a
-- platform administrator.

-- name: EnrollmentIDsByCreated :many
SELECT e.id, e.created_at AS sort_key
FROM enrollments e
WHERE e.user_id = @user_id AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id)
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (e.created_at, e.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY e.created_at, e.id LIMIT @size OFFSET @skip;

-- name: EnrollmentIDsByCreatedDesc :many
SELECT e.id, e.created_at AS sort_key
FROM enrollments e
WHERE e.user_id = @user_id AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id)
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (e.created_at, e.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY e.created_at DESC, e.id DESC LIMIT @size OFFSET @skip;

-- name: EnrollmentIDsByDue :many
SELECT e.id, coalesce(e.due_at, 'infinity') AS sort_key
FROM enrollments e
WHERE e.user_id = @user_id AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id)
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (coalesce(e.due_at, 'infinity'), e.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY coalesce(e.due_at, 'infinity'), e.id LIMIT @size OFFSET @skip;

-- name: EnrollmentIDsByDueDesc :many
SELECT e.id, coalesce(e.due_at, 'infinity') AS sort_key
FROM enrollments e
WHERE e.user_id = @user_id AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id)
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT))
    AND (coalesce(e.due_at, 'infinity'), e.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY coalesce(e.due_at, 'infinity') DESC, e.id DESC LIMIT @size OFFSET @skip;

-- name: CountEnrollments :one
SELECT count(*) FROM enrollments e
WHERE e.user_id = @user_id AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id)
    AND (CAST(@status AS TEXT) = '' OR e.status = CAST(@status AS TEXT));

-- name: EnrollmentsByID :many
SELECT sqlc.embed(e), c.slug, coalesce(t.title, c.slug) AS title, m.privacy_mode,
    (SELECT count(*) FROM lessons l WHERE l.course_id = e.course_id) AS lessons,
    CAST(coalesce((SELECT l.position FROM lessons l WHERE l.course_id = e.course_id
        AND NOT EXISTS (SELECT 1 FROM lesson_progress p WHERE p.enrollment_id = e.id AND p.lesson_id = l.id)
        ORDER BY l.position LIMIT 1), 0) AS INTEGER) AS next_lesson
FROM enrollments e
JOIN courses c ON c.id = e.course_id
JOIN companies m ON m.id = e.company_id
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale))
WHERE e.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)))
    AND (CAST(@any_company AS INTEGER) = 1 OR e.company_id = @company_id);

-- name: ProgressOfEnrollment :many
SELECT p.lesson_id, l.position, p.done_at, p.seconds
FROM lesson_progress p JOIN lessons l ON l.id = p.lesson_id
WHERE p.enrollment_id = @enrollment_id
ORDER BY l.position;

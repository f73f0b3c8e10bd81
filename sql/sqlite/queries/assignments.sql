-- Tenancy is in every query: company_id is the asker's own. What a platform administrator sees of all
-- companies has queries of its own, since the order of one company is another index than that of all.
-- Where the order is that of an expression, its first comparison is what an index can seek by: the +
-- takes the cast's affinity away, which the index does not have.

-- name: AssignmentIDsByCreated :many
SELECT a.id, a.created_at AS sort_key
FROM assignments a
WHERE a.company_id = @company_id
    AND (a.created_at, a.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR a.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@scope AS TEXT) = '' OR a.scope = CAST(@scope AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR a.department = CAST(@department AS TEXT))
    AND (CAST(@user_id AS INTEGER) = 0 OR a.user_id = CAST(@user_id AS INTEGER))
    AND (CAST(@state AS TEXT) = '' OR CAST(@state AS TEXT) = CASE WHEN a.ended_at IS NULL THEN 'open' ELSE 'ended' END)
ORDER BY a.created_at, a.id LIMIT @size OFFSET @skip;

-- name: AssignmentIDsByCreatedDesc :many
SELECT a.id, a.created_at AS sort_key
FROM assignments a
WHERE a.company_id = @company_id
    AND (a.created_at, a.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR a.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@scope AS TEXT) = '' OR a.scope = CAST(@scope AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR a.department = CAST(@department AS TEXT))
    AND (CAST(@user_id AS INTEGER) = 0 OR a.user_id = CAST(@user_id AS INTEGER))
    AND (CAST(@state AS TEXT) = '' OR CAST(@state AS TEXT) = CASE WHEN a.ended_at IS NULL THEN 'open' ELSE 'ended' END)
ORDER BY a.created_at DESC, a.id DESC LIMIT @size OFFSET @skip;

-- name: AssignmentIDsByDue :many
SELECT a.id, coalesce(a.due_at, 'infinity') AS sort_key
FROM assignments a
WHERE a.company_id = @company_id
    AND coalesce(a.due_at, 'infinity') >= +CAST(@after_key AS TEXT)
    AND (coalesce(a.due_at, 'infinity'), a.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR a.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@scope AS TEXT) = '' OR a.scope = CAST(@scope AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR a.department = CAST(@department AS TEXT))
    AND (CAST(@user_id AS INTEGER) = 0 OR a.user_id = CAST(@user_id AS INTEGER))
    AND (CAST(@state AS TEXT) = '' OR CAST(@state AS TEXT) = CASE WHEN a.ended_at IS NULL THEN 'open' ELSE 'ended' END)
ORDER BY coalesce(a.due_at, 'infinity'), a.id LIMIT @size OFFSET @skip;

-- name: AssignmentIDsByDueDesc :many
SELECT a.id, coalesce(a.due_at, 'infinity') AS sort_key
FROM assignments a
WHERE a.company_id = @company_id
    AND coalesce(a.due_at, 'infinity') <= +CAST(@after_key AS TEXT)
    AND (coalesce(a.due_at, 'infinity'), a.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR a.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@scope AS TEXT) = '' OR a.scope = CAST(@scope AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR a.department = CAST(@department AS TEXT))
    AND (CAST(@user_id AS INTEGER) = 0 OR a.user_id = CAST(@user_id AS INTEGER))
    AND (CAST(@state AS TEXT) = '' OR CAST(@state AS TEXT) = CASE WHEN a.ended_at IS NULL THEN 'open' ELSE 'ended' END)
ORDER BY coalesce(a.due_at, 'infinity') DESC, a.id DESC LIMIT @size OFFSET @skip;

-- name: AllAssignmentIDsByCreated :many
SELECT a.id, a.created_at AS sort_key
FROM assignments a
WHERE (a.created_at, a.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR a.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@scope AS TEXT) = '' OR a.scope = CAST(@scope AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR a.department = CAST(@department AS TEXT))
    AND (CAST(@user_id AS INTEGER) = 0 OR a.user_id = CAST(@user_id AS INTEGER))
    AND (CAST(@state AS TEXT) = '' OR CAST(@state AS TEXT) = CASE WHEN a.ended_at IS NULL THEN 'open' ELSE 'ended' END)
ORDER BY a.created_at, a.id LIMIT @size OFFSET @skip;

-- name: AllAssignmentIDsByCreatedDesc :many
SELECT a.id, a.created_at AS sort_key
FROM assignments a
WHERE (a.created_at, a.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR a.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@scope AS TEXT) = '' OR a.scope = CAST(@scope AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR a.department = CAST(@department AS TEXT))
    AND (CAST(@user_id AS INTEGER) = 0 OR a.user_id = CAST(@user_id AS INTEGER))
    AND (CAST(@state AS TEXT) = '' OR CAST(@state AS TEXT) = CASE WHEN a.ended_at IS NULL THEN 'open' ELSE 'ended' END)
ORDER BY a.created_at DESC, a.id DESC LIMIT @size OFFSET @skip;

-- name: AllAssignmentIDsByDue :many
SELECT a.id, coalesce(a.due_at, 'infinity') AS sort_key
FROM assignments a
WHERE coalesce(a.due_at, 'infinity') >= +CAST(@after_key AS TEXT)
    AND (coalesce(a.due_at, 'infinity'), a.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR a.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@scope AS TEXT) = '' OR a.scope = CAST(@scope AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR a.department = CAST(@department AS TEXT))
    AND (CAST(@user_id AS INTEGER) = 0 OR a.user_id = CAST(@user_id AS INTEGER))
    AND (CAST(@state AS TEXT) = '' OR CAST(@state AS TEXT) = CASE WHEN a.ended_at IS NULL THEN 'open' ELSE 'ended' END)
ORDER BY coalesce(a.due_at, 'infinity'), a.id LIMIT @size OFFSET @skip;

-- name: AllAssignmentIDsByDueDesc :many
SELECT a.id, coalesce(a.due_at, 'infinity') AS sort_key
FROM assignments a
WHERE coalesce(a.due_at, 'infinity') <= +CAST(@after_key AS TEXT)
    AND (coalesce(a.due_at, 'infinity'), a.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@course_id AS INTEGER) = 0 OR a.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@scope AS TEXT) = '' OR a.scope = CAST(@scope AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR a.department = CAST(@department AS TEXT))
    AND (CAST(@user_id AS INTEGER) = 0 OR a.user_id = CAST(@user_id AS INTEGER))
    AND (CAST(@state AS TEXT) = '' OR CAST(@state AS TEXT) = CASE WHEN a.ended_at IS NULL THEN 'open' ELSE 'ended' END)
ORDER BY coalesce(a.due_at, 'infinity') DESC, a.id DESC LIMIT @size OFFSET @skip;

-- Of one company, or of all with their ids from the lowest to the highest: administrators have written
-- each.
-- name: CountAssignments :one
SELECT count(*) FROM assignments a
WHERE a.company_id BETWEEN CAST(@from_company AS INTEGER) AND CAST(@to_company AS INTEGER)
    AND (CAST(@course_id AS INTEGER) = 0 OR a.course_id = CAST(@course_id AS INTEGER))
    AND (CAST(@scope AS TEXT) = '' OR a.scope = CAST(@scope AS TEXT))
    AND (CAST(@department AS TEXT) = '' OR a.department = CAST(@department AS TEXT))
    AND (CAST(@user_id AS INTEGER) = 0 OR a.user_id = CAST(@user_id AS INTEGER))
    AND (CAST(@state AS TEXT) = '' OR CAST(@state AS TEXT) = CASE WHEN a.ended_at IS NULL THEN 'open' ELSE 'ended' END);

-- name: AssignmentsByID :many
SELECT sqlc.embed(a), c.slug, coalesce(t.title, c.slug) AS title
FROM assignments a
JOIN courses c ON c.id = a.course_id
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale))
WHERE a.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)))
    AND (CAST(@any_company AS INTEGER) = 1 OR a.company_id = @company_id);

-- name: AssignmentCounts :many
SELECT s.assignment_id, s.assigned, s.in_progress, s.completed, s.expired,
    (SELECT count(*) FROM enrollments e WHERE e.assignment_id = s.assignment_id AND e.status IN ('assigned', 'in_progress')
        AND e.due_at <= CAST(@now AS TEXT)) AS overdue,
    CAST(coalesce((SELECT min(e.due_at) FROM enrollments e WHERE e.assignment_id = s.assignment_id
        AND e.status IN ('assigned', 'in_progress') AND e.due_at > CAST(@now AS TEXT)), '') AS TEXT) AS next_due
FROM assignment_stats s
WHERE s.assignment_id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)));

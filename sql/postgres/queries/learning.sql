-- Fewer than five statements make up each write, the question for the position included.

-- Everything that decides what an enrollment in a course means. Always one row.
-- name: EnrollmentContext :one
SELECT EXISTS (SELECT FROM courses WHERE courses.id = @course_id AND is_published)::boolean AS has_course,
    coalesce(latest.id, 0)::bigint AS latest_id, coalesce(latest.cycle, 0)::integer AS latest_cycle,
    coalesce(latest.status, '')::text AS latest_status, latest.expires_at AS latest_expires_at
FROM (SELECT @user_id::bigint AS user_id) asker
LEFT JOIN LATERAL (
    SELECT id, cycle, status, expires_at FROM enrollments
    WHERE enrollments.user_id = asker.user_id AND enrollments.course_id = @course_id
    ORDER BY cycle DESC LIMIT 1
) latest ON true;

-- Company and zone are the user's own as of now, whatever the token still says. No row: the same
-- was done in the same instant.
-- name: InsertEnrollment :one
WITH e AS (
    INSERT INTO enrollments (company_id, data_zone, user_id, course_id, cycle)
    SELECT u.company_id, u.data_zone, u.id, @course_id, @cycle FROM users u
    WHERE u.id = @user_id AND u.company_id = @company_id AND u.is_active
    ON CONFLICT (user_id, course_id, cycle) DO NOTHING
    RETURNING *
)
SELECT e.id, e.created_at, c.slug, coalesce(t.title, d.title, c.slug) AS title,
    ARRAY(SELECT l.position FROM lessons l WHERE l.course_id = e.course_id ORDER BY l.position)::integer[] AS course_lessons
FROM e
JOIN courses c ON c.id = e.course_id
LEFT JOIN course_translations t ON t.course_id = c.id AND t.locale = @locale
LEFT JOIN course_translations d ON d.course_id = c.id AND d.locale = c.default_locale;

-- An enrollment with the lessons that are done, in their order, as columns of the same length.
-- name: Enrollment :one
SELECT sqlc.embed(e), c.slug, coalesce(t.title, d.title, c.slug) AS title,
    ARRAY(SELECT l.position FROM lessons l WHERE l.course_id = e.course_id ORDER BY l.position)::integer[] AS course_lessons,
    done.lesson_ids, done.positions, done.times, done.seconds
FROM enrollments e
JOIN courses c ON c.id = e.course_id
LEFT JOIN course_translations t ON t.course_id = c.id AND t.locale = @locale
LEFT JOIN course_translations d ON d.course_id = c.id AND d.locale = c.default_locale
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(p.lesson_id ORDER BY l.position), '{}')::bigint[] AS lesson_ids,
        coalesce(array_agg(l.position ORDER BY l.position), '{}')::integer[] AS positions,
        coalesce(array_agg(p.done_at ORDER BY l.position), '{}')::timestamptz[] AS times,
        coalesce(array_agg(p.seconds ORDER BY l.position), '{}')::integer[] AS seconds
    FROM lesson_progress p JOIN lessons l ON l.id = p.lesson_id
    WHERE p.enrollment_id = e.id
) done
WHERE e.id = @id AND e.user_id = @user_id AND e.company_id = @company_id;

-- An enrollment with the lesson at a position and all that completing it depends on. Locked: two
-- lessons done at once are counted one after the other, and the next statement sees the first. And it
-- does what BeginOperation does for others: it tells the audit log who writes, and finds out whether
-- they still may.
-- name: LockEnrollment :one
SELECT sqlc.embed(e), c.slug, c.validity_days, coalesce(t.title, d.title, c.slug) AS title,
    ARRAY(SELECT l.position FROM lessons l WHERE l.course_id = e.course_id ORDER BY l.position)::integer[] AS course_lessons,
    coalesce((SELECT min(r.interval_months) FROM requirement_courses rc JOIN requirements r ON r.id = rc.requirement_id
        WHERE rc.course_id = e.course_id), 0)::integer AS interval_months,
    coalesce(lesson.id, 0)::bigint AS lesson_id, coalesce(lesson.kind, '')::text AS lesson_kind, now()::timestamptz AS at,
    set_config('outpost.actor', e.user_id::text, true)::text AS actor, set_config('outpost.ip', @ip::text, true)::text AS origin,
    set_config('outpost.operation', 'recordProgress', true)::text AS operation,
    EXISTS (SELECT FROM users u JOIN companies m ON m.id = u.company_id
        WHERE u.id = e.user_id AND u.company_id = e.company_id AND u.is_active AND m.is_active)::boolean AS is_active,
    (EXISTS (SELECT FROM sessions s WHERE s.id = @session_id::bigint AND s.user_id = e.user_id AND (s.revoked_at IS NOT NULL
        OR EXISTS (SELECT FROM token_revocations v WHERE v.user_id = s.user_id AND v.revoked_at >= s.created_at)))
    OR EXISTS (SELECT FROM api_keys a WHERE a.id = @key_id::bigint AND (a.revoked_at IS NOT NULL OR a.expires_at <= now())))::boolean AS is_over
FROM enrollments e
JOIN courses c ON c.id = e.course_id
LEFT JOIN course_translations t ON t.course_id = c.id AND t.locale = @locale
LEFT JOIN course_translations d ON d.course_id = c.id AND d.locale = c.default_locale
LEFT JOIN lessons lesson ON lesson.course_id = e.course_id AND lesson.position = @position
WHERE e.id = @id AND e.user_id = @user_id AND e.company_id = @company_id
FOR UPDATE OF e;

-- Records one lesson and gives all that are done. Nothing is written, and so nothing replicated,
-- when the lesson is known to be done and took no longer than is known.
-- name: UpsertProgress :many
WITH done AS (
    INSERT INTO lesson_progress (company_id, data_zone, user_id, enrollment_id, lesson_id, seconds)
    SELECT e.company_id, e.data_zone, e.user_id, e.id, @lesson_id, @seconds FROM enrollments e WHERE e.id = @enrollment_id
    ON CONFLICT (enrollment_id, lesson_id) DO UPDATE SET seconds = excluded.seconds
    WHERE lesson_progress.seconds < excluded.seconds
    RETURNING lesson_progress.lesson_id, lesson_progress.done_at, lesson_progress.seconds
)
SELECT p.lesson_id, l.position, p.done_at, p.seconds, p.changed
FROM (
    SELECT done.lesson_id, done.done_at, done.seconds, true AS changed FROM done
    UNION ALL
    SELECT k.lesson_id, k.done_at, k.seconds, false FROM lesson_progress k
    WHERE k.enrollment_id = @enrollment_id AND k.lesson_id NOT IN (SELECT done.lesson_id FROM done)
) p
JOIN lessons l ON l.id = p.lesson_id
ORDER BY l.position;

-- What becomes of an enrollment. A code comes with a completion: its certificate is issued.
-- name: UpdateEnrollment :one
WITH certificate AS (
    INSERT INTO certificates (company_id, data_zone, user_id, enrollment_id, course_id, code, issued_at, expires_at)
    SELECT e.company_id, e.data_zone, e.user_id, e.id, e.course_id, @code, sqlc.narg(completed_at), sqlc.narg(expires_at)
    FROM enrollments e WHERE e.id = @id AND @code::text <> ''
)
UPDATE enrollments SET status = @status, lessons_done = @lessons_done, started_at = coalesce(started_at, now()),
    completed_at = sqlc.narg(completed_at), expires_at = sqlc.narg(expires_at)
WHERE enrollments.id = @id
RETURNING *;

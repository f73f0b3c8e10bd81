-- Walks along the open enrollments that fall due in a span of time, from a place on, so many at once.
-- Of the people whose reminder is lacking, all that is to be written on that day is: one letter each. A
-- reminder is to be written on the day that lies days before the due date: @today, or since @earliest.
-- Two primaries that walk at once meet in the key of reminders, in its order: one of them writes the
-- letter, and the other none. Gives the place where the walk goes on, and how many letters there are.
-- name: WriteReminders :one
WITH walked AS MATERIALIZED (
    SELECT e.id, e.user_id, e.due_at FROM enrollments e
    WHERE e.status IN ('assigned', 'in_progress') AND e.due_at < @until::timestamptz
        AND (e.due_at, e.id) > (@after_due::timestamptz, @after_id::bigint)
    ORDER BY e.due_at, e.id LIMIT @size
), person AS (
    SELECT u.id, u.company_id, u.data_zone, u.email, u.full_name, coalesce(nullif(u.locale, ''), c.locale) AS locale, c.name AS company
    FROM users u JOIN companies c ON c.id = u.company_id
    WHERE u.is_active AND c.is_active AND u.id IN (
        SELECT w.user_id FROM walked w
        WHERE NOT EXISTS (SELECT FROM reminders r
            WHERE r.enrollment_id = w.id AND r.days = @days::integer AND r.due_on = (w.due_at AT TIME ZONE 'UTC')::date))
), due AS (
    SELECT e.id, p.id AS user_id, e.course_id, e.due_at, (e.due_at AT TIME ZONE 'UTC')::date AS due_on
    FROM person p JOIN enrollments e ON e.user_id = p.id AND e.status IN ('assigned', 'in_progress') AND e.due_at IS NOT NULL
), wanted AS (
    SELECT d.id, n AS days, d.due_on FROM due d CROSS JOIN unnest(@all_days::integer[]) AS n
    WHERE d.due_on - n <= @today::date AND d.due_on - n >= @earliest::date
), written AS (
    INSERT INTO reminders (enrollment_id, days, due_on)
    SELECT wanted.id, wanted.days, wanted.due_on FROM wanted ORDER BY wanted.id, wanted.days, wanted.due_on
    ON CONFLICT (enrollment_id, days, due_on) DO NOTHING
    RETURNING enrollment_id
), letter AS (
    INSERT INTO outbox (company_id, data_zone, kind, recipient, locale, payload, expires_at)
    SELECT p.company_id, p.data_zone, @kind::text, p.email, p.locale, jsonb_build_object('name', p.full_name, 'company', p.company,
        'courses', (SELECT jsonb_agg(jsonb_build_object('title', coalesce(
                (SELECT t.title FROM course_translations t WHERE t.course_id = d.course_id AND t.locale = p.locale),
                (SELECT t.title FROM course_translations t WHERE t.course_id = d.course_id AND t.locale = c.default_locale), c.slug),
                'due_on', d.due_on, 'overdue', d.due_at <= @at::timestamptz) ORDER BY d.due_at, d.id)
            FROM due d JOIN courses c ON c.id = d.course_id
            WHERE d.user_id = p.id AND d.id IN (SELECT enrollment_id FROM written))), now() + make_interval(secs => @life::float8)
    FROM person p
    WHERE p.id IN (SELECT d.user_id FROM due d JOIN written w ON w.enrollment_id = d.id)
    RETURNING 1
)
SELECT count(*) AS walked, coalesce(max(w.due_at), @after_due::timestamptz)::timestamptz AS last_due,
    coalesce((SELECT x.id FROM walked x ORDER BY x.due_at DESC, x.id DESC LIMIT 1), @after_id::bigint)::bigint AS last_id,
    (SELECT count(*) FROM letter) AS letters
FROM walked w;

-- Whom a request to remind is about: whether there is such a person, and a course that the company may know of, and how
-- many people it would remind, of whom no more are counted than @most. Always one row.
-- name: ReminderContext :one
SELECT (@user_id::bigint = 0 OR EXISTS (SELECT FROM users u WHERE u.id = @user_id::bigint AND u.company_id = @company_id))::boolean AS has_user,
    (@course_id::bigint = 0 OR EXISTS (SELECT FROM courses c WHERE c.id = @course_id::bigint AND (c.is_published
        OR EXISTS (SELECT FROM enrollments x WHERE x.company_id = @company_id AND x.course_id = c.id))))::boolean AS has_course,
    (SELECT count(*) FROM (
        SELECT DISTINCT e.user_id FROM enrollments e JOIN users u ON u.id = e.user_id AND u.is_active
        WHERE e.company_id = @company_id AND e.status IN ('assigned', 'in_progress') AND e.due_at <= @at::timestamptz
            AND (@user_id::bigint = 0 OR e.user_id = @user_id::bigint) AND (@course_id::bigint = 0 OR e.course_id = @course_id::bigint)
            AND (@department::text = '' OR u.department = @department::text)
        LIMIT @most) x)::bigint AS people;

-- Writes a letter to every active person who is overdue, was chosen and had none on @today, about all that they
-- have overdue. Two who press at once meet in the key of overdue_reminders, in its order: one of them writes the
-- letter, and the other none.
-- name: RemindOverdue :one
WITH person AS MATERIALIZED (
    SELECT u.id, u.company_id, u.data_zone, u.email, u.full_name, coalesce(nullif(u.locale, ''), c.locale) AS locale, c.name AS company
    FROM users u JOIN companies c ON c.id = u.company_id
    WHERE u.company_id = @company_id AND u.is_active AND c.is_active AND (@department::text = '' OR u.department = @department::text)
        AND u.id IN (
            SELECT e.user_id FROM enrollments e
            WHERE e.company_id = @company_id AND e.status IN ('assigned', 'in_progress') AND e.due_at <= @at::timestamptz
                AND (@user_id::bigint = 0 OR e.user_id = @user_id::bigint) AND (@course_id::bigint = 0 OR e.course_id = @course_id::bigint))
), marked AS (
    INSERT INTO overdue_reminders (user_id, company_id, data_zone, reminded_on)
    SELECT p.id, p.company_id, p.data_zone, @today::date FROM person p ORDER BY p.id
    ON CONFLICT (user_id) DO UPDATE SET reminded_on = excluded.reminded_on WHERE overdue_reminders.reminded_on < excluded.reminded_on
    RETURNING user_id
), letter AS (
    INSERT INTO outbox (company_id, data_zone, kind, recipient, locale, payload, expires_at)
    SELECT p.company_id, p.data_zone, @kind::text, p.email, p.locale, jsonb_build_object('name', p.full_name, 'company', p.company,
        'courses', (SELECT jsonb_agg(jsonb_build_object('title', coalesce(
                (SELECT t.title FROM course_translations t WHERE t.course_id = e.course_id AND t.locale = p.locale),
                (SELECT t.title FROM course_translations t WHERE t.course_id = e.course_id AND t.locale = c.default_locale), c.slug),
                'due_on', (e.due_at AT TIME ZONE 'UTC')::date, 'overdue', true) ORDER BY e.due_at, e.id)
            FROM enrollments e JOIN courses c ON c.id = e.course_id
            WHERE e.user_id = p.id AND e.status IN ('assigned', 'in_progress') AND e.due_at <= @at::timestamptz)),
        now() + make_interval(secs => @life::float8)
    FROM person p JOIN marked m ON m.user_id = p.id
    RETURNING 1
)
SELECT (SELECT count(*) FROM letter) AS reminded, (SELECT count(*) FROM person) AS people;

-- What figures are made of. They are of a company whoever asks: see training.FigureQueries.

-- name: CompanyProfile :one
SELECT c.id, c.name, c.locale, c.privacy_mode, CAST(coalesce(s.active_users, 0) AS INTEGER) AS active_users
FROM companies c LEFT JOIN company_stats s ON s.company_id = c.id
WHERE c.id = @company_id;

-- name: ActiveTotal :one
SELECT active_users FROM user_totals;

-- name: PopularCourses :many
SELECT c.id, c.slug, coalesce(t.title, c.slug) AS title, s.enrollments, s.completed
FROM course_stats s
JOIN courses c ON c.id = s.course_id AND c.is_published = 1
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale))
WHERE s.company_id = @company_id AND s.people >= @people
ORDER BY s.enrollments DESC, s.course_id LIMIT @size;

-- A framework's requirements, or where none is named those of all.
-- name: Requirements :many
SELECT r.id, f.code AS framework, r.code, coalesce(t.text, r.text) AS text, coalesce(r.interval_months, 0) AS interval_months,
    CAST(coalesce((SELECT group_concat(x.course_id, ' ') FROM requirement_courses x WHERE x.requirement_id = r.id), '') AS TEXT) AS courses
FROM frameworks f
CROSS JOIN requirements r ON r.framework_id = f.id
LEFT JOIN requirement_translations t ON t.requirement_id = r.id AND t.locale = @locale
WHERE CAST(@framework AS TEXT) = '' OR f.code = CAST(@framework AS TEXT);

-- Facts gives one row a person: what belongs to it is put into one text, fields between blanks and records
-- between semicolons, which costs a third of what rows of their own cost. What is not wanted is not
-- read: want is a set of training.Fact, and a CASE looks at nothing of a branch that is not taken. The
-- requirements are the same in every row, and read once.
-- name: Facts :many
SELECT u.id, u.company_id, u.department, u.job_risk,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1 THEN u.full_name ELSE '' END AS TEXT) AS full_name,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1 THEN u.email ELSE '' END AS TEXT) AS email,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1 THEN u.pseudonym ELSE '' END AS TEXT) AS pseudonym,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 2 THEN coalesce((SELECT group_concat(concat_ws(' ', e.id, e.course_id, e.cycle, e.status,
            coalesce(e.due_at, '-'), coalesce(e.started_at, '-'), coalesce(e.completed_at, '-'), coalesce(e.expires_at, '-')), ';')
        FROM enrollments e WHERE e.user_id = u.id), '') ELSE '' END AS TEXT) AS duties,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 4 THEN coalesce((SELECT group_concat(concat_ws(' ', p.campaign_id, p.kind, p.occurred_at), ';')
        FROM phishing_events p WHERE p.user_id = u.id), '') ELSE '' END AS TEXT) AS events,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 8 THEN coalesce((SELECT a.score FROM quiz_attempts a WHERE a.user_id = u.id
        ORDER BY a.submitted_at DESC, a.id DESC LIMIT 1), -1) ELSE -1 END AS INTEGER) AS last_quiz,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 16 THEN coalesce((SELECT group_concat(r.requirement_id || ' ' || r.course_id, ';')
        FROM requirement_courses r), '') ELSE '' END AS TEXT) AS requirements
FROM users u
WHERE u.company_id = @company_id AND u.is_active = 1 AND u.id >= @first_id AND u.id <= @last_id
ORDER BY u.id;

-- name: FactsEverywhere :many
SELECT u.id, u.company_id, u.department, u.job_risk,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1 THEN u.full_name ELSE '' END AS TEXT) AS full_name,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1 THEN u.email ELSE '' END AS TEXT) AS email,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1 THEN u.pseudonym ELSE '' END AS TEXT) AS pseudonym,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 2 THEN coalesce((SELECT group_concat(concat_ws(' ', e.id, e.course_id, e.cycle, e.status,
            coalesce(e.due_at, '-'), coalesce(e.started_at, '-'), coalesce(e.completed_at, '-'), coalesce(e.expires_at, '-')), ';')
        FROM enrollments e WHERE e.user_id = u.id), '') ELSE '' END AS TEXT) AS duties,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 4 THEN coalesce((SELECT group_concat(concat_ws(' ', p.campaign_id, p.kind, p.occurred_at), ';')
        FROM phishing_events p WHERE p.user_id = u.id), '') ELSE '' END AS TEXT) AS events,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 8 THEN coalesce((SELECT a.score FROM quiz_attempts a WHERE a.user_id = u.id
        ORDER BY a.submitted_at DESC, a.id DESC LIMIT 1), -1) ELSE -1 END AS INTEGER) AS last_quiz,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 16 THEN coalesce((SELECT group_concat(r.requirement_id || ' ' || r.course_id, ';')
        FROM requirement_courses r), '') ELSE '' END AS TEXT) AS requirements
FROM users u
WHERE u.id >= @first_id AND u.id <= @last_id AND +u.is_active = 1
ORDER BY u.id;

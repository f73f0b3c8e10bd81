-- What an attempt at a quiz is graded by, and how far the asker is: their latest enrollment in the
-- course is locked. Questions and options are columns of the same length each; a time that is not
-- there is Go's zero time. No row: no such quiz that may be seen.
-- name: LockQuiz :one
SELECT q.id, q.lesson_id, q.course_id, q.pass_percent, q.max_attempts, q.time_limit_seconds, l.position AS lesson,
    c.slug, c.validity_days, coalesce(t.title, d.title, c.slug) AS title,
    ARRAY(SELECT x.position FROM lessons x WHERE x.course_id = q.course_id ORDER BY x.position)::integer[] AS course_lessons,
    coalesce((SELECT min(r.interval_months) FROM requirement_courses rc JOIN requirements r ON r.id = rc.requirement_id
        WHERE rc.course_id = q.course_id), 0)::integer AS interval_months,
    ARRAY(SELECT x.id FROM questions x WHERE x.quiz_id = q.id ORDER BY x.position)::bigint[] AS question_ids,
    ARRAY(SELECT x.kind = 'multiple' FROM questions x WHERE x.quiz_id = q.id ORDER BY x.position)::boolean[] AS multiple,
    ARRAY(SELECT coalesce((SELECT y.text FROM question_explanations y WHERE y.question_id = x.id
            AND y.locale IN (@locale::text, c.default_locale) ORDER BY y.locale = @locale::text DESC LIMIT 1), '')
        FROM questions x WHERE x.quiz_id = q.id ORDER BY x.position)::text[] AS explanations,
    answers.option_ids, answers.of_questions, answers.is_right,
    coalesce(mine.enrollment_id, 0)::bigint AS enrollment_id, coalesce(mine.status, '')::text AS status,
    coalesce(mine.completed_at, '0001-01-01Z')::timestamptz AS completed_at,
    coalesce(mine.expires_at, '0001-01-01Z')::timestamptz AS expires_at, coalesce(mine.attempts, 0)::integer AS attempts,
    coalesce(mine.started_at, '0001-01-01Z')::timestamptz AS started_at, coalesce(mine.ends_at, '0001-01-01Z')::timestamptz AS ends_at,
    coalesce(mine.lesson_ids, '{}')::bigint[] AS lesson_ids, coalesce(mine.positions, '{}')::integer[] AS positions,
    coalesce(mine.times, '{}')::timestamptz[] AS times, coalesce(mine.seconds, '{}')::integer[] AS seconds
FROM quizzes q
JOIN lessons l ON l.id = q.lesson_id
JOIN courses c ON c.id = q.course_id
LEFT JOIN course_translations t ON t.course_id = c.id AND t.locale = @locale::text
LEFT JOIN course_translations d ON d.course_id = c.id AND d.locale = c.default_locale
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(o.id), '{}')::bigint[] AS option_ids, coalesce(array_agg(o.question_id), '{}')::bigint[] AS of_questions,
        coalesce(array_agg(k.option_id IS NOT NULL), '{}')::boolean[] AS is_right
    FROM questions x JOIN options o ON o.question_id = x.id
    LEFT JOIN question_keys k ON k.question_id = o.question_id AND k.option_id = o.id
    WHERE x.quiz_id = q.id
) answers
LEFT JOIN LATERAL lock_attempts(@user_id, @company_id, q.id) AS mine (enrollment_id, status, completed_at, expires_at,
    attempts, started_at, ends_at, lesson_ids, positions, times, seconds) ON true
WHERE q.id = @id AND (c.is_published OR @unpublished::boolean);

-- Begins an attempt. One that was left to run out is an attempt that nothing was answered in.
-- name: StartQuiz :exec
WITH lapsed AS (
    INSERT INTO quiz_attempts (company_id, data_zone, user_id, enrollment_id, quiz_id, number, score, passed, submitted_at, seconds)
    SELECT e.company_id, e.data_zone, e.user_id, e.id, s.quiz_id, @lapsed::integer, 0, false, s.ends_at,
        extract(epoch FROM s.ends_at - s.started_at)::integer
    FROM quiz_starts s JOIN enrollments e ON e.id = s.enrollment_id
    WHERE s.enrollment_id = @enrollment_id AND s.quiz_id = @quiz_id AND @lapsed::integer > 0
    RETURNING enrollment_id
), scored AS (
    UPDATE enrollments SET score = 0 WHERE enrollments.id IN (SELECT lapsed.enrollment_id FROM lapsed)
)
INSERT INTO quiz_starts (enrollment_id, quiz_id, started_at, ends_at) VALUES (@enrollment_id, @quiz_id, @started_at, @ends_at)
ON CONFLICT (enrollment_id, quiz_id) DO UPDATE SET started_at = excluded.started_at, ends_at = excluded.ends_at;

-- Records a graded attempt with all that follows from it: the answers, the quiz's lesson as done
-- when it was passed, the enrollment, and the certificate of a completion (a code: see
-- UpdateEnrollment).
-- name: RecordAttempt :one
WITH attempt AS (
    INSERT INTO quiz_attempts (company_id, data_zone, user_id, enrollment_id, quiz_id, number, score, passed, seconds)
    SELECT e.company_id, e.data_zone, e.user_id, e.id, @quiz_id, @number, @score::integer, @passed, sqlc.narg(seconds)
    FROM enrollments e WHERE e.id = @enrollment_id
    RETURNING id
), answers AS (
    INSERT INTO quiz_attempt_answers (quiz_attempt_id, question_id, option_id)
    SELECT attempt.id, unnest(@questions::bigint[]), unnest(@options::bigint[]) FROM attempt
), over AS (
    DELETE FROM quiz_starts s WHERE s.enrollment_id = @enrollment_id AND s.quiz_id = @quiz_id
), done AS (
    INSERT INTO lesson_progress (company_id, data_zone, user_id, enrollment_id, lesson_id, seconds)
    SELECT e.company_id, e.data_zone, e.user_id, e.id, @lesson_id, coalesce(sqlc.narg(seconds), 0)
    FROM enrollments e WHERE e.id = @enrollment_id AND @passed
    ON CONFLICT (enrollment_id, lesson_id) DO NOTHING
), certificate AS (
    INSERT INTO certificates (company_id, data_zone, user_id, enrollment_id, course_id, code, issued_at, expires_at)
    SELECT e.company_id, e.data_zone, e.user_id, e.id, e.course_id, @code, sqlc.narg(completed_at), sqlc.narg(expires_at)
    FROM enrollments e WHERE e.id = @enrollment_id AND @code::text <> ''
)
UPDATE enrollments SET status = @status, lessons_done = @lessons_done, score = @score::integer,
    started_at = CASE WHEN @lessons_done > 0 THEN coalesce(started_at, now()) ELSE started_at END,
    completed_at = sqlc.narg(completed_at), expires_at = sqlc.narg(expires_at)
WHERE enrollments.id = @enrollment_id
RETURNING *;

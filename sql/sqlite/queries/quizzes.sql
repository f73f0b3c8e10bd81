-- What is right is in no table of a replica.

-- name: Quiz :one
SELECT q.*, c.slug, l.position AS lesson, CAST(coalesce((SELECT x.locale FROM course_translations x
    WHERE x.course_id = c.id AND x.locale = @locale), c.default_locale) AS TEXT) AS locale
FROM quizzes q JOIN courses c ON c.id = q.course_id JOIN lessons l ON l.id = q.lesson_id
WHERE q.id = @id AND c.is_published IN (1, CAST(@published AS INTEGER));

-- name: QuestionsOfQuiz :many
SELECT x.id, x.position, x.kind, coalesce(t.text, '') AS text
FROM questions x JOIN courses c ON c.id = x.course_id
LEFT JOIN question_translations t ON t.id = coalesce(
    (SELECT y.id FROM question_translations y WHERE y.question_id = x.id AND y.locale = @locale),
    (SELECT y.id FROM question_translations y WHERE y.question_id = x.id AND y.locale = c.default_locale))
WHERE x.quiz_id = @quiz_id
ORDER BY x.position;

-- name: OptionsOfQuiz :many
SELECT o.id, o.question_id, coalesce(t.text, '') AS text
FROM questions x JOIN courses c ON c.id = x.course_id JOIN options o ON o.question_id = x.id
LEFT JOIN option_translations t ON t.id = coalesce(
    (SELECT y.id FROM option_translations y WHERE y.option_id = o.id AND y.locale = @locale),
    (SELECT y.id FROM option_translations y WHERE y.option_id = o.id AND y.locale = c.default_locale))
WHERE x.quiz_id = @quiz_id
ORDER BY x.position, o.position;

-- The asker's latest enrollment in a quiz's course, null without one. No row: no such quiz.
-- name: AttemptsContext :one
SELECT q.course_id, q.max_attempts, e.id AS enrollment_id, e.status, e.expires_at
FROM quizzes q JOIN courses c ON c.id = q.course_id
LEFT JOIN enrollments e ON e.id = (SELECT y.id FROM enrollments y WHERE y.user_id = @user_id AND y.course_id = q.course_id
    AND y.company_id = @company_id ORDER BY y.cycle DESC LIMIT 1)
WHERE q.id = @quiz_id AND c.is_published IN (1, CAST(@published AS INTEGER));

-- name: AttemptsOfEnrollment :many
SELECT a.number, a.score, a.passed, a.seconds, a.submitted_at FROM quiz_attempts a
WHERE a.enrollment_id = @enrollment_id AND a.quiz_id = @quiz_id
ORDER BY a.number;

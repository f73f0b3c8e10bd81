-- Quizzes with a time limit, and what decides about an attempt.

-- +goose Up
ALTER TABLE quizzes ADD COLUMN time_limit_seconds integer CHECK (time_limit_seconds > 0); -- NULL: none
SELECT outpost.schema_changed();
-- From the start of the attempt; NULL where there is no time limit.
ALTER TABLE quiz_attempts ADD COLUMN seconds integer CHECK (seconds >= 0);
SELECT outpost.schema_changed();

-- Not replicated: the attempt that is under way, of a quiz with a time limit.
CREATE TABLE quiz_starts (
    enrollment_id bigint NOT NULL REFERENCES enrollments (id) ON DELETE CASCADE,
    quiz_id       bigint NOT NULL REFERENCES quizzes (id) ON DELETE CASCADE,
    started_at    timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL CHECK (ends_at > started_at),
    PRIMARY KEY (enrollment_id, quiz_id)
);
SELECT outpost.schema_changed();
CREATE INDEX quiz_starts_quiz ON quiz_starts (quiz_id);

-- Locks the asker's latest enrollment in a quiz's course and then tells how far it is: no row
-- without one. A function, because each of its statements sees what was committed before it
-- began: of two attempts at once the second counts the first. A single statement would wait for
-- the lock and then look at the state from before.
-- +goose StatementBegin
CREATE FUNCTION lock_attempts(asker bigint, company bigint, quiz bigint)
RETURNS TABLE (
    enrollment_id bigint, status text, completed_at timestamptz, expires_at timestamptz,
    attempts integer, started_at timestamptz, ends_at timestamptz,
    lesson_ids bigint[], positions integer[], times timestamptz[], seconds integer[]
) LANGUAGE plpgsql AS $$
DECLARE
    latest enrollments;
BEGIN
    SELECT e.* INTO latest
    FROM quizzes q JOIN enrollments e ON e.course_id = q.course_id AND e.user_id = asker AND e.company_id = company
    WHERE q.id = quiz
    ORDER BY e.cycle DESC LIMIT 1
    FOR UPDATE OF e;
    IF latest.id IS NULL THEN RETURN; END IF;
    RETURN QUERY
    SELECT latest.id, latest.status, latest.completed_at, latest.expires_at,
        (SELECT count(*)::integer FROM quiz_attempts a WHERE a.enrollment_id = latest.id AND a.quiz_id = quiz),
        s.started_at, s.ends_at,
        coalesce(done.lesson_ids, '{}'), coalesce(done.positions, '{}'), coalesce(done.times, '{}'), coalesce(done.seconds, '{}')
    FROM (
        SELECT array_agg(p.lesson_id ORDER BY l.position) AS lesson_ids, array_agg(l.position ORDER BY l.position) AS positions,
            array_agg(p.done_at ORDER BY l.position) AS times, array_agg(p.seconds ORDER BY l.position) AS seconds
        FROM lesson_progress p JOIN lessons l ON l.id = p.lesson_id
        WHERE p.enrollment_id = latest.id
    ) done
    LEFT JOIN quiz_starts s ON s.enrollment_id = latest.id AND s.quiz_id = quiz;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION lock_attempts(bigint, bigint, bigint);
DROP TABLE quiz_starts;
SELECT outpost.schema_changed();
ALTER TABLE quiz_attempts DROP COLUMN seconds;
SELECT outpost.schema_changed();
ALTER TABLE quizzes DROP COLUMN time_limit_seconds;
SELECT outpost.schema_changed();

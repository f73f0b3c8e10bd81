-- How assignments reach people.
--
-- A run hands one occurrence of an assignment out: the first one when it is made, the next one
-- when the one before falls due. The primary's worker takes it through the company in batches,
-- each a transaction; run again it changes nothing. Occurrence 0 is the end: it takes back what was
-- not begun. Who joins later is seen to by a trigger, so that no way of making a user forgets it.

-- +goose Up

-- Not replicated.
CREATE TABLE assignment_runs (
    assignment_id bigint NOT NULL REFERENCES assignments (id) ON DELETE CASCADE,
    occurrence    integer NOT NULL CHECK (occurrence >= 0),
    opens_at      timestamptz NOT NULL,
    due_at        timestamptz,
    next_at       timestamptz, -- when the next occurrence opens; NULL: never, or it has
    after_id      bigint NOT NULL DEFAULT 0, -- the last person, at the end the last enrollment, that is done
    finished_at   timestamptz,
    PRIMARY KEY (assignment_id, occurrence)
);
SELECT outpost.schema_changed();
CREATE INDEX assignment_runs_open ON assignment_runs (assignment_id, occurrence) WHERE finished_at IS NULL;
CREATE INDEX assignment_runs_next ON assignment_runs (next_at) WHERE next_at IS NOT NULL;

-- The same course is assigned to the same people once at a time.
CREATE UNIQUE INDEX assignments_open ON assignments (company_id, course_id, scope, department, coalesce(user_id, 0))
    WHERE ended_at IS NULL;
CREATE INDEX users_active_key ON users (company_id, id) WHERE is_active;
CREATE INDEX enrollments_assignment_open ON enrollments (assignment_id, id) WHERE status IN ('assigned', 'in_progress');

-- A person's export finds what was sent to the address.
CREATE INDEX invitations_email ON invitations (email_folded);
CREATE INDEX outbox_recipient ON outbox (recipient);
CREATE INDEX password_requests_email ON password_requests (email_folded);

-- Gives people, by their ids, what their company's open assignments, or one of them, ask for: the
-- newest occurrence of each. One statement, whose plan a test looks at; $1 are the people, $2 the
-- assignment or NULL.
--   Who has an open enrollment in the course keeps it, and gets the earlier due date and with it the
-- assignment. Who completed the course since the occurrence opened has done what it asks for; of the
-- first occurrence any completion counts that is still valid. Everybody else begins a cycle.
--   Somebody who comes after the due date has as much time as the others had.
-- +goose StatementBegin
CREATE FUNCTION hand_out(people bigint[], assignment bigint) RETURNS bigint LANGUAGE sql AS $$
    WITH person AS MATERIALIZED (
        SELECT u.id, u.company_id, u.data_zone, u.department FROM users u
        WHERE u.id = ANY ($1) AND u.is_active ORDER BY u.id FOR KEY SHARE
    ), asked AS (
        SELECT DISTINCT ON (p.id, a.course_id) p.id AS user_id, p.company_id, p.data_zone, a.course_id, a.id AS assignment_id,
            CASE WHEN latest.status IN ('assigned', 'in_progress') THEN latest.cycle ELSE coalesce(latest.cycle, 0) + 1 END AS cycle,
            due.at AS due_at
        FROM person p
        JOIN assignments a ON a.company_id = p.company_id AND a.ended_at IS NULL AND (a.id = $2 OR $2 IS NULL)
            AND CASE a.scope WHEN 'company' THEN true WHEN 'department' THEN a.department = p.department ELSE a.user_id = p.id END
        CROSS JOIN LATERAL (
            SELECT * FROM assignment_runs r WHERE r.assignment_id = a.id ORDER BY r.occurrence DESC LIMIT 1
        ) run
        CROSS JOIN LATERAL (SELECT CASE WHEN run.due_at > now() THEN run.due_at ELSE now() + (run.due_at - run.opens_at) END AS at) due
        LEFT JOIN LATERAL (
            SELECT * FROM enrollments e WHERE e.user_id = p.id AND e.course_id = a.course_id ORDER BY e.cycle DESC LIMIT 1
        ) latest ON true
        WHERE NOT coalesce(latest.completed_at >= run.opens_at OR run.occurrence = 1 AND latest.status = 'completed'
            AND (latest.expires_at IS NULL OR latest.expires_at > now()), false)
        ORDER BY p.id, a.course_id, due.at NULLS LAST, a.id
    ), given AS (
        INSERT INTO enrollments AS e (company_id, data_zone, user_id, course_id, assignment_id, cycle, due_at)
        SELECT company_id, data_zone, user_id, course_id, assignment_id, cycle, due_at FROM asked
        ON CONFLICT (user_id, course_id, cycle) DO UPDATE
        SET due_at = least(e.due_at, excluded.due_at), assignment_id = excluded.assignment_id
        WHERE e.status IN ('assigned', 'in_progress')
            AND (e.assignment_id IS NULL OR excluded.due_at < coalesce(e.due_at, 'infinity'))
        RETURNING 1
    )
    SELECT count(*) FROM given
$$;
-- +goose StatementEnd

-- What is asked of one person needs no worker.
-- +goose StatementBegin
CREATE FUNCTION hand_out_at_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hand_out(ARRAY[a.user_id], a.id) FROM assignments a WHERE a.id = NEW.assignment_id AND a.scope = 'user';
    IF FOUND THEN
        UPDATE assignment_runs SET finished_at = now() WHERE assignment_id = NEW.assignment_id AND occurrence = NEW.occurrence;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER hand_out AFTER INSERT ON assignment_runs FOR EACH ROW WHEN (NEW.occurrence > 0 AND NEW.finished_at IS NULL)
    EXECUTE FUNCTION hand_out_at_once();

-- Gives whoever joins a company or a department, or comes back, what is asked for there; of many at
-- once the worker takes care. The lock on the company meets the one under which runs begin: either
-- the run finds the person, or the person finds the run. Who changes company leaves its assignments
-- behind: what was not begun is withdrawn, the rest stays without them.
-- +goose StatementBegin
CREATE FUNCTION join_assignments() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    joined bigint[];
    places bigint[];
    moved bigint[];
BEGIN
    IF current_setting('outpost.assign', true) = 'off' THEN RETURN NULL; END IF; -- demo data
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(id ORDER BY id), array_agg(DISTINCT company_id) INTO joined, places FROM new_rows WHERE is_active;
    ELSE
        SELECT array_agg(n.id ORDER BY n.id) FILTER (WHERE n.is_active), array_agg(DISTINCT n.company_id),
            array_agg(n.id ORDER BY n.id) FILTER (WHERE n.company_id <> o.company_id) INTO joined, places, moved
        FROM new_rows n JOIN old_rows o USING (id)
        WHERE n.company_id <> o.company_id OR n.is_active AND (NOT o.is_active OR n.department <> o.department);
    END IF;
    IF moved IS NOT NULL THEN
        DELETE FROM enrollments e USING assignments a
        WHERE e.user_id = ANY (moved) AND a.id = e.assignment_id AND a.company_id <> e.company_id AND not_begun(e, a.created_at);
        UPDATE enrollments e SET assignment_id = NULL, due_at = CASE WHEN e.status IN ('assigned', 'in_progress') THEN NULL ELSE e.due_at END
        FROM assignments a WHERE e.user_id = ANY (moved) AND a.id = e.assignment_id AND a.company_id <> e.company_id;
    END IF;
    IF joined IS NULL THEN RETURN NULL; END IF;
    PERFORM FROM companies WHERE id = ANY (places) ORDER BY id FOR SHARE;
    IF NOT EXISTS (SELECT FROM assignments WHERE company_id = ANY (places) AND ended_at IS NULL) THEN RETURN NULL; END IF;
    IF cardinality(joined) <= 500 THEN
        PERFORM hand_out(joined, NULL);
    ELSE
        UPDATE assignment_runs r SET finished_at = NULL,
            after_id = CASE WHEN r.finished_at IS NULL THEN least(r.after_id, joined[1] - 1) ELSE joined[1] - 1 END
        FROM assignments a
        WHERE a.id = r.assignment_id AND a.company_id = ANY (places) AND a.ended_at IS NULL
            AND r.occurrence = (SELECT max(n.occurrence) FROM assignment_runs n WHERE n.assignment_id = a.id);
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Says that an enrollment was made by an assignment of that age and nothing has come of it.
CREATE FUNCTION not_begun(e enrollments, assigned_at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT e.status = 'assigned' AND e.started_at IS NULL AND e.created_at >= assigned_at
        AND NOT EXISTS (SELECT FROM lesson_progress p WHERE p.enrollment_id = e.id)
        AND NOT EXISTS (SELECT FROM quiz_attempts q WHERE q.enrollment_id = e.id)
        AND NOT EXISTS (SELECT FROM quiz_starts q WHERE q.enrollment_id = e.id)
$$;

CREATE TRIGGER join_assignments_insert AFTER INSERT ON users REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION join_assignments();
CREATE TRIGGER join_assignments_update AFTER UPDATE ON users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION join_assignments();

-- An enrollment that advances is a record of its own; that an assignment takes it up, moves its due
-- date or lets it go is somebody's decision. Row by row, since so few of them are.
-- +goose StatementBegin
CREATE FUNCTION audit_assigned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id, ip, details)
    VALUES (NEW.company_id, NEW.data_zone, nullif(current_setting('outpost.actor', true), '')::bigint,
        coalesce(nullif(current_setting('outpost.operation', true), ''), 'update'), 'enrollments', NEW.id,
        coalesce(current_setting('outpost.ip', true), ''), jsonb_build_object('update', jsonb_build_object(
            'due_at', jsonb_build_array(OLD.due_at, NEW.due_at), 'assignment_id', jsonb_build_array(OLD.assignment_id, NEW.assignment_id))));
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_assigned AFTER UPDATE OF due_at, assignment_id ON enrollments FOR EACH ROW
    WHEN (OLD.due_at IS DISTINCT FROM NEW.due_at OR OLD.assignment_id IS DISTINCT FROM NEW.assignment_id) EXECUTE FUNCTION audit_assigned();

-- What is assigned already has been handed out.
INSERT INTO assignment_runs (assignment_id, occurrence, opens_at, due_at, next_at, finished_at)
SELECT id, 1, created_at, due_at, CASE WHEN recurrence_months IS NOT NULL THEN due_at END, now() FROM assignments WHERE ended_at IS NULL;

-- +goose Down
DROP TRIGGER audit_assigned ON enrollments;
DROP FUNCTION audit_assigned();
DROP TRIGGER join_assignments_update ON users;
DROP TRIGGER join_assignments_insert ON users;
DROP FUNCTION join_assignments();
DROP FUNCTION not_begun(enrollments, timestamptz);
DROP TABLE assignment_runs;
SELECT outpost.schema_changed();
DROP FUNCTION hand_out_at_once();
DROP FUNCTION hand_out(bigint[], bigint);
DROP INDEX password_requests_email;
DROP INDEX outbox_recipient;
DROP INDEX invitations_email;
DROP INDEX enrollments_assignment_open;
DROP INDEX users_active_key;
DROP INDEX assignments_open;

CREATE INDEX assignments_company_created ON assignments (company_id, created_at, id);
-- No due date sorts behind all others: the letter i behind every digit.
CREATE INDEX assignments_company_due ON assignments (company_id, coalesce(due_at, 'infinity'), id);
CREATE INDEX assignments_created ON assignments (created_at, id);
CREATE INDEX assignments_due ON assignments (coalesce(due_at, 'infinity'), id);
CREATE INDEX enrollments_assignment_due ON enrollments (assignment_id, due_at) WHERE status IN ('assigned', 'in_progress');

-- Counters per assignment of the enrollments that it brought about, of all its occurrences. As in
-- company_stats, nothing in it changes with time alone.
CREATE TABLE assignment_stats (
    assignment_id INTEGER PRIMARY KEY,
    assigned INTEGER NOT NULL DEFAULT 0,
    in_progress INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    expired INTEGER NOT NULL DEFAULT 0
);

INSERT INTO assignment_stats
SELECT assignment_id, sum(status = 'assigned'), sum(status = 'in_progress'), sum(status = 'completed'), sum(status = 'expired')
FROM enrollments WHERE assignment_id IS NOT NULL GROUP BY assignment_id;

CREATE TRIGGER assignment_stats_insert AFTER INSERT ON enrollments WHEN new.assignment_id IS NOT NULL BEGIN
    INSERT INTO assignment_stats
    VALUES (new.assignment_id, new.status = 'assigned', new.status = 'in_progress', new.status = 'completed', new.status = 'expired')
    ON CONFLICT (assignment_id) DO UPDATE SET assigned = assigned + excluded.assigned,
        in_progress = in_progress + excluded.in_progress, completed = completed + excluded.completed,
        expired = expired + excluded.expired;
END;

CREATE TRIGGER assignment_stats_delete AFTER DELETE ON enrollments WHEN old.assignment_id IS NOT NULL BEGIN
    UPDATE assignment_stats SET assigned = assigned - (old.status = 'assigned'),
        in_progress = in_progress - (old.status = 'in_progress'), completed = completed - (old.status = 'completed'),
        expired = expired - (old.status = 'expired')
    WHERE assignment_id = old.assignment_id;
END;

-- Where one of the two is NULL, nothing is counted for it.
CREATE TRIGGER assignment_stats_update AFTER UPDATE OF assignment_id, status ON enrollments
WHEN old.assignment_id IS NOT new.assignment_id OR old.status <> new.status BEGIN
    UPDATE assignment_stats SET assigned = assigned - (old.status = 'assigned'),
        in_progress = in_progress - (old.status = 'in_progress'), completed = completed - (old.status = 'completed'),
        expired = expired - (old.status = 'expired')
    WHERE assignment_id = old.assignment_id;
    INSERT INTO assignment_stats
    SELECT new.assignment_id, new.status = 'assigned', new.status = 'in_progress', new.status = 'completed', new.status = 'expired'
    WHERE new.assignment_id IS NOT NULL
    ON CONFLICT (assignment_id) DO UPDATE SET assigned = assigned + excluded.assigned,
        in_progress = in_progress + excluded.in_progress, completed = completed + excluded.completed,
        expired = expired + excluded.expired;
END;

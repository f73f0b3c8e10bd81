-- What has changed and is no row: told to the cache before each commit, and emptied then (replica.Options.Touched).
CREATE TABLE touched (
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (name, key, id)
) WITHOUT ROWID;

-- Duties are what figures see of enrollments. An enrollment changes with every lesson that is done, and with that
-- would every figure of its company be out of date.
CREATE TRIGGER touched_enrollment_insert AFTER INSERT ON enrollments BEGIN
    INSERT INTO touched VALUES ('duties', 'company_id', new.company_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER touched_enrollment_update AFTER UPDATE ON enrollments
WHEN (old.id, old.company_id, old.user_id, old.course_id, old.cycle, old.status) <> (new.id, new.company_id, new.user_id, new.course_id, new.cycle, new.status)
    OR old.due_at IS NOT new.due_at OR old.started_at IS NOT new.started_at
    OR old.completed_at IS NOT new.completed_at OR old.expires_at IS NOT new.expires_at
BEGIN
    INSERT INTO touched VALUES ('duties', 'company_id', old.company_id) ON CONFLICT DO NOTHING;
    INSERT INTO touched VALUES ('duties', 'company_id', new.company_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER touched_enrollment_delete AFTER DELETE ON enrollments BEGIN
    INSERT INTO touched VALUES ('duties', 'company_id', old.company_id) ON CONFLICT DO NOTHING;
END;

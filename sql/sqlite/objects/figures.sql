-- Hold all that figures ask of a person, so that no row is touched.
CREATE INDEX phishing_events_user ON phishing_events (user_id, campaign_id, kind, occurred_at);
CREATE INDEX quiz_attempts_user ON quiz_attempts (user_id, submitted_at);
CREATE INDEX requirements_framework ON requirements (framework_id, code);
CREATE INDEX requirement_courses_requirement ON requirement_courses (requirement_id, course_id);
CREATE INDEX requirement_translations_requirement ON requirement_translations (requirement_id, locale);

-- Counters per company and course, and of all companies together as company 0: which courses are taken
-- up most. people are those in their first cycle, which everybody has once. A completion that has
-- expired is still one, so that nothing in it changes with time alone.
CREATE TABLE course_stats (
    company_id INTEGER NOT NULL,
    course_id INTEGER NOT NULL,
    enrollments INTEGER NOT NULL,
    people INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    PRIMARY KEY (company_id, course_id)
) WITHOUT ROWID;

CREATE INDEX course_stats_popular ON course_stats (company_id, enrollments DESC, course_id);

INSERT INTO course_stats
SELECT company_id, course_id, count(*), sum(cycle = 1), sum(status IN ('completed', 'expired'))
FROM enrollments GROUP BY company_id, course_id;

INSERT INTO course_stats
SELECT 0, course_id, sum(enrollments), sum(people), sum(completed) FROM course_stats WHERE true GROUP BY course_id;

CREATE TRIGGER course_stats_insert AFTER INSERT ON enrollments BEGIN
    INSERT INTO course_stats
    VALUES (new.company_id, new.course_id, 1, new.cycle = 1, new.status IN ('completed', 'expired')),
        (0, new.course_id, 1, new.cycle = 1, new.status IN ('completed', 'expired'))
    ON CONFLICT (company_id, course_id) DO UPDATE SET enrollments = enrollments + 1, people = people + excluded.people,
        completed = completed + excluded.completed;
END;

CREATE TRIGGER course_stats_delete AFTER DELETE ON enrollments BEGIN
    UPDATE course_stats SET enrollments = enrollments - 1, people = people - (old.cycle = 1),
        completed = completed - (old.status IN ('completed', 'expired'))
    WHERE company_id IN (0, old.company_id) AND course_id = old.course_id;
END;

CREATE TRIGGER course_stats_update AFTER UPDATE OF company_id, course_id, cycle, status ON enrollments
WHEN old.company_id <> new.company_id OR old.course_id <> new.course_id OR (old.cycle = 1) <> (new.cycle = 1)
    OR (old.status IN ('completed', 'expired')) <> (new.status IN ('completed', 'expired')) BEGIN
    UPDATE course_stats SET enrollments = enrollments - 1, people = people - (old.cycle = 1),
        completed = completed - (old.status IN ('completed', 'expired'))
    WHERE company_id IN (0, old.company_id) AND course_id = old.course_id;
    INSERT INTO course_stats
    VALUES (new.company_id, new.course_id, 1, new.cycle = 1, new.status IN ('completed', 'expired')),
        (0, new.course_id, 1, new.cycle = 1, new.status IN ('completed', 'expired'))
    ON CONFLICT (company_id, course_id) DO UPDATE SET enrollments = enrollments + 1, people = people + excluded.people,
        completed = completed + excluded.completed;
END;

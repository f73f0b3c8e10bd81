-- Counters per company, kept here and not in Postgres, where they would put all of a
-- company's writes in line before one row. Nothing in it changes with time alone.
CREATE TABLE company_stats (
    company_id INTEGER PRIMARY KEY,
    users INTEGER NOT NULL DEFAULT 0,
    active_users INTEGER NOT NULL DEFAULT 0,
    assigned INTEGER NOT NULL DEFAULT 0,
    in_progress INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    expired INTEGER NOT NULL DEFAULT 0
);

-- All companies together, for those who see all: one row.
CREATE TABLE user_totals (
    users INTEGER NOT NULL,
    active_users INTEGER NOT NULL
);

INSERT INTO user_totals SELECT count(*), coalesce(sum(is_active), 0) FROM users;

INSERT INTO company_stats (company_id, users, active_users)
SELECT company_id, count(*), sum(is_active) FROM users GROUP BY company_id;

INSERT INTO company_stats (company_id, assigned, in_progress, completed, expired)
SELECT company_id, sum(status = 'assigned'), sum(status = 'in_progress'), sum(status = 'completed'), sum(status = 'expired')
FROM enrollments WHERE true GROUP BY company_id
ON CONFLICT (company_id) DO UPDATE SET assigned = excluded.assigned, in_progress = excluded.in_progress,
    completed = excluded.completed, expired = excluded.expired;

CREATE TRIGGER company_stats_user_insert AFTER INSERT ON users BEGIN
    INSERT INTO company_stats (company_id, users, active_users) VALUES (new.company_id, 1, new.is_active)
    ON CONFLICT (company_id) DO UPDATE SET users = users + 1, active_users = active_users + excluded.active_users;
    UPDATE user_totals SET users = users + 1, active_users = active_users + new.is_active;
END;

CREATE TRIGGER company_stats_user_delete AFTER DELETE ON users BEGIN
    UPDATE company_stats SET users = users - 1, active_users = active_users - old.is_active
    WHERE company_id = old.company_id;
    UPDATE user_totals SET users = users - 1, active_users = active_users - old.is_active;
END;

CREATE TRIGGER company_stats_user_update AFTER UPDATE OF company_id, is_active ON users
WHEN old.company_id <> new.company_id OR old.is_active <> new.is_active BEGIN
    UPDATE company_stats SET users = users - 1, active_users = active_users - old.is_active
    WHERE company_id = old.company_id;
    INSERT INTO company_stats (company_id, users, active_users) VALUES (new.company_id, 1, new.is_active)
    ON CONFLICT (company_id) DO UPDATE SET users = users + 1, active_users = active_users + excluded.active_users;
    UPDATE user_totals SET active_users = active_users - old.is_active + new.is_active;
END;

CREATE TRIGGER company_stats_enrollment_insert AFTER INSERT ON enrollments BEGIN
    INSERT INTO company_stats (company_id, assigned, in_progress, completed, expired)
    VALUES (new.company_id, new.status = 'assigned', new.status = 'in_progress', new.status = 'completed', new.status = 'expired')
    ON CONFLICT (company_id) DO UPDATE SET assigned = assigned + excluded.assigned,
        in_progress = in_progress + excluded.in_progress, completed = completed + excluded.completed,
        expired = expired + excluded.expired;
END;

CREATE TRIGGER company_stats_enrollment_delete AFTER DELETE ON enrollments BEGIN
    UPDATE company_stats SET assigned = assigned - (old.status = 'assigned'),
        in_progress = in_progress - (old.status = 'in_progress'), completed = completed - (old.status = 'completed'),
        expired = expired - (old.status = 'expired')
    WHERE company_id = old.company_id;
END;

CREATE TRIGGER company_stats_enrollment_update AFTER UPDATE OF company_id, status ON enrollments
WHEN old.company_id <> new.company_id OR old.status <> new.status BEGIN
    UPDATE company_stats SET assigned = assigned - (old.status = 'assigned'),
        in_progress = in_progress - (old.status = 'in_progress'), completed = completed - (old.status = 'completed'),
        expired = expired - (old.status = 'expired')
    WHERE company_id = old.company_id;
    INSERT INTO company_stats (company_id, assigned, in_progress, completed, expired)
    VALUES (new.company_id, new.status = 'assigned', new.status = 'in_progress', new.status = 'completed', new.status = 'expired')
    ON CONFLICT (company_id) DO UPDATE SET assigned = assigned + excluded.assigned,
        in_progress = in_progress + excluded.in_progress, completed = completed + excluded.completed,
        expired = expired + excluded.expired;
END;

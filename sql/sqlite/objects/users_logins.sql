-- When each person last logged in, empty for never: user_activity has no row for those who never
-- did, and an order needs everybody.
CREATE TABLE user_logins (
    user_id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    last_login_at TEXT NOT NULL
);

INSERT INTO user_logins (user_id, company_id, last_login_at)
SELECT u.id, u.company_id, coalesce(a.last_login_at, '') FROM users u LEFT JOIN user_activity a ON a.user_id = u.id;

CREATE INDEX user_logins_company ON user_logins (company_id, last_login_at);
CREATE INDEX user_logins_time ON user_logins (last_login_at);

CREATE TRIGGER user_logins_user_insert AFTER INSERT ON users BEGIN
    INSERT INTO user_logins (user_id, company_id, last_login_at)
    VALUES (new.id, new.company_id, coalesce((SELECT last_login_at FROM user_activity WHERE user_id = new.id), ''));
END;

CREATE TRIGGER user_logins_user_delete AFTER DELETE ON users BEGIN
    DELETE FROM user_logins WHERE user_id = old.id;
END;

CREATE TRIGGER user_logins_user_update AFTER UPDATE OF id, company_id ON users
WHEN old.id <> new.id OR old.company_id <> new.company_id BEGIN
    UPDATE user_logins SET user_id = new.id, company_id = new.company_id WHERE user_id = old.id;
END;

CREATE TRIGGER user_logins_activity_insert AFTER INSERT ON user_activity BEGIN
    UPDATE user_logins SET last_login_at = coalesce(new.last_login_at, '') WHERE user_id = new.user_id;
END;

CREATE TRIGGER user_logins_activity_delete AFTER DELETE ON user_activity BEGIN
    UPDATE user_logins SET last_login_at = '' WHERE user_id = old.user_id;
END;

CREATE TRIGGER user_logins_activity_update AFTER UPDATE OF user_id, last_login_at ON user_activity
WHEN old.user_id <> new.user_id OR old.last_login_at IS NOT new.last_login_at BEGIN
    UPDATE user_logins SET last_login_at = '' WHERE user_id = old.user_id AND old.user_id <> new.user_id;
    UPDATE user_logins SET last_login_at = coalesce(new.last_login_at, '') WHERE user_id = new.user_id;
END;

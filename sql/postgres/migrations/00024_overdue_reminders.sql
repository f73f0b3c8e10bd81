-- When an administrator last had somebody reminded of what is overdue: once a day is enough.

-- +goose Up

-- Not replicated. One row a person, and so nothing to sweep.
CREATE TABLE overdue_reminders (
    user_id     bigint PRIMARY KEY,
    company_id  bigint NOT NULL,
    data_zone   text NOT NULL,
    reminded_on date NOT NULL, -- of UTC
    FOREIGN KEY (user_id, company_id, data_zone) REFERENCES users (id, company_id, data_zone)
        ON UPDATE CASCADE ON DELETE CASCADE
);
SELECT outpost.schema_changed();
CREATE INDEX overdue_reminders_user ON overdue_reminders (user_id, company_id, data_zone);
SELECT audit_table('overdue_reminders', 'user_id');

-- +goose Down
DROP TABLE overdue_reminders;
SELECT outpost.schema_changed();

-- Mail that never goes twice, reminders of due dates, documents that are mailed.

-- +goose Up

ALTER TABLE outbox
    -- From then on a mail server may have taken it, until it is known what it said.
    ADD COLUMN begun_at timestamptz,
    -- Given up, since nobody knows whether it was taken.
    ADD COLUMN uncertain boolean NOT NULL DEFAULT false CHECK (NOT uncertain OR given_up_at IS NOT NULL),
    ADD COLUMN claimed_by text NOT NULL DEFAULT '', -- the process that has it in hand
    ADD COLUMN report_id bigint REFERENCES reports (id) ON DELETE CASCADE; -- whose document goes with it
SELECT outpost.schema_changed();
CREATE INDEX outbox_claimed ON outbox (claimed_by) WHERE claimed_by <> '';
CREATE INDEX outbox_report ON outbox (report_id) WHERE report_id IS NOT NULL;

-- Reminders walk along the due dates.
DROP INDEX enrollments_due;
CREATE INDEX enrollments_due ON enrollments (due_at, id) WHERE status IN ('assigned', 'in_progress');
CREATE INDEX reminders_created ON reminders (created_at);

-- +goose Down
DROP INDEX reminders_created;
DROP INDEX enrollments_due;
CREATE INDEX enrollments_due ON enrollments (due_at) WHERE status IN ('assigned', 'in_progress');
ALTER TABLE outbox DROP COLUMN begun_at, DROP COLUMN uncertain, DROP COLUMN claimed_by, DROP COLUMN report_id;
SELECT outpost.schema_changed();

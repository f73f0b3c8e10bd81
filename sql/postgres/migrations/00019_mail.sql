-- Mail that never goes twice, reminders of due dates, documents that are made by a schedule and mailed.

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
CREATE INDEX outbox_report ON outbox (report_id);

-- Reminders walk along the due dates.
DROP INDEX enrollments_due;
CREATE INDEX enrollments_due ON enrollments (due_at, id) WHERE status IN ('assigned', 'in_progress');
CREATE INDEX reminders_created ON reminders (created_at);

-- All times of a schedule are counted from the first one, so that the 31st comes back after February.
ALTER TABLE report_schedules ADD COLUMN first_at timestamptz NOT NULL DEFAULT '2026-01-01T06:00:00Z';
SELECT outpost.schema_changed();
ALTER TABLE report_schedules ALTER COLUMN first_at DROP DEFAULT;
SELECT outpost.schema_changed();

-- Whoever had a report made by a schedule gets its document by mail, or is told that there is none, in
-- the transaction that says so: however a report ends, it forgets no letter, and writes none twice. After
-- a week there is another document, and nobody waits for this one.
-- +goose StatementBegin
CREATE FUNCTION mail_report() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (company_id, data_zone, kind, recipient, locale, report_id, expires_at, payload)
    SELECT u.company_id, u.data_zone, CASE NEW.state WHEN 'completed' THEN 'report' ELSE 'report_failed' END, u.email, NEW.locale, NEW.id,
        now() + interval '7 days',
        jsonb_build_object('name', u.full_name, 'company', c.name, 'document', jsonb_build_object('type', NEW.type, 'subject', s.name,
            'made_on', (now() AT TIME ZONE 'UTC')::date, 'bytes', NEW.bytes))
    FROM users u JOIN companies c ON c.id = u.company_id JOIN companies s ON s.id = coalesce(NEW.subject_id, NEW.company_id)
    WHERE u.id = NEW.requested_by AND u.is_active AND c.is_active
        AND (u.role = 'platform_admin' OR u.role IN ('manager', 'admin') AND s.id = u.company_id);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER mail_report AFTER UPDATE OF state ON reports FOR EACH ROW
    WHEN (NEW.schedule_id IS NOT NULL AND OLD.state IN ('queued', 'processing')
        AND (NEW.state = 'completed' OR NEW.state = 'failed' AND NEW.error <> 'cancelled'))
    EXECUTE FUNCTION mail_report();

-- +goose Down
DROP TRIGGER mail_report ON reports;
DROP FUNCTION mail_report();
ALTER TABLE report_schedules DROP COLUMN first_at;
SELECT outpost.schema_changed();
DROP INDEX reminders_created;
DROP INDEX enrollments_due;
CREATE INDEX enrollments_due ON enrollments (due_at) WHERE status IN ('assigned', 'in_progress');
ALTER TABLE outbox DROP COLUMN begun_at, DROP COLUMN uncertain, DROP COLUMN claimed_by, DROP COLUMN report_id;
SELECT outpost.schema_changed();

-- Reading the audit log of all companies together, the newest first.

-- +goose Up
CREATE INDEX audit_log_time ON audit_log (created_at, id);

-- +goose Down
DROP INDEX audit_log_time;

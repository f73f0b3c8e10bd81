CREATE INDEX report_schedules_user_created ON report_schedules (user_id, created_at, id);

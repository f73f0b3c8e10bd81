-- name: ReportSchedules :many
SELECT sqlc.embed(s) FROM report_schedules s
WHERE s.user_id = @user_id AND s.company_id = @company_id
    AND (s.created_at, s.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY s.created_at, s.id LIMIT @size OFFSET @skip;

-- name: ReportSchedulesDesc :many
SELECT sqlc.embed(s) FROM report_schedules s
WHERE s.user_id = @user_id AND s.company_id = @company_id
    AND (s.created_at, s.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY s.created_at DESC, s.id DESC LIMIT @size OFFSET @skip;

-- name: CountReportSchedules :one
SELECT count(*) FROM report_schedules s WHERE s.user_id = @user_id AND s.company_id = @company_id;

-- Nothing is inserted where an equal one is pending, where there is no such company to report on, and
-- where too many are pending, of those that were asked for by hand. The number of its job is taken here,
-- so that the row has it from the beginning and needs no second statement.
-- name: InsertReport :one
INSERT INTO reports (company_id, data_zone, requested_by, type, format, locale, scope, subject_id, schedule_id, job_id)
SELECT u.company_id, u.data_zone, u.id, @type, @format, @locale, @scope, c.id, sqlc.narg(schedule_id), nextval('river.river_job_id_seq')
FROM users u LEFT JOIN companies c ON c.id = sqlc.narg(subject_id)::bigint
WHERE u.id = @requested_by AND (c.id IS NOT NULL OR sqlc.narg(subject_id)::bigint IS NULL)
AND (sqlc.narg(schedule_id)::bigint IS NOT NULL OR (SELECT count(*) FROM (SELECT FROM reports p
    WHERE p.requested_by = u.id AND p.schedule_id IS NULL AND p.state IN ('queued', 'processing')
    LIMIT @most::integer) pending) < @most::integer)
ON CONFLICT (requested_by, type, format, locale, scope, coalesce(subject_id, 0), coalesce(schedule_id, 0))
WHERE state IN ('queued', 'processing') DO NOTHING
RETURNING *;

-- name: PendingReport :one
SELECT * FROM reports
WHERE requested_by = @requested_by AND type = @type AND format = @format AND locale = @locale AND scope = @scope
AND coalesce(subject_id, 0) = coalesce(sqlc.narg(subject_id)::bigint, 0)
AND coalesce(schedule_id, 0) = coalesce(sqlc.narg(schedule_id)::bigint, 0)
AND state IN ('queued', 'processing');

-- Why nothing was inserted where no equal one is pending.
-- name: ReportRefusal :one
SELECT (sqlc.narg(subject_id)::bigint IS NOT NULL AND NOT EXISTS (SELECT FROM companies c WHERE c.id = sqlc.narg(subject_id)::bigint))::boolean
    AS is_nowhere,
    ((SELECT count(*) FROM (SELECT FROM reports p WHERE p.requested_by = @requested_by AND p.schedule_id IS NULL
        AND p.state IN ('queued', 'processing') LIMIT @most::integer) pending) >= @most::integer)::boolean AS are_too_many;

-- A cancelled report is not begun.
-- name: BeginReport :one
UPDATE reports SET state = 'processing' WHERE id = @id AND state IN ('queued', 'processing') RETURNING *;

-- name: RequeueReport :exec
UPDATE reports SET state = 'queued' WHERE id = @id AND state = 'processing';

-- name: FailReport :execrows
UPDATE reports SET state = 'failed', error = @error WHERE id = @id AND state IN ('queued', 'processing');

-- Only a report that was not cancelled meanwhile, nor finished by another attempt. Queued is one of which
-- such an attempt, that was taken for dead, has said meanwhile that it failed.
-- name: CompleteReport :execrows
UPDATE reports SET state = 'completed', sha256 = @sha256, bytes = @bytes, completed_at = now(),
    expires_at = now() + make_interval(secs => @life)
WHERE id = @id AND state IN ('queued', 'processing');

-- name: InsertReportPart :exec
INSERT INTO report_documents (report_id, part, content) VALUES (@report_id, @part, @content);

-- name: CancelReport :one
UPDATE reports SET state = 'failed', error = @error
WHERE id = @id AND requested_by = @requested_by AND state IN ('queued', 'processing') RETURNING *;

-- name: ReportState :one
SELECT state, error FROM reports WHERE id = @id AND requested_by = @requested_by;

-- The document's report, and whether its requester may have it now.
-- name: ReportForReading :one
SELECT sqlc.embed(r), (r.scope = 'user' OR u.role IN ('manager', 'admin') AND coalesce(r.subject_id, r.company_id) = u.company_id
    OR u.role = 'platform_admin')::boolean AS is_allowed
FROM reports r JOIN users u ON u.id = r.requested_by
WHERE r.id = @id AND r.requested_by = @requested_by;

-- Waits for whoever is writing what becomes of the report.
-- name: AwaitReport :exec
SELECT FROM reports WHERE id = @id AND requested_by = @requested_by FOR SHARE;

-- name: ReportPart :one
SELECT content FROM report_documents WHERE report_id = @report_id AND part = @part;

-- What a process with this id was working at when it ended is begun again: its folder is locked, so
-- there is no other. What has taken processes down with it too often is not.
-- name: ReleaseJobs :execrows
UPDATE river.river_job SET
    state = CASE WHEN attempt < max_attempts THEN 'available' ELSE 'discarded' END::river.river_job_state,
    finalized_at = CASE WHEN attempt < max_attempts THEN NULL ELSE now() END,
    scheduled_at = now()
WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = @client_id::text;

-- Reports whose job is over without a word about them.
-- name: FailForgottenReports :execrows
UPDATE reports SET state = 'failed', error = @error
WHERE id = ANY (ARRAY(
    SELECT r.id FROM reports r WHERE r.state IN ('queued', 'processing') AND r.job_id > 0
    AND NOT EXISTS (SELECT FROM river.river_job j WHERE j.id = r.job_id AND j.finalized_at IS NULL)
    ORDER BY r.id LIMIT @batch FOR UPDATE OF r SKIP LOCKED));

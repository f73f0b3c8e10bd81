-- The people of a company. Company and zone of a new person are the company's own as of now.
-- Sessions, audit and folded columns are not forgotten: the first goes in the same statement, the
-- others are triggers'.

-- No row: the address is taken, or there is no such company.
-- name: InsertUser :one
INSERT INTO users (company_id, data_zone, email, full_name, role, department, job_risk, locale)
SELECT c.id, c.data_zone, @email, @full_name, @role, @department, @job_risk, @locale FROM companies c WHERE c.id = @company_id
ON CONFLICT (email_folded) DO NOTHING
RETURNING id;

-- Why InsertUser gave no row. Always one row.
-- name: UserHindrance :one
SELECT EXISTS (SELECT FROM companies c WHERE c.id = @company_id)::boolean AS has_company,
    coalesce((SELECT u.company_id FROM users u WHERE u.email_folded = fold_email(@email::text)), 0)::bigint AS taken_by;

-- A person as GET shows them, locked for the transaction, with who else has an address. Company 0
-- means any.
-- name: LockUser :one
SELECT sqlc.embed(u), sqlc.embed(c), a.last_login_at, l.courses, l.assigned, l.in_progress, l.completed, l.expired,
    coalesce((SELECT x.company_id FROM users x WHERE x.email_folded = fold_email(@email::text) AND x.id <> u.id), 0)::bigint AS taken_by
FROM users u
JOIN companies c ON c.id = u.company_id
LEFT JOIN user_activity a ON a.user_id = u.id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT e.course_id) AS courses, count(*) FILTER (WHERE e.status = 'assigned') AS assigned,
        count(*) FILTER (WHERE e.status = 'in_progress') AS in_progress,
        count(*) FILTER (WHERE e.status = 'completed' AND coalesce(e.expires_at, 'infinity') > now()) AS completed,
        count(*) FILTER (WHERE e.status = 'expired' OR e.status = 'completed' AND e.expires_at <= now()) AS expired
    FROM enrollments e WHERE e.user_id = u.id
) l
WHERE u.id = @id AND (@company_id::bigint = 0 OR u.company_id = @company_id)
FOR UPDATE OF u;

-- Whoever is deactivated loses all sessions in the same transaction: that is how edges learn to
-- refuse their tokens. A new address uses up what could set a password by mail to the old one, which
-- may be a stranger's.
-- name: UpdateUser :one
WITH ended AS (
    UPDATE sessions SET revoked_at = clock_timestamp()
    WHERE sessions.user_id = @id AND sessions.revoked_at IS NULL AND NOT @is_active::boolean
), resets AS (
    UPDATE password_resets SET used_at = now() FROM users u
    WHERE u.id = @id AND u.email_folded <> fold_email(@email::text) AND password_resets.user_id = u.id AND password_resets.used_at IS NULL
)
UPDATE users SET email = @email, full_name = @full_name, role = @role, department = @department, job_risk = @job_risk,
    locale = @locale, is_active = @is_active::boolean
WHERE users.id = @id
RETURNING *;

-- COPY.
-- name: StageUsers :copyfrom
INSERT INTO user_imports (batch, row, email, full_name, role, department, job_risk, locale)
VALUES (@batch, @row, @email, @full_name, @role, @department, @job_risk, @locale);

-- Judges what was staged, takes it away, and inserts what is good: when all of it is (and nothing
-- is known to be wrong elsewhere), or in part. One row for each that was staged: twin is the row
-- that has the address already, taken_by the company where somebody has it, and id the new person,
-- 0 where there is none.
-- name: ImportUsers :many
WITH staged AS (
    DELETE FROM user_imports i WHERE i.batch = @batch
    RETURNING i.row, i.email, fold_email(i.email) AS email_folded, i.full_name, i.role, i.department, i.job_risk, i.locale
), judged AS (
    SELECT s.*, first_value(s.row) OVER (PARTITION BY s.email_folded ORDER BY s.row) AS first_row, coalesce(u.company_id, 0) AS taken_by
    FROM staged s LEFT JOIN users u ON u.email_folded = s.email_folded
), good AS (
    SELECT * FROM judged WHERE first_row = judged.row AND taken_by = 0
), made AS (
    INSERT INTO users (company_id, data_zone, email, full_name, role, department, job_risk, locale)
    SELECT c.id, c.data_zone, g.email, g.full_name, g.role, g.department, g.job_risk, g.locale
    FROM good g JOIN companies c ON c.id = @company_id
    WHERE @partial::boolean OR @clean::boolean AND NOT EXISTS (SELECT FROM judged j WHERE j.first_row <> j.row OR j.taken_by <> 0)
    ORDER BY g.row
    ON CONFLICT (email_folded) DO NOTHING
    RETURNING id, email_folded
)
SELECT j.row::integer AS row, (CASE WHEN j.first_row = j.row THEN 0 ELSE j.first_row END)::integer AS twin, j.taken_by::bigint AS taken_by,
    (CASE WHEN j.first_row = j.row THEN coalesce(m.id, 0) ELSE 0 END)::bigint AS id,
    EXISTS (SELECT FROM companies c WHERE c.id = @company_id)::boolean AS has_company
FROM judged j LEFT JOIN made m ON m.email_folded = j.email_folded
ORDER BY j.row;

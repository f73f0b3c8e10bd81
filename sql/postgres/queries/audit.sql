-- A page of the audit log, the newest first: of one company, of what one person did (at any company,
-- or at one), or of everything. One of the three parts runs, each by an index of its own. Of those who
-- did it, name and address are shown of the company's own people alone, or of everyone. What the log
-- holds is shown but for what opens a certificate, and what a company's privacy mode keeps to the person.
-- name: AuditLog :many
WITH found AS (
    (SELECT l.id, l.created_at FROM audit_log l
    WHERE @actor_id::bigint = 0 AND @company_id::bigint <> 0 AND l.company_id = @company_id
        AND l.created_at >= @since::timestamptz AND (l.created_at, l.id) < (@until::timestamptz, @until_id::bigint)
        AND (@action::text = '' OR l.action = @action) AND (@subject::text = '' OR l.subject = @subject)
    ORDER BY l.created_at DESC, l.id DESC LIMIT @size::integer)
    UNION ALL
    (SELECT l.id, l.created_at FROM audit_log l
    WHERE @actor_id <> 0 AND l.actor_id = @actor_id AND (@company_id = 0 OR l.company_id = @company_id)
        AND l.created_at >= @since AND (l.created_at, l.id) < (@until, @until_id)
        AND (@action = '' OR l.action = @action) AND (@subject = '' OR l.subject = @subject)
    ORDER BY l.created_at DESC, l.id DESC LIMIT @size)
    UNION ALL
    (SELECT l.id, l.created_at FROM audit_log l
    WHERE @actor_id = 0 AND @company_id = 0
        AND l.created_at >= @since AND (l.created_at, l.id) < (@until, @until_id)
        AND (@action = '' OR l.action = @action) AND (@subject = '' OR l.subject = @subject)
    ORDER BY l.created_at DESC, l.id DESC LIMIT @size)
)
SELECT l.id, l.created_at, l.company_id, l.actor_id, u.full_name AS actor_name, u.email AS actor_email, l.action, l.subject, l.subject_id,
    l.ip, coalesce((
        SELECT jsonb_object_agg(part.key, CASE jsonb_typeof(part.value)
            WHEN 'object' THEN part.value - '{code,score,pseudonym}'::text[] ELSE part.value END)
        FROM jsonb_each(l.details) part), '{}')::jsonb AS details
FROM found
JOIN audit_log l ON l.id = found.id
LEFT JOIN users u ON u.id = l.actor_id AND (@everyone::boolean OR u.company_id = @company_id)
ORDER BY l.created_at DESC, l.id DESC;

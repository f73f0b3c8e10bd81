-- All that is kept about a person, for the person alone; see PersonalData in server/api/openapi.yaml.
-- Never a hash or a token. Of each list the newest, so many at most; cut names those of which there may
-- be more. What somebody did to others is named without its details, which are theirs.
-- name: PersonalData :one
SELECT (d.document || jsonb_build_object('cut', (
    SELECT coalesce(jsonb_agg(section.key ORDER BY section.key), '[]') FROM jsonb_each(d.document) section
    WHERE CASE jsonb_typeof(section.value) WHEN 'array' THEN jsonb_array_length(section.value) >= @most::integer ELSE false END
)))::jsonb AS document
FROM users u
JOIN companies m ON m.id = u.company_id
CROSS JOIN LATERAL (SELECT jsonb_build_object(
    'exported_at', now(),
    'account', jsonb_build_object('id', u.id, 'email', u.email, 'full_name', u.full_name, 'role', u.role, 'department', u.department,
        'job_risk', u.job_risk, 'locale', u.locale, 'is_active', u.is_active, 'created_at', u.created_at, 'updated_at', u.updated_at,
        'password_set_at', (SELECT k.updated_at FROM user_credentials k WHERE k.user_id = u.id)),
    'company', jsonb_build_object('id', m.id, 'name', m.name, 'slug', m.slug, 'country', m.country, 'data_zone', m.data_zone,
        'locale', m.locale, 'privacy_mode', m.privacy_mode),
    'activity', (SELECT jsonb_build_object('last_login_at', a.last_login_at, 'last_seen_at', a.last_seen_at)
        FROM user_activity a WHERE a.user_id = u.id),
    'sessions', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT s.id, s.created_at, s.expires_at, s.revoked_at FROM sessions s
        WHERE s.user_id = u.id ORDER BY s.created_at DESC, s.id DESC LIMIT @most) x),
    'sign_ins', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT r.session_id, r.ip, r.user_agent, r.created_at, r.used_at, r.expires_at
        FROM sessions s JOIN refresh_tokens r ON r.session_id = s.id
        WHERE s.user_id = u.id ORDER BY r.created_at DESC, r.id DESC LIMIT @most) x),
    'failed_logins', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT f.ip, f.user_agent, f.reason, f.created_at FROM login_failures f
        WHERE f.user_id = u.id ORDER BY f.created_at DESC, f.id DESC LIMIT @most) x),
    'login_sources', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT s.source, s.seen_at FROM login_sources s
        WHERE s.user_id = u.id ORDER BY s.seen_at DESC, s.source LIMIT @most) x),
    'revocations', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT r.reason, r.revoked_at FROM token_revocations r
        WHERE r.user_id = u.id ORDER BY r.revoked_at DESC, r.id DESC LIMIT @most) x),
    'password_requests', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT r.created_at FROM password_requests r
        WHERE r.email_folded = u.email_folded ORDER BY r.created_at DESC, r.id DESC LIMIT @most) x),
    'password_resets', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT r.purpose, r.created_at, r.expires_at, r.used_at FROM password_resets r
        WHERE r.user_id = u.id ORDER BY r.created_at DESC, r.id DESC LIMIT @most) x),
    'invitations_received', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT i.email, i.full_name, i.role, i.department, i.locale, i.created_at, i.expires_at, i.accepted_at FROM invitations i
        WHERE i.email_folded = u.email_folded AND i.company_id = u.company_id ORDER BY i.created_at DESC, i.id DESC LIMIT @most) x),
    'invitations_sent', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT i.id, i.role, i.created_at, i.expires_at, i.accepted_at FROM invitations i
        WHERE i.invited_by = u.id ORDER BY i.created_at DESC, i.id DESC LIMIT @most) x),
    'api_keys', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT k.id, k.name, k.prefix, k.scopes, k.created_at, k.expires_at, k.revoked_at FROM api_keys k
        WHERE k.user_id = u.id ORDER BY k.created_at DESC, k.id DESC LIMIT @most) x),
    'mails', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT o.kind, o.recipient, o.created_at, o.sent_at, o.uncertain FROM outbox o
        WHERE o.recipient = u.email ORDER BY o.created_at DESC, o.id DESC LIMIT @most) x),
    'remembered_requests', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT k.operation, k.created_at, k.expires_at FROM idempotency_keys k
        WHERE k.user_id = u.id ORDER BY k.created_at DESC LIMIT @most) x),
    'assignments', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT a.id, a.course_id, a.due_at, a.recurrence_months, a.created_at, a.ended_at FROM assignments a
        WHERE a.user_id = u.id ORDER BY a.created_at DESC, a.id DESC LIMIT @most) x),
    'assignments_made', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT a.id, a.course_id, a.scope, a.created_at, a.ended_at FROM assignments a
        WHERE a.created_by = u.id ORDER BY a.created_at DESC, a.id DESC LIMIT @most) x),
    'enrollments', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT e.id, e.course_id, c.slug AS course_slug, e.assignment_id, e.cycle, e.status, e.lessons_done, e.due_at, e.started_at,
            e.completed_at, e.expires_at, e.score, e.created_at, e.updated_at
        FROM enrollments e JOIN courses c ON c.id = e.course_id
        WHERE e.user_id = u.id ORDER BY e.created_at DESC, e.id DESC LIMIT @most) x),
    'lesson_progress', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT p.enrollment_id, p.lesson_id, p.done_at, p.seconds FROM enrollments e JOIN lesson_progress p ON p.enrollment_id = e.id
        WHERE e.user_id = u.id ORDER BY p.done_at DESC, p.id DESC LIMIT @most) x),
    'quiz_attempts', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT q.id, q.enrollment_id, q.quiz_id, q.number, q.score, q.passed, q.seconds, q.submitted_at, (
            SELECT coalesce(jsonb_agg(jsonb_build_object('question_id', w.question_id, 'option_id', w.option_id)
                ORDER BY w.question_id, w.option_id), '[]')
            FROM quiz_attempt_answers w WHERE w.quiz_attempt_id = q.id) AS answers
        FROM quiz_attempts q WHERE q.user_id = u.id ORDER BY q.submitted_at DESC, q.id DESC LIMIT @most) x),
    'quiz_starts', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT s.enrollment_id, s.quiz_id, s.started_at, s.ends_at FROM enrollments e JOIN quiz_starts s ON s.enrollment_id = e.id
        WHERE e.user_id = u.id ORDER BY s.started_at DESC LIMIT @most) x),
    'certificates', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT f.id, f.enrollment_id, f.course_id, f.code, f.issued_at, f.expires_at, f.revoked_at FROM certificates f
        WHERE f.user_id = u.id ORDER BY f.issued_at DESC, f.id DESC LIMIT @most) x),
    'phishing_events', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT p.campaign_id, g.name AS campaign, p.kind, p.occurred_at
        FROM phishing_events p JOIN phishing_campaigns g ON g.id = p.campaign_id
        WHERE p.user_id = u.id ORDER BY p.occurred_at DESC, p.id DESC LIMIT @most) x),
    'reports', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT r.id, r.type, r.format, r.state, r.created_at, r.completed_at, r.expires_at FROM reports r
        WHERE r.requested_by = u.id ORDER BY r.created_at DESC, r.id DESC LIMIT @most) x),
    'report_schedules', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT s.id, s.type, s.format, s.locale, s.cadence, s.first_at, s.next_at, s.last_at, s.created_at FROM report_schedules s
        WHERE s.user_id = u.id ORDER BY s.created_at DESC, s.id DESC LIMIT @most) x),
    'reminders', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT r.enrollment_id, r.days, r.due_on, r.created_at FROM enrollments e JOIN reminders r ON r.enrollment_id = e.id
        WHERE e.user_id = u.id ORDER BY r.due_on DESC, r.enrollment_id, r.days LIMIT @most) x),
    'overdue_reminders', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT o.reminded_on FROM overdue_reminders o WHERE o.user_id = u.id) x),
    'actions', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT l.action, l.subject, l.subject_id, l.ip, l.created_at FROM audit_log l
        WHERE l.actor_id = u.id ORDER BY l.created_at DESC LIMIT @most) x),
    'changes', (SELECT coalesce(jsonb_agg(x), '[]') FROM (
        SELECT l.action, l.subject, l.actor_id, l.details, l.created_at FROM audit_log l
        WHERE l.subject IN ('users', 'user_credentials') AND l.subject_id = u.id ORDER BY l.created_at DESC LIMIT @most) x)
) AS document) d
WHERE u.id = @user_id AND u.company_id = @company_id AND u.is_active;

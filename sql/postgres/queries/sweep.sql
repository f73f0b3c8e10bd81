-- What has served its time goes in batches, so that no sweep holds locks for long.

-- name: SweepIdempotencyKeys :execrows
DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE expires_at < now() ORDER BY expires_at LIMIT @batch FOR UPDATE SKIP LOCKED));

-- name: SweepSessions :execrows
DELETE FROM sessions WHERE id = ANY (ARRAY(
    SELECT id FROM sessions WHERE expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT @batch FOR UPDATE SKIP LOCKED));

-- A used token is kept until it would have expired, to know it again when it is reused.
-- name: SweepRefreshTokens :execrows
DELETE FROM refresh_tokens WHERE id = ANY (ARRAY(
    SELECT id FROM refresh_tokens WHERE expires_at < now() ORDER BY expires_at LIMIT @batch FOR UPDATE SKIP LOCKED));

-- name: SweepLoginFailures :execrows
DELETE FROM login_failures WHERE id = ANY (ARRAY(
    SELECT id FROM login_failures WHERE created_at < now() - interval '90 days' ORDER BY created_at LIMIT @batch FOR UPDATE SKIP LOCKED));

-- name: SweepPasswordResets :execrows
DELETE FROM password_resets WHERE id = ANY (ARRAY(
    SELECT id FROM password_resets WHERE expires_at < now() ORDER BY expires_at LIMIT @batch FOR UPDATE SKIP LOCKED));

-- name: SweepLoginSources :execrows
DELETE FROM login_sources WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM login_sources WHERE seen_at < now() - interval '90 days' ORDER BY seen_at LIMIT @batch FOR UPDATE SKIP LOCKED));

-- What became of an invitation stands in the audit log; the address of somebody who never came is
-- not kept longer.
-- name: SweepInvitations :execrows
DELETE FROM invitations WHERE id = ANY (ARRAY(
    SELECT id FROM invitations WHERE expires_at < now() - interval '30 days' ORDER BY expires_at LIMIT @batch FOR UPDATE SKIP LOCKED));

-- name: SweepOutbox :execrows
DELETE FROM outbox WHERE id = ANY (ARRAY(
    SELECT id FROM outbox WHERE created_at < now() - interval '30 days' AND (sent_at IS NOT NULL OR given_up_at IS NOT NULL)
    ORDER BY created_at LIMIT @batch FOR UPDATE SKIP LOCKED));

-- The days on which they could be written a second time are long over.
-- name: SweepReminders :execrows
DELETE FROM reminders WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM reminders WHERE created_at < now() - interval '90 days' ORDER BY created_at LIMIT @batch FOR UPDATE SKIP LOCKED));

-- A document stays a little longer than it may be asked for, so that whoever is getting it gets all of
-- it; and until the letter that it goes with has gone, or is too late.
-- name: SweepReports :execrows
WITH expired AS (
    UPDATE reports SET state = 'expired' WHERE id = ANY (ARRAY(
        SELECT r.id FROM reports r WHERE r.state = 'completed' AND r.expires_at < now() - interval '10 minutes'
        AND NOT EXISTS (SELECT FROM outbox o WHERE o.report_id = r.id AND coalesce(o.sent_at, o.given_up_at) IS NULL
            AND (o.expires_at > now()) IS NOT FALSE)
        ORDER BY r.expires_at LIMIT @batch FOR UPDATE SKIP LOCKED))
    RETURNING id
), dropped AS (DELETE FROM report_documents d USING expired e WHERE d.report_id = e.id)
SELECT id FROM expired;

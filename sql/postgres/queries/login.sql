-- name: LoginAccount :one
SELECT u.id, u.company_id, u.data_zone, u.role, u.locale, (u.is_active AND c.is_active)::boolean AS is_active,
    coalesce(k.password_hash, '')::text AS password_hash
FROM users u
JOIN companies c ON c.id = u.company_id
LEFT JOIN user_credentials k ON k.user_id = u.id
WHERE u.email_folded = fold_email(@login::text);

-- name: InsertLoginFailure :exec
INSERT INTO login_failures (login_hash, user_id, ip, user_agent, reason)
VALUES (sha256(convert_to(fold_email(@login::text), 'UTF8')), sqlc.narg(user_id), @ip, @user_agent, @reason);

-- One statement, so that session and token are one transaction and one round trip. The account is
-- looked at once more and held: where its password was changed or it was deactivated since it was
-- read, there is no row, and whoever changes it after this finds the session.
-- name: BeginSession :one
WITH account AS (
    SELECT u.id, u.company_id, u.data_zone, u.role, u.locale
    FROM users u
    JOIN companies c ON c.id = u.company_id
    JOIN user_credentials k ON k.user_id = u.id
    WHERE u.id = @user_id AND u.is_active AND c.is_active AND k.password_hash = @password_hash::text
    FOR SHARE OF u, k
), session AS (
    INSERT INTO sessions (company_id, data_zone, user_id, expires_at)
    SELECT company_id, data_zone, id, @session_expires_at::timestamptz FROM account
    RETURNING id
), known AS (
    INSERT INTO login_sources (user_id, source) SELECT id, @source::text FROM account WHERE @source::text <> ''
    ON CONFLICT (user_id, source) DO UPDATE SET seen_at = now()
), token AS (
    INSERT INTO refresh_tokens (session_id, token_hash, ip, user_agent, expires_at)
    SELECT id, @token_hash::bytea, @ip::text, @user_agent::text, @token_expires_at::timestamptz FROM session
)
SELECT session.id AS session_id, account.company_id, account.data_zone, account.role, account.locale FROM session, account;

-- Whether somebody has logged in to the account from there lately.
-- name: KnowsSource :one
SELECT EXISTS (SELECT FROM users u JOIN login_sources s ON s.user_id = u.id
    WHERE u.email_folded = fold_email(@login::text) AND s.source = @source AND s.seen_at > now() - interval '90 days')::boolean;

-- The session's row is locked first, so that two refreshes of one family come one after the other
-- and neither can pass while the other ends it. A revocation voids every session that was begun
-- before it: a token that was exchanged while it was being written is no younger than its session.
-- name: LockRefreshToken :one
SELECT r.id, r.used_at, r.expires_at, r.created_at, s.id AS session_id, s.expires_at AS session_expires_at, s.revoked_at,
    u.id AS user_id, u.company_id, u.data_zone, u.role, u.locale, (u.is_active AND c.is_active)::boolean AS is_active,
    EXISTS (SELECT FROM token_revocations v WHERE v.user_id = u.id AND v.revoked_at >= s.created_at)::boolean AS is_void
FROM refresh_tokens r
JOIN sessions s ON s.id = r.session_id
JOIN users u ON u.id = s.user_id
JOIN companies c ON c.id = u.company_id
WHERE r.token_hash = @token_hash
FOR UPDATE OF r, s;

-- name: RotateRefreshToken :exec
WITH used AS (
    UPDATE refresh_tokens SET used_at = clock_timestamp() WHERE refresh_tokens.id = @id RETURNING session_id
), known AS (
    INSERT INTO login_sources (user_id, source)
    SELECT s.user_id, @source::text FROM used JOIN sessions s ON s.id = used.session_id WHERE @source::text <> ''
    ON CONFLICT (user_id, source) DO UPDATE SET seen_at = now()
)
INSERT INTO refresh_tokens (session_id, token_hash, ip, user_agent, expires_at)
SELECT session_id, @token_hash, @ip, @user_agent, @expires_at FROM used;

-- name: RevokeSession :execrows
UPDATE sessions SET revoked_at = clock_timestamp() WHERE id = @id AND user_id = @user_id AND revoked_at IS NULL;

-- name: ReplacePasswordHash :exec
UPDATE user_credentials SET password_hash = @new_hash WHERE user_id = @user_id AND password_hash = @old_hash;

-- name: RecordLogins :exec
INSERT INTO user_activity (user_id, company_id, data_zone, last_login_at, last_seen_at)
SELECT u.id, u.company_id, u.data_zone, l.at, l.at
FROM (SELECT unnest(@user_ids::bigint[]) AS user_id, unnest(@times::timestamptz[]) AS at) l
JOIN users u ON u.id = l.user_id
ORDER BY u.id
ON CONFLICT (user_id) DO UPDATE SET
    last_login_at = greatest(user_activity.last_login_at, excluded.last_login_at),
    last_seen_at = greatest(user_activity.last_seen_at, excluded.last_seen_at);

-- name: InsertAudit :exec
INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id, ip, details)
VALUES (@company_id, @data_zone, sqlc.narg(actor_id), @action, @subject, sqlc.narg(subject_id), @ip, (@details::text)::jsonb);

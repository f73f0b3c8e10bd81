-- Passwords that are set by mail or changed. Whoever sets one is who the audit log names.

-- The person is held: a mail must not go to an address that is being replaced.
-- name: FirstPasswordContext :one
SELECT u.id, u.company_id, u.data_zone, u.email, u.full_name, (u.is_active AND c.is_active)::boolean AS is_active, c.name AS company,
    coalesce(nullif(u.locale, ''), c.locale)::text AS locale, asker.full_name AS inviter,
    EXISTS (SELECT FROM user_credentials k WHERE k.user_id = u.id)::boolean AS has_password,
    EXISTS (SELECT FROM password_resets r WHERE r.user_id = u.id AND r.created_at > now() - make_interval(secs => @pause::float8))::boolean AS is_recent
FROM users u
JOIN companies c ON c.id = u.company_id
JOIN users asker ON asker.id = @asker_id
WHERE u.id = @id AND (u.company_id = @company_id OR @any_company::boolean)
FOR SHARE OF u;

-- name: InsertFirstPassword :exec
WITH reset AS (
    INSERT INTO password_resets (user_id, token_hash, purpose, expires_at) VALUES (@user_id, @token_hash, 'first', @expires_at::timestamptz)
)
INSERT INTO outbox (company_id, data_zone, kind, recipient, locale, payload, expires_at)
VALUES (@company_id, @data_zone, @kind, @recipient, @locale, (@payload::text)::jsonb, @expires_at::timestamptz);

-- The same for every address: whether it is anybody's is found out later.
-- name: RequestPasswordReset :exec
INSERT INTO password_requests (email_folded) VALUES (fold_email(@email::text));

-- name: TakePasswordRequests :many
DELETE FROM password_requests WHERE id = ANY (ARRAY(
    SELECT id FROM password_requests WHERE created_at <= now() ORDER BY created_at LIMIT @batch FOR UPDATE SKIP LOCKED))
RETURNING email_folded;

-- Tokens and mails for those who are somebody's, active, and got none lately. They are held, as for a
-- first password.
-- name: InsertResets :execrows
WITH person AS MATERIALIZED (
    SELECT u.id, u.company_id, u.data_zone, u.email, u.full_name, c.name AS company,
        coalesce(nullif(u.locale, ''), c.locale) AS locale, r.token, r.token_hash
    FROM (SELECT unnest(@emails::text[]) AS email, unnest(@tokens::text[]) AS token, unnest(@token_hashes::bytea[]) AS token_hash) r
    JOIN users u ON u.email_folded = r.email
    JOIN companies c ON c.id = u.company_id
    WHERE u.is_active AND c.is_active AND NOT EXISTS (
        SELECT FROM password_resets p WHERE p.user_id = u.id AND p.created_at > now() - make_interval(secs => @pause::float8))
    ORDER BY u.id FOR SHARE OF u
), asked AS (
    SELECT DISTINCT ON (person.id) person.* FROM person ORDER BY person.id
), reset AS (
    INSERT INTO password_resets (user_id, token_hash, purpose, expires_at)
    SELECT asked.id, asked.token_hash, 'reset', now() + make_interval(secs => @life::float8) FROM asked
    RETURNING user_id, expires_at
)
INSERT INTO outbox (company_id, data_zone, kind, recipient, locale, payload, expires_at)
SELECT asked.company_id, asked.data_zone, @kind, asked.email, asked.locale,
    jsonb_build_object('name', asked.full_name, 'company', asked.company, 'token', asked.token), reset.expires_at
FROM asked JOIN reset ON reset.user_id = asked.id;

-- Waits for logins that are beginning with the password as it is, so that the next statement sees
-- their sessions, and keeps others from beginning.
-- name: LockCredentials :exec
SELECT FROM user_credentials WHERE user_id = @user_id FOR UPDATE;

-- name: OpenReset :one
SELECT u.id, u.email, u.full_name, c.name AS company
FROM password_resets r
JOIN users u ON u.id = r.user_id
JOIN companies c ON c.id = u.company_id
WHERE r.token_hash = @token_hash AND r.used_at IS NULL AND r.expires_at > now() AND u.is_active AND c.is_active;

-- Sets the password and ends everything that began with the old one. The revocation lies before
-- the current second: tokens count in whole seconds, and a login right after this must be good. What
-- was issued within that second has a session, which ends here. No row: the token was used meanwhile.
-- name: ResetPassword :one
WITH used AS (
    UPDATE password_resets SET used_at = now()
    WHERE password_resets.token_hash = @token_hash AND password_resets.used_at IS NULL AND password_resets.expires_at > now()
    RETURNING id, user_id
), account AS (
    SELECT u.id, u.company_id, u.data_zone, u.email, u.full_name, c.name AS company, coalesce(nullif(u.locale, ''), c.locale) AS locale, used.id AS reset_id
    FROM used JOIN users u ON u.id = used.user_id JOIN companies c ON c.id = u.company_id
), others AS (
    UPDATE password_resets SET used_at = now() FROM account
    WHERE password_resets.user_id = account.id AND password_resets.id <> account.reset_id AND password_resets.used_at IS NULL
), credentials AS (
    INSERT INTO user_credentials (user_id, password_hash) SELECT account.id, @password_hash FROM account
    ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash
), ended AS (
    UPDATE sessions SET revoked_at = clock_timestamp() FROM account
    WHERE sessions.user_id = account.id AND sessions.revoked_at IS NULL
), revocation AS (
    INSERT INTO token_revocations (company_id, data_zone, user_id, reason, revoked_at)
    SELECT account.company_id, account.data_zone, account.id, 'password reset', date_trunc('second', clock_timestamp()) - interval '1 microsecond' FROM account
), mail AS (
    INSERT INTO outbox (company_id, data_zone, kind, recipient, locale, payload)
    SELECT account.company_id, account.data_zone, @kind, account.email, account.locale, jsonb_build_object('name', account.full_name, 'company', account.company) FROM account
)
SELECT account.id, set_config('outpost.actor', account.id::text, true)::text AS actor, set_config('outpost.ip', @ip::text, true)::text AS origin,
    set_config('outpost.operation', 'resetPassword', true)::text AS operation
FROM account;

-- No row either when the session has ended, which a replica may not know yet.
-- name: PasswordAccount :one
SELECT u.id, u.email, u.full_name, c.name AS company, coalesce(k.password_hash, '')::text AS password_hash
FROM users u
JOIN companies c ON c.id = u.company_id
LEFT JOIN user_credentials k ON k.user_id = u.id
WHERE u.id = @id AND u.company_id = @company_id AND u.is_active AND c.is_active
    AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = @session_id::bigint AND s.user_id = u.id AND (s.revoked_at IS NOT NULL
        OR EXISTS (SELECT FROM token_revocations v WHERE v.user_id = s.user_id AND v.revoked_at >= s.created_at)));

-- Changes a password that is still the old one, ends the user's other sessions and uses up what
-- could set it by mail. No row: somebody else has changed it.
-- name: ChangePassword :one
WITH changed AS (
    UPDATE user_credentials SET password_hash = @new_hash
    WHERE user_credentials.user_id = @user_id AND user_credentials.password_hash = @old_hash
    RETURNING user_id
), account AS (
    SELECT u.id, u.company_id, u.data_zone, u.email, u.full_name, c.name AS company, coalesce(nullif(u.locale, ''), c.locale) AS locale
    FROM changed JOIN users u ON u.id = changed.user_id JOIN companies c ON c.id = u.company_id
), resets AS (
    UPDATE password_resets SET used_at = now() FROM account
    WHERE password_resets.user_id = account.id AND password_resets.used_at IS NULL
), ended AS (
    UPDATE sessions SET revoked_at = clock_timestamp() FROM account
    WHERE sessions.user_id = account.id AND sessions.id <> @session_id AND sessions.revoked_at IS NULL
), mail AS (
    INSERT INTO outbox (company_id, data_zone, kind, recipient, locale, payload)
    SELECT account.company_id, account.data_zone, @kind, account.email, account.locale, jsonb_build_object('name', account.full_name, 'company', account.company) FROM account
)
SELECT account.id, set_config('outpost.actor', account.id::text, true)::text AS actor, set_config('outpost.ip', @ip::text, true)::text AS origin,
    set_config('outpost.operation', 'changePassword', true)::text AS operation
FROM account;

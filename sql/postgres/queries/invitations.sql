-- What decides whether an address can be invited. Whether it is somebody's at another company is
-- for the mail alone. No row: there is no such company.
-- name: InvitationContext :one
SELECT c.name AS company, c.data_zone, c.is_active, u.full_name AS inviter, coalesce(nullif(@locale::text, ''), c.locale)::text AS locale,
    coalesce(m.company_id = c.id, false)::boolean AS is_member, (m.id IS NOT NULL)::boolean AS is_user,
    EXISTS (SELECT FROM invitations i WHERE i.company_id = c.id AND i.email_folded = fold_email(@email::text)
        AND i.accepted_at IS NULL AND i.expires_at > now())::boolean AS is_invited
FROM users u
JOIN companies c ON c.id = @company_id
LEFT JOIN users m ON m.email_folded = fold_email(@email::text)
WHERE u.id = @user_id;

-- An invitation and its mail. It takes the place of one to the same address that has expired. No
-- row: somebody else has just invited that address.
-- name: InsertInvitation :one
WITH invitation AS (
    INSERT INTO invitations (company_id, data_zone, email, email_folded, full_name, role, department, locale, token_hash, invited_by, expires_at)
    VALUES (@company_id, @data_zone, @email::text, fold_email(@email::text), @full_name, @role, @department, @locale, @token_hash, @invited_by::bigint, @expires_at)
    ON CONFLICT (company_id, email_folded) WHERE accepted_at IS NULL
    DO UPDATE SET email = excluded.email, full_name = excluded.full_name, role = excluded.role, department = excluded.department,
        locale = excluded.locale, token_hash = excluded.token_hash, invited_by = excluded.invited_by,
        expires_at = excluded.expires_at, created_at = now()
    WHERE invitations.expires_at <= now()
    RETURNING id, created_at, expires_at
), mail AS (
    INSERT INTO outbox (company_id, data_zone, kind, recipient, locale, payload, expires_at)
    SELECT @company_id, @data_zone, @kind, @email::text, @mail_locale, (@payload::text)::jsonb, expires_at FROM invitation
)
SELECT id, created_at, expires_at FROM invitation;

-- name: CountInvitations :one
SELECT count(*) FROM invitations WHERE company_id = @company_id;

-- Those that can still be accepted first, the newest of each kind before the others.
-- name: Invitations :many
SELECT i.id, i.email, i.full_name, i.role, i.department, i.locale, i.created_at, i.expires_at, i.accepted_at,
    coalesce(i.invited_by, 0)::bigint AS invited_by, (i.accepted_at IS NULL AND i.expires_at > now())::boolean AS is_open
FROM invitations i
WHERE i.company_id = @company_id
    AND (NOT @continued::boolean OR ((i.accepted_at IS NULL AND i.expires_at > now()), i.id) < (@after_open::boolean, @after_id::bigint))
ORDER BY (i.accepted_at IS NULL AND i.expires_at > now()) DESC, i.id DESC
LIMIT @size::integer OFFSET @skip::bigint;

-- name: WithdrawInvitation :one
WITH gone AS (
    DELETE FROM invitations i
    WHERE i.id = @id AND (@any_company::boolean OR i.company_id = @company_id) AND num_nulls(i.accepted_at) = 1 RETURNING i.id
)
SELECT EXISTS (SELECT FROM gone)::boolean AS withdrawn,
    EXISTS (SELECT FROM invitations a WHERE a.id = @id AND (@any_company::boolean OR a.company_id = @company_id)
        AND num_nulls(a.accepted_at) = 0)::boolean AS accepted;

-- An invitation that can be accepted: it is open, its company is active, and whoever invited could
-- do so today: an admin of the company, or a platform administrator, whose own company is another.
-- No row otherwise. (num_nulls, since IS NULL invites a walk through the index of all
-- that are open.)
-- name: OpenInvitation :one
SELECT i.id, i.email, i.full_name, c.name AS company,
    EXISTS (SELECT FROM users m WHERE m.email_folded = i.email_folded)::boolean AS is_user
FROM invitations i
JOIN companies c ON c.id = i.company_id
JOIN users inviter ON inviter.id = i.invited_by
JOIN companies home ON home.id = inviter.company_id
WHERE i.token_hash = @token_hash AND num_nulls(i.accepted_at) = 1 AND i.expires_at > now() AND c.is_active
    AND inviter.is_active AND home.is_active
    AND (inviter.role = 'platform_admin' OR inviter.role = 'admin' AND inviter.company_id = i.company_id);

-- Makes the user, with password and session, of an invitation that nobody has used meanwhile. Whoever
-- invited is looked at once more and held: a password takes its time. What is recorded of it is the new
-- user's own doing.
-- name: AcceptInvitation :one
WITH inviter AS MATERIALIZED (
    SELECT u.id FROM invitations i JOIN users u ON u.id = i.invited_by
    JOIN companies c ON c.id = i.company_id JOIN companies home ON home.id = u.company_id
    WHERE i.id = @id AND u.is_active AND c.is_active AND home.is_active
        AND (u.role = 'platform_admin' OR u.role = 'admin' AND u.company_id = i.company_id)
    FOR SHARE OF u
), invitation AS (
    UPDATE invitations SET accepted_at = now() FROM inviter
    WHERE invitations.id = @id AND invitations.token_hash = @token_hash AND num_nulls(invitations.accepted_at) = 1 AND invitations.expires_at > now()
    RETURNING company_id, data_zone, email, role, department, locale
), person AS (
    INSERT INTO users (company_id, data_zone, email, full_name, role, department, locale)
    SELECT company_id, data_zone, email, @full_name, role, department, locale FROM invitation
    RETURNING id, company_id, data_zone, role, locale
), credentials AS (
    INSERT INTO user_credentials (user_id, password_hash) SELECT id, @password_hash FROM person
), session AS (
    INSERT INTO sessions (company_id, data_zone, user_id, expires_at)
    SELECT company_id, data_zone, id, @session_expires_at FROM person
    RETURNING id
), known AS (
    INSERT INTO login_sources (user_id, source) SELECT id, @source::text FROM person WHERE @source::text <> ''
), token AS (
    INSERT INTO refresh_tokens (session_id, token_hash, ip, user_agent, expires_at)
    SELECT id, @refresh_hash, @ip::text, @user_agent, @token_expires_at FROM session
)
SELECT person.id, person.company_id, person.data_zone, person.role, person.locale, session.id AS session_id,
    set_config('outpost.actor', person.id::text, true)::text AS actor, set_config('outpost.ip', @ip::text, true)::text AS origin,
    set_config('outpost.operation', 'acceptInvitation', true)::text AS operation
FROM person, session;

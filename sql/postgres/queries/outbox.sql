-- Mail is claimed for a while, so that no transaction is open while a mail server thinks: who
-- claims and dies leaves it to the next. The number of the attempt tells one claim from another.

-- What a process had in hand that was killed is free at once when it comes back.
-- name: FreeMail :execrows
UPDATE outbox SET available_at = now(), claimed_by = '' WHERE claimed_by = @node::text AND claimed_by <> '';

-- name: ClaimMail :many
UPDATE outbox SET attempts = attempts + 1, claimed_by = @node, available_at = now() + make_interval(secs => @lease::float8)
WHERE id = ANY (ARRAY(
    SELECT o.id FROM outbox o
    WHERE o.sent_at IS NULL AND o.given_up_at IS NULL AND o.begun_at IS NULL AND o.available_at <= now()
    ORDER BY o.available_at LIMIT @batch FOR UPDATE SKIP LOCKED))
RETURNING id, kind, recipient, locale, payload, attempts, report_id, created_at, (expires_at <= now()) IS TRUE AS is_late;

-- No row: the claim has run out, and somebody else has the mail in hand.
-- name: BeginMail :execrows
UPDATE outbox SET begun_at = now(), available_at = now() + make_interval(secs => @lease::float8)
WHERE id = @id AND attempts = @attempt AND coalesce(begun_at, sent_at, given_up_at) IS NULL;

-- What was sent holds no secret any more.
-- name: MailSent :exec
UPDATE outbox SET sent_at = now(), given_up_at = NULL, uncertain = false, claimed_by = '', payload = '{}', last_error = '' WHERE id = @id;

-- Tries again after a pause, or gives up: when told to, or when it would come too late. What was
-- sent or given up by somebody else meanwhile, or is in their hands, stays so.
-- name: MailFailed :one
WITH verdict AS (
    SELECT o.id, (@give_up::boolean OR o.expires_at <= now() + make_interval(secs => @pause::float8)) IS TRUE AS over
    FROM outbox o WHERE o.id = @id AND o.attempts = @attempt AND coalesce(o.sent_at, o.given_up_at) IS NULL
)
UPDATE outbox SET last_error = @reason, begun_at = NULL, claimed_by = '', available_at = now() + make_interval(secs => @pause::float8),
    given_up_at = CASE WHEN verdict.over THEN now() END, payload = CASE WHEN verdict.over THEN '{}' ELSE outbox.payload END
FROM verdict WHERE outbox.id = verdict.id
RETURNING (outbox.given_up_at IS NOT NULL)::boolean AS given_up;

-- name: MailUncertain :execrows
UPDATE outbox SET given_up_at = now(), uncertain = true, claimed_by = '', payload = '{}', last_error = @reason
WHERE id = @id AND attempts = @attempt AND coalesce(sent_at, given_up_at) IS NULL;

-- Whoever began these has ended, or cannot say what became of them.
-- name: MailAbandoned :many
UPDATE outbox SET given_up_at = now(), uncertain = true, claimed_by = '', payload = '{}', last_error = 'its sending was begun, and how it ended is not known'
WHERE id = ANY (ARRAY(
    SELECT o.id FROM outbox o
    WHERE o.sent_at IS NULL AND o.given_up_at IS NULL AND o.begun_at IS NOT NULL AND o.available_at <= now()
    ORDER BY o.available_at LIMIT @batch FOR UPDATE SKIP LOCKED))
RETURNING id, kind, attempts, last_error;

-- Mail is claimed for a while, so that no transaction is open while a mail server thinks: who
-- claims and dies leaves it to the next.

-- name: ClaimMail :many
UPDATE outbox SET attempts = attempts + 1, available_at = now() + make_interval(secs => @lease::float8)
WHERE id = ANY (ARRAY(
    SELECT o.id FROM outbox o WHERE o.sent_at IS NULL AND o.given_up_at IS NULL AND o.available_at <= now()
    ORDER BY o.available_at LIMIT @batch FOR UPDATE SKIP LOCKED))
RETURNING id, kind, recipient, locale, payload, attempts, created_at, (expires_at <= now()) IS TRUE AS is_late;

-- What was sent holds no secret any more.
-- name: MailSent :exec
UPDATE outbox SET sent_at = now(), payload = '{}', last_error = '' WHERE id = @id;

-- Tries again after a pause, or gives up: when told to, or when it would come too late. What was
-- sent or given up by somebody else meanwhile stays so.
-- name: MailFailed :one
WITH verdict AS (
    SELECT o.id, (@give_up::boolean OR o.expires_at <= now() + make_interval(secs => @pause::float8)) IS TRUE AS over
    FROM outbox o WHERE o.id = @id AND coalesce(o.sent_at, o.given_up_at) IS NULL
)
UPDATE outbox SET last_error = @reason, available_at = now() + make_interval(secs => @pause::float8),
    given_up_at = CASE WHEN verdict.over THEN now() END, payload = CASE WHEN verdict.over THEN '{}' ELSE outbox.payload END
FROM verdict WHERE outbox.id = verdict.id
RETURNING (outbox.given_up_at IS NOT NULL)::boolean AS given_up;

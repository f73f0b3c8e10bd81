-- Tells the audit log's triggers who writes, and finds out whether they still may and whether
-- they have done so before. is_over: the session or the API key has ended, which a replica may not
-- know yet. Always one row.
-- name: BeginOperation :one
SELECT set_config('outpost.actor', asker.user_id::text, true)::text AS actor, set_config('outpost.ip', @ip::text, true)::text AS ip,
    set_config('outpost.operation', @operation::text, true)::text AS operation,
    coalesce(u.role, '')::text AS role, k.request_hash, k.outcome, now()::timestamptz AS at,
    (EXISTS (SELECT FROM sessions s WHERE s.id = @session_id::bigint AND s.user_id = asker.user_id AND (s.revoked_at IS NOT NULL
        OR EXISTS (SELECT FROM token_revocations v WHERE v.user_id = s.user_id AND v.revoked_at >= s.created_at)))
    OR EXISTS (SELECT FROM api_keys a WHERE a.id = @key_id::bigint AND (a.revoked_at IS NOT NULL OR a.expires_at <= now())))::boolean AS is_over
FROM (SELECT @actor_id::bigint AS user_id) asker
LEFT JOIN users u ON u.id = asker.user_id AND u.company_id = @company_id AND u.is_active
    AND EXISTS (SELECT FROM companies c WHERE c.id = u.company_id AND c.is_active)
LEFT JOIN idempotency_keys k ON k.user_id = asker.user_id AND k.operation = @operation::text AND k.key = @key::text AND k.expires_at > now();

-- Nothing is inserted when another transaction has remembered an outcome under the key meanwhile.
-- name: Remember :execrows
INSERT INTO idempotency_keys (user_id, operation, key, request_hash, outcome, expires_at)
VALUES (@user_id, @operation, @key, @request_hash, (@outcome::text)::jsonb, @expires_at)
ON CONFLICT (user_id, operation, key) DO UPDATE
SET request_hash = excluded.request_hash, outcome = excluded.outcome, created_at = now(), expires_at = excluded.expires_at
WHERE idempotency_keys.expires_at <= now();

-- Simulated phishing: campaigns, and what people did. Company and zone of a campaign are its company's as
-- of now, of an event its person's.

-- No row: there is no such company.
-- name: InsertPhishingCampaign :one
INSERT INTO phishing_campaigns (company_id, data_zone, name, template, started_at, ended_at)
SELECT c.id, c.data_zone, @name, @template, @started_at, sqlc.narg(ended_at) FROM companies c WHERE c.id = @company_id
RETURNING *;

-- A campaign with its counts, locked for the transaction; events do not wait for it.
-- name: LockPhishingCampaign :one
SELECT sqlc.embed(c), n.people, n.opened, n.clicked, n.submitted, n.reported
FROM phishing_campaigns c
CROSS JOIN LATERAL (
    SELECT count(DISTINCT e.user_id) AS people, count(*) FILTER (WHERE e.kind = 'opened') AS opened,
        count(*) FILTER (WHERE e.kind = 'clicked') AS clicked, count(*) FILTER (WHERE e.kind = 'submitted') AS submitted,
        count(*) FILTER (WHERE e.kind = 'reported') AS reported
    FROM phishing_events e WHERE e.campaign_id = c.id
) n
WHERE c.id = @id AND (@any_company::boolean OR c.company_id = @company_id)
FOR NO KEY UPDATE OF c;

-- name: UpdatePhishingCampaign :one
UPDATE phishing_campaigns SET name = @name, ended_at = sqlc.narg(ended_at) WHERE id = @id RETURNING *;

-- Judges events, which come as arrays of the same length, and writes down those that are good: of a
-- campaign, person and kind the earliest. user_id 0 means that the address tells who it was. Everybody
-- writes in the order of the table's unique key, so that two batches wait for each other and never in a
-- circle. One row for each event: stored is the version of the row that it made (1) or gave its time to
-- (above 1), and 0 where the time that is known is as early.
-- name: RecordPhishing :many
WITH given AS (
    SELECT unnest(@numbers::integer[]) AS number, unnest(@campaigns::bigint[]) AS campaign_id, unnest(@users::bigint[]) AS user_id,
        unnest(@emails::text[]) AS email, unnest(@kinds::text[]) AS kind, unnest(@times::timestamptz[]) AS occurred_at
), judged AS MATERIALIZED (
    SELECT g.number, g.kind, g.occurred_at, c.id AS campaign_id, u.id AS user_id, u.company_id, u.data_zone,
        coalesce(g.occurred_at >= c.started_at - interval '24 hours', false) AS in_time
    FROM given g
    LEFT JOIN phishing_campaigns c ON c.id = g.campaign_id AND (@any_company::boolean OR c.company_id = @company_id)
    LEFT JOIN LATERAL (
        SELECT p.id, p.company_id, p.data_zone FROM users p
        WHERE p.id = CASE g.user_id WHEN 0 THEN (SELECT x.id FROM users x WHERE x.email_folded = fold_email(g.email)) ELSE g.user_id END
        LIMIT 1 -- one by one, by their ids
    ) u ON u.company_id = c.company_id
), good AS (
    SELECT DISTINCT ON (j.campaign_id, j.user_id, j.kind) j.*
    FROM judged j WHERE j.user_id IS NOT NULL AND j.in_time
    ORDER BY j.campaign_id, j.user_id, j.kind, j.occurred_at, j.number
), made AS (
    INSERT INTO phishing_events (company_id, data_zone, user_id, campaign_id, kind, occurred_at)
    SELECT g.company_id, g.data_zone, g.user_id, g.campaign_id, g.kind, g.occurred_at FROM good g
    ORDER BY g.campaign_id, g.user_id, g.kind
    ON CONFLICT (campaign_id, user_id, kind) DO UPDATE SET occurred_at = excluded.occurred_at
    WHERE excluded.occurred_at < phishing_events.occurred_at
    RETURNING campaign_id, user_id, kind, version
)
SELECT j.number::integer AS number, (j.campaign_id IS NOT NULL)::boolean AS has_campaign, (j.user_id IS NOT NULL)::boolean AS has_person,
    j.in_time::boolean AS in_time, coalesce(m.version, 0)::bigint AS stored
FROM judged j
LEFT JOIN (good g JOIN made m ON m.campaign_id = g.campaign_id AND m.user_id = g.user_id AND m.kind = g.kind) ON g.number = j.number
ORDER BY j.number;

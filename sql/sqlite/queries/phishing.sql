-- Tenancy is in every query: company_id is the company that may be seen. What a platform administrator
-- sees of all companies has queries of its own, since the order of one company is another index than
-- that of all. active: -1 whether or not a campaign runs at that time, else 1 or 0.

-- name: PhishingCampaignIDsByStarted :many
SELECT c.id, c.started_at AS sort_key
FROM phishing_campaigns c
WHERE c.company_id = @company_id
    AND (c.started_at, c.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@active AS INTEGER) < 0 OR CAST(@active AS INTEGER) =
        (c.started_at <= CAST(@now AS TEXT) AND coalesce(c.ended_at, 'infinity') > CAST(@now AS TEXT)))
ORDER BY c.started_at, c.id LIMIT @size OFFSET @skip;

-- name: PhishingCampaignIDsByStartedDesc :many
SELECT c.id, c.started_at AS sort_key
FROM phishing_campaigns c
WHERE c.company_id = @company_id
    AND (c.started_at, c.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@active AS INTEGER) < 0 OR CAST(@active AS INTEGER) =
        (c.started_at <= CAST(@now AS TEXT) AND coalesce(c.ended_at, 'infinity') > CAST(@now AS TEXT)))
ORDER BY c.started_at DESC, c.id DESC LIMIT @size OFFSET @skip;

-- name: PhishingCampaignIDsByName :many
SELECT c.id, c.name_folded AS sort_key
FROM phishing_campaigns c
WHERE c.company_id = @company_id
    AND (c.name_folded, c.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@active AS INTEGER) < 0 OR CAST(@active AS INTEGER) =
        (c.started_at <= CAST(@now AS TEXT) AND coalesce(c.ended_at, 'infinity') > CAST(@now AS TEXT)))
ORDER BY c.name_folded, c.id LIMIT @size OFFSET @skip;

-- name: PhishingCampaignIDsByNameDesc :many
SELECT c.id, c.name_folded AS sort_key
FROM phishing_campaigns c
WHERE c.company_id = @company_id
    AND (c.name_folded, c.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@active AS INTEGER) < 0 OR CAST(@active AS INTEGER) =
        (c.started_at <= CAST(@now AS TEXT) AND coalesce(c.ended_at, 'infinity') > CAST(@now AS TEXT)))
ORDER BY c.name_folded DESC, c.id DESC LIMIT @size OFFSET @skip;

-- name: AllPhishingCampaignIDsByStarted :many
SELECT c.id, c.started_at AS sort_key
FROM phishing_campaigns c
WHERE (c.started_at, c.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@active AS INTEGER) < 0 OR CAST(@active AS INTEGER) =
        (c.started_at <= CAST(@now AS TEXT) AND coalesce(c.ended_at, 'infinity') > CAST(@now AS TEXT)))
ORDER BY c.started_at, c.id LIMIT @size OFFSET @skip;

-- name: AllPhishingCampaignIDsByStartedDesc :many
SELECT c.id, c.started_at AS sort_key
FROM phishing_campaigns c
WHERE (c.started_at, c.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@active AS INTEGER) < 0 OR CAST(@active AS INTEGER) =
        (c.started_at <= CAST(@now AS TEXT) AND coalesce(c.ended_at, 'infinity') > CAST(@now AS TEXT)))
ORDER BY c.started_at DESC, c.id DESC LIMIT @size OFFSET @skip;

-- name: AllPhishingCampaignIDsByName :many
SELECT c.id, c.name_folded AS sort_key
FROM phishing_campaigns c
WHERE (c.name_folded, c.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@active AS INTEGER) < 0 OR CAST(@active AS INTEGER) =
        (c.started_at <= CAST(@now AS TEXT) AND coalesce(c.ended_at, 'infinity') > CAST(@now AS TEXT)))
ORDER BY c.name_folded, c.id LIMIT @size OFFSET @skip;

-- name: AllPhishingCampaignIDsByNameDesc :many
SELECT c.id, c.name_folded AS sort_key
FROM phishing_campaigns c
WHERE (c.name_folded, c.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
    AND (CAST(@active AS INTEGER) < 0 OR CAST(@active AS INTEGER) =
        (c.started_at <= CAST(@now AS TEXT) AND coalesce(c.ended_at, 'infinity') > CAST(@now AS TEXT)))
ORDER BY c.name_folded DESC, c.id DESC LIMIT @size OFFSET @skip;

-- Of one company, or of all with their ids from the lowest to the highest: administrators have written
-- each. next_start and next_end are the first of them to begin and to end after that time, '' for none.
-- name: CountPhishingCampaigns :one
SELECT CAST(coalesce(sum(CAST(@active AS INTEGER) < 0 OR CAST(@active AS INTEGER) =
        (c.started_at <= CAST(@now AS TEXT) AND coalesce(c.ended_at, 'infinity') > CAST(@now AS TEXT))), 0) AS INTEGER) AS total,
    CAST(coalesce(min(CASE WHEN c.started_at > CAST(@now AS TEXT) THEN c.started_at END), '') AS TEXT) AS next_start,
    CAST(coalesce(min(CASE WHEN c.ended_at > CAST(@now AS TEXT) THEN c.ended_at END), '') AS TEXT) AS next_end
FROM phishing_campaigns c
WHERE c.company_id BETWEEN CAST(@from_company AS INTEGER) AND CAST(@to_company AS INTEGER);

-- name: PhishingCampaignsByID :many
SELECT sqlc.embed(c), coalesce(s.people, 0) AS people, coalesce(s.opened, 0) AS opened, coalesce(s.clicked, 0) AS clicked,
    coalesce(s.submitted, 0) AS submitted, coalesce(s.reported, 0) AS reported
FROM phishing_campaigns c LEFT JOIN phishing_stats s ON s.campaign_id = c.id
WHERE c.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)))
    AND (CAST(@any_company AS INTEGER) = 1 OR c.company_id = @company_id);

-- The people of a campaign by their departments of now; '' for those who are of no department, or of
-- its company no more.
-- name: PhishingDepartments :many
SELECT CAST(coalesce(u.department, '') AS TEXT) AS department, count(*) AS people, CAST(sum(p.opened) AS INTEGER) AS opened,
    CAST(sum(p.clicked) AS INTEGER) AS clicked, CAST(sum(p.submitted) AS INTEGER) AS submitted, CAST(sum(p.reported) AS INTEGER) AS reported
FROM (
    SELECT e.user_id, max(e.kind = 'opened') AS opened, max(e.kind = 'clicked') AS clicked, max(e.kind = 'submitted') AS submitted,
        max(e.kind = 'reported') AS reported
    FROM phishing_events e WHERE e.campaign_id = @campaign_id GROUP BY e.user_id
) p
LEFT JOIN users u ON u.id = p.user_id AND u.company_id = @company_id
GROUP BY 1;

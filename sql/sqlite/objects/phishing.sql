-- A list of campaigns is walked in its order, within a company or, for platform administrators, in all.
CREATE INDEX phishing_campaigns_company_started ON phishing_campaigns (company_id, started_at, id);
CREATE INDEX phishing_campaigns_company_name ON phishing_campaigns (company_id, name_folded, id);
CREATE INDEX phishing_campaigns_started ON phishing_campaigns (started_at, id);
CREATE INDEX phishing_campaigns_name ON phishing_campaigns (name_folded, id);
-- Holds all that is asked about the events of a campaign, person by person.
CREATE INDEX phishing_events_campaign ON phishing_events (campaign_id, user_id, kind);

-- Counters per campaign: people with any event, and with one of each kind, of which everybody has one
-- at most. As in company_stats, nothing in it changes with time alone.
CREATE TABLE phishing_stats (
    campaign_id INTEGER PRIMARY KEY,
    people INTEGER NOT NULL DEFAULT 0,
    opened INTEGER NOT NULL DEFAULT 0,
    clicked INTEGER NOT NULL DEFAULT 0,
    submitted INTEGER NOT NULL DEFAULT 0,
    reported INTEGER NOT NULL DEFAULT 0
);

INSERT INTO phishing_stats
SELECT campaign_id, count(DISTINCT user_id), sum(kind = 'opened'), sum(kind = 'clicked'), sum(kind = 'submitted'), sum(kind = 'reported')
FROM phishing_events GROUP BY campaign_id;

CREATE TRIGGER phishing_stats_insert AFTER INSERT ON phishing_events BEGIN
    INSERT INTO phishing_stats
    SELECT new.campaign_id, NOT EXISTS (
            SELECT 1 FROM phishing_events WHERE campaign_id = new.campaign_id AND user_id = new.user_id AND id <> new.id),
        new.kind = 'opened', new.kind = 'clicked', new.kind = 'submitted', new.kind = 'reported'
    WHERE true
    ON CONFLICT (campaign_id) DO UPDATE SET people = people + excluded.people, opened = opened + excluded.opened,
        clicked = clicked + excluded.clicked, submitted = submitted + excluded.submitted, reported = reported + excluded.reported;
END;

CREATE TRIGGER phishing_stats_delete AFTER DELETE ON phishing_events BEGIN
    UPDATE phishing_stats SET people = people - NOT EXISTS (
            SELECT 1 FROM phishing_events WHERE campaign_id = old.campaign_id AND user_id = old.user_id),
        opened = opened - (old.kind = 'opened'), clicked = clicked - (old.kind = 'clicked'),
        submitted = submitted - (old.kind = 'submitted'), reported = reported - (old.kind = 'reported')
    WHERE campaign_id = old.campaign_id;
END;

-- Whoever stays with the campaign has this event left, and so is neither taken away nor added.
CREATE TRIGGER phishing_stats_update AFTER UPDATE OF campaign_id, user_id, kind ON phishing_events
WHEN old.campaign_id <> new.campaign_id OR old.user_id <> new.user_id OR old.kind <> new.kind BEGIN
    UPDATE phishing_stats SET people = people - NOT EXISTS (
            SELECT 1 FROM phishing_events WHERE campaign_id = old.campaign_id AND user_id = old.user_id),
        opened = opened - (old.kind = 'opened'), clicked = clicked - (old.kind = 'clicked'),
        submitted = submitted - (old.kind = 'submitted'), reported = reported - (old.kind = 'reported')
    WHERE campaign_id = old.campaign_id;
    INSERT INTO phishing_stats
    SELECT new.campaign_id, (old.campaign_id <> new.campaign_id OR old.user_id <> new.user_id) AND NOT EXISTS (
            SELECT 1 FROM phishing_events WHERE campaign_id = new.campaign_id AND user_id = new.user_id AND id <> new.id),
        new.kind = 'opened', new.kind = 'clicked', new.kind = 'submitted', new.kind = 'reported'
    WHERE true
    ON CONFLICT (campaign_id) DO UPDATE SET people = people + excluded.people, opened = opened + excluded.opened,
        clicked = clicked + excluded.clicked, submitted = submitted + excluded.submitted, reported = reported + excluded.reported;
END;

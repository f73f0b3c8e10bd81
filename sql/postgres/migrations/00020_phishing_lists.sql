-- What lists of simulations are sorted by, and by what a campaign's answers know that they have changed.

-- +goose Up
ALTER TABLE phishing_campaigns ADD COLUMN name_folded text NOT NULL DEFAULT '';
SELECT outpost.schema_changed();
-- +goose StatementBegin
CREATE FUNCTION fold_phishing_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name_folded := fold_name(NEW.name);
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER fold BEFORE INSERT OR UPDATE OF name, name_folded ON phishing_campaigns
    FOR EACH ROW EXECUTE FUNCTION fold_phishing_campaign();
SELECT set_config('outpost.audit', 'off', true); -- nobody's change
UPDATE phishing_campaigns SET name_folded = name_folded;
SELECT set_config('outpost.audit', '', true);

-- The campaign, too, is part of what an event is known by: what shows one campaign depends on the
-- events of no other.
CREATE UNIQUE INDEX phishing_events_replica ON phishing_events (id, company_id, data_zone, user_id, campaign_id);
ALTER TABLE phishing_events REPLICA IDENTITY USING INDEX phishing_events_replica;
SELECT outpost.schema_changed();
DROP INDEX phishing_events_identity;
ALTER INDEX phishing_events_replica RENAME TO phishing_events_identity;

-- +goose Down
CREATE UNIQUE INDEX phishing_events_replica ON phishing_events (id, company_id, data_zone, user_id);
ALTER TABLE phishing_events REPLICA IDENTITY USING INDEX phishing_events_replica;
SELECT outpost.schema_changed();
DROP INDEX phishing_events_identity;
ALTER INDEX phishing_events_replica RENAME TO phishing_events_identity;
DROP TRIGGER fold ON phishing_campaigns;
DROP FUNCTION fold_phishing_campaign();
ALTER TABLE phishing_campaigns DROP COLUMN name_folded;
SELECT outpost.schema_changed();

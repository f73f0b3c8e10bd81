-- What queries of ours know of River's tables, for sqlc. River's own migrations make them; the tests
-- that run those queries hold this to what they made.
CREATE SCHEMA river;
CREATE TYPE river.river_job_state AS ENUM
    ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled');
CREATE TABLE river.river_job (
    id           bigint PRIMARY KEY,
    state        river.river_job_state NOT NULL,
    attempt      smallint NOT NULL,
    max_attempts smallint NOT NULL,
    attempted_by text[],
    finalized_at timestamptz,
    scheduled_at timestamptz NOT NULL
);

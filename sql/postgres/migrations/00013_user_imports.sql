-- Where people lie who are created in bulk, between COPY and the statement that judges them, in
-- one transaction: nobody else ever sees them. Unlogged, since there is nothing to recover. Not
-- replicated.

-- +goose Up
CREATE UNLOGGED TABLE user_imports (
    batch      bigint NOT NULL, -- of one request
    row        integer NOT NULL,
    email      text NOT NULL,
    full_name  text NOT NULL,
    role       text NOT NULL,
    department text NOT NULL,
    job_risk   text NOT NULL,
    locale     text NOT NULL,
    PRIMARY KEY (batch, row)
);
SELECT outpost.schema_changed();

-- +goose Down
DROP TABLE user_imports;
SELECT outpost.schema_changed();

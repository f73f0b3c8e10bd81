CREATE INDEX signing_keys_kid ON signing_keys (kid);
CREATE INDEX token_revocations_user ON token_revocations (user_id, revoked_at);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX api_keys_company_created ON api_keys (company_id, created_at, id);

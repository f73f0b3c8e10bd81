CREATE INDEX users_email ON users (email_folded);
CREATE INDEX users_company ON users (company_id, full_name_folded, id);
CREATE INDEX users_company_active ON users (company_id) WHERE is_active = 1;

-- A list of people is walked in its order, within a company or, for platform administrators, in
-- all: each order has an index of either kind. The id, by which equals are ordered, is the rowid
-- and so part of every index.
CREATE INDEX users_email ON users (email_folded);
CREATE INDEX users_name ON users (full_name_folded);
CREATE INDEX users_created ON users (created_at);
CREATE INDEX users_updated ON users (updated_at);
CREATE INDEX users_company ON users (company_id, full_name_folded, id);
CREATE INDEX users_company_email ON users (company_id, email_folded);
CREATE INDEX users_company_created ON users (company_id, created_at);
CREATE INDEX users_company_updated ON users (company_id, updated_at);
CREATE INDEX users_company_id ON users (company_id);
CREATE INDEX users_company_active ON users (company_id) WHERE is_active = 1;
-- Holds all that a filter looks at, so that counting touches no row.
CREATE INDEX users_filters ON users (company_id, role, department, job_risk, is_active, updated_at);
CREATE INDEX users_department ON users (department, company_id);

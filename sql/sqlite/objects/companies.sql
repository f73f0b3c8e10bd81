-- A list of companies is walked in its order. The id, by which equals are ordered, is the rowid and so
-- part of every index.
CREATE INDEX companies_name ON companies (name_folded);
CREATE INDEX companies_created ON companies (created_at);
-- Holds all that a filter looks at, so that counting touches no row.
CREATE INDEX companies_filters ON companies (country, privacy_mode, is_active);

-- Companies by the words of their name, for q. Case and accents are left to the tokenizer; ß is ss.
CREATE VIRTUAL TABLE companies_search USING fts5 (
    name, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO companies_search (rowid, name) SELECT id, replace(name_folded, 'ß', 'ss') FROM companies;

CREATE TRIGGER companies_search_insert AFTER INSERT ON companies BEGIN
    INSERT INTO companies_search (rowid, name) VALUES (new.id, replace(new.name_folded, 'ß', 'ss'));
END;

CREATE TRIGGER companies_search_delete AFTER DELETE ON companies BEGIN
    DELETE FROM companies_search WHERE rowid = old.id;
END;

CREATE TRIGGER companies_search_update AFTER UPDATE OF id, name_folded ON companies
WHEN old.id <> new.id OR old.name_folded <> new.name_folded BEGIN
    DELETE FROM companies_search WHERE rowid = old.id;
    INSERT INTO companies_search (rowid, name) VALUES (new.id, replace(new.name_folded, 'ß', 'ss'));
END;

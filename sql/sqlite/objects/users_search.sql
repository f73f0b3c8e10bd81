-- People by the words of their name and e-mail address, for q.
--
-- In the column company each word begins with its tenant, as in c42xmuller: a search for the
-- beginning of a word then walks that company's words and no other's. The column platform holds
-- the words alone, for platform administrators. Case and accents are left to the tokenizer; ß is ss. What
-- stands between the words of a name is replaced here, as the tenant stands before what follows a space:
-- an en dash, and the quotation marks of a nickname, as well as what an address may have.
CREATE VIEW user_words AS
SELECT id, 'c' || company_id || 'x' AS tenant,
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
    replace(replace(
        full_name_folded || ' ' || email_folded,
        '-', ' '), '.', ' '), '@', ' '), '_', ' '), '+', ' '), '''', ' '), '’', ' '), ',', ' '),
        '/', ' '), '(', ' '), ')', ' '), '"', ' '), '“', ' '), '”', ' '), '„', ' '), '‘', ' '),
        '‚', ' '), '«', ' '), '»', ' '), '`', ' '), '´', ' '), '–', ' '), '—', ' '), '‐', ' '),
        '‑', ' '), '·', ' '), '•', ' '), '…', ' '), ';', ' '), ':', ' '), '&', ' '), '#', ' '),
        '!', ' '), '?', ' '), '*', ' '), '=', ' '), '%', ' '), '$', ' '), '^', ' '), '|', ' '),
        '~', ' '), '{', ' '), '}', ' '), '[', ' '), ']', ' '), '<', ' '), '>', ' '), '\', ' '),
        char(160), ' '), 'ß', 'ss')
    AS words
FROM users;

CREATE VIRTUAL TABLE users_search USING fts5 (
    company, platform, content = '', contentless_delete = 1, detail = 'column', tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO users_search (rowid, company, platform)
SELECT id, tenant || replace(words, ' ', ' ' || tenant), words FROM user_words;

CREATE TRIGGER users_search_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_search (rowid, company, platform)
    SELECT id, tenant || replace(words, ' ', ' ' || tenant), words FROM user_words WHERE id = new.id;
END;

CREATE TRIGGER users_search_delete AFTER DELETE ON users BEGIN
    DELETE FROM users_search WHERE rowid = old.id;
END;

CREATE TRIGGER users_search_update AFTER UPDATE OF id, company_id, email_folded, full_name_folded ON users
WHEN old.id <> new.id OR old.company_id <> new.company_id OR old.email_folded <> new.email_folded
    OR old.full_name_folded <> new.full_name_folded BEGIN
    DELETE FROM users_search WHERE rowid = old.id;
    INSERT INTO users_search (rowid, company, platform)
    SELECT id, tenant || replace(words, ' ', ' ' || tenant), words FROM user_words WHERE id = new.id;
END;

-- The words that find a translation, which Postgres made (migration 00014): FTS5 indexes them as
-- they are, a-z and 0-9 between spaces. Nothing but which translation has which word is kept:
-- there is no text to give back, and no phrase to be searched for.
CREATE VIRTUAL TABLE course_words USING fts5(
    title, description, content = '', contentless_delete = 1, detail = column, tokenize = 'ascii'
);

INSERT INTO course_words (rowid, title, description)
SELECT id, title_words_folded, description_words_folded FROM course_translations;

CREATE TRIGGER course_words_insert AFTER INSERT ON course_translations BEGIN
    INSERT INTO course_words (rowid, title, description) VALUES (new.id, new.title_words_folded, new.description_words_folded);
END;

CREATE TRIGGER course_words_delete AFTER DELETE ON course_translations BEGIN
    DELETE FROM course_words WHERE rowid = old.id;
END;

CREATE TRIGGER course_words_update AFTER UPDATE OF id, title_words_folded, description_words_folded ON course_translations
WHEN old.id <> new.id OR old.title_words_folded <> new.title_words_folded OR old.description_words_folded <> new.description_words_folded BEGIN
    DELETE FROM course_words WHERE rowid = old.id;
    INSERT INTO course_words (rowid, title, description) VALUES (new.id, new.title_words_folded, new.description_words_folded);
END;

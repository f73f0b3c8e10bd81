-- The catalogue as a list shows it: each course once for each of training.Locales(), with the text of that locale or else of the
-- course's own, and its lessons counted. Choosing texts when they are asked for took more than half of the time of a list, and an
-- order by title needs every one; somebody writes a course now and then.
CREATE VIEW catalogue_rows AS
SELECT w.locale AS locale, c.id AS course_id, c.slug AS slug, c.category AS category, c.level AS level, c.minutes AS minutes,
    c.is_published AS is_published, c.validity_days AS validity_days, c.created_at AS created_at, c.updated_at AS updated_at,
    c.version AS version, coalesce(t.title_folded, c.slug) AS sort_key, coalesce(t.locale, c.default_locale) AS shown,
    coalesce(t.title, c.slug) AS title, coalesce(t.description, '') AS description,
    (SELECT count(*) FROM lessons l WHERE l.course_id = c.id) AS lessons
FROM courses c
CROSS JOIN (SELECT 'de' AS locale UNION ALL SELECT 'en') w
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = w.locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale));

CREATE TABLE catalogue (
    locale TEXT NOT NULL,
    course_id INTEGER NOT NULL,
    slug TEXT NOT NULL,
    category TEXT NOT NULL,
    level TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    is_published INTEGER NOT NULL,
    validity_days INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    sort_key TEXT NOT NULL,
    shown TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    lessons INTEGER NOT NULL,
    PRIMARY KEY (locale, course_id)
) WITHOUT ROWID;

INSERT INTO catalogue SELECT * FROM catalogue_rows;

CREATE INDEX catalogue_title ON catalogue (locale, sort_key, course_id, is_published, category, level);
CREATE INDEX catalogue_course ON catalogue (course_id);

CREATE TRIGGER catalogue_course_insert AFTER INSERT ON courses BEGIN
    DELETE FROM catalogue WHERE course_id = new.id;
    INSERT INTO catalogue SELECT * FROM catalogue_rows WHERE course_id = new.id;
END;

CREATE TRIGGER catalogue_course_update AFTER UPDATE ON courses BEGIN
    DELETE FROM catalogue WHERE course_id IN (old.id, new.id);
    INSERT INTO catalogue SELECT * FROM catalogue_rows WHERE course_id = new.id;
END;

CREATE TRIGGER catalogue_course_delete AFTER DELETE ON courses BEGIN
    DELETE FROM catalogue WHERE course_id = old.id;
END;

CREATE TRIGGER catalogue_translation_insert AFTER INSERT ON course_translations BEGIN
    DELETE FROM catalogue WHERE course_id = new.course_id;
    INSERT INTO catalogue SELECT * FROM catalogue_rows WHERE course_id = new.course_id;
END;

CREATE TRIGGER catalogue_translation_update AFTER UPDATE ON course_translations BEGIN
    DELETE FROM catalogue WHERE course_id IN (old.course_id, new.course_id);
    INSERT INTO catalogue SELECT * FROM catalogue_rows WHERE course_id IN (old.course_id, new.course_id);
END;

CREATE TRIGGER catalogue_translation_delete AFTER DELETE ON course_translations BEGIN
    DELETE FROM catalogue WHERE course_id = old.course_id;
    INSERT INTO catalogue SELECT * FROM catalogue_rows WHERE course_id = old.course_id;
END;

CREATE TRIGGER catalogue_lesson_insert AFTER INSERT ON lessons BEGIN
    UPDATE catalogue SET lessons = lessons + 1 WHERE course_id = new.course_id;
END;

CREATE TRIGGER catalogue_lesson_update AFTER UPDATE OF course_id ON lessons WHEN old.course_id <> new.course_id BEGIN
    UPDATE catalogue SET lessons = lessons - 1 WHERE course_id = old.course_id;
    UPDATE catalogue SET lessons = lessons + 1 WHERE course_id = new.course_id;
END;

CREATE TRIGGER catalogue_lesson_delete AFTER DELETE ON lessons BEGIN
    UPDATE catalogue SET lessons = lessons - 1 WHERE course_id = old.course_id;
END;

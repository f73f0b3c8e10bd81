-- The catalogue is searched at the edges, which have no Postgres to ask, and what they find must be what
-- Postgres would find. So the words of a translation are made here, once, and replicated: folded,
-- as they stand and stemmed by the rules of their language. SQLite's FTS5 and Postgres' GIN index
-- these very words, and neither needs a stemmer of its own for them. What is searched for is treated
-- likewise by course_query here, and by server/search at the edges; a test holds the two
-- together.

-- +goose Up

-- Stemmers without stop words: those are dropped from what is searched for, unless nothing else is
-- left of it, and so have to be found.
CREATE TEXT SEARCH DICTIONARY course_german (TEMPLATE = pg_catalog.snowball, Language = german);
CREATE TEXT SEARCH DICTIONARY course_english (TEMPLATE = pg_catalog.snowball, Language = english);

-- Text in a-z and 0-9, with anything between words. Whatever has an accent loses it: an umlaut is
-- the same as its vowel. By no rules of the database's locale, so that Go does the same.
CREATE FUNCTION fold_words(content text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(replace(replace(replace(replace(replace(replace(
        lower(regexp_replace(normalize(content, NFKD), U&'[\0300-\036F\00AD]', '', 'g') COLLATE "C"),
        'ß', 'ss'), 'ẞ', 'ss'), 'æ', 'ae'), 'Æ', 'ae'), 'œ', 'oe'), 'Œ', 'oe'), 'øØłŁđĐı', 'oollddi');

CREATE FUNCTION stem_word(language text, word text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE language
        WHEN 'de' THEN (ts_lexize('course_german', word))[1]
        WHEN 'en' THEN (ts_lexize('course_english', word))[1]
        ELSE word
    END;

-- All words that find a text: its own, their stems, those of the other spelling of umlauts (ä as
-- ae), and compounds without their hyphens.
CREATE FUNCTION course_words(language text, content text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT coalesce(string_agg(DISTINCT form COLLATE "C", ' '), '')
        FROM (VALUES
            (fold_words(content)),
            (fold_words(replace(replace(replace(replace(replace(replace(normalize(content, NFC),
                'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'Ä', 'ae'), 'Ö', 'oe'), 'Ü', 'ue'))),
            (regexp_replace(fold_words(content), U&'(?<=[a-z0-9])[-\2010](?=[a-z0-9])', '', 'g'))
        ) AS spelling (text),
        regexp_split_to_table(spelling.text, '[^a-z0-9]+') AS word,
        LATERAL (VALUES (word), (stem_word(language, word))) AS f (form)
        WHERE word <> ''
    );

-- What hardly narrows a search. Postgres' own lists for the languages, folded, in both spellings.
CREATE FUNCTION stop_words(language text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE language
        WHEN 'de' THEN '{
            aber,alle,allem,allen,aller,alles,als,also,am,an,ander,andere,anderem,anderen,anderer,anderes,anderm,andern,
            anderr,anders,auch,auf,aus,bei,bin,bis,bist,da,damit,dann,das,dass,dasselbe,dazu,dein,deine,deinem,deinen,
            deiner,deines,dem,demselben,den,denn,denselben,der,derer,derselbe,derselben,des,desselben,dessen,dich,die,
            dies,diese,dieselbe,dieselben,diesem,diesen,dieser,dieses,dir,doch,dort,du,durch,ein,eine,einem,einen,einer,
            eines,einig,einige,einigem,einigen,einiger,einiges,einmal,er,es,etwas,euch,euer,eure,eurem,euren,eurer,eures,
            fuer,fur,gegen,gewesen,hab,habe,haben,hat,hatte,hatten,hier,hin,hinter,ich,ihm,ihn,ihnen,ihr,ihre,ihrem,
            ihren,ihrer,ihres,im,in,indem,ins,ist,jede,jedem,jeden,jeder,jedes,jene,jenem,jenen,jener,jenes,jetzt,kann,
            kein,keine,keinem,keinen,keiner,keines,koennen,koennte,konnen,konnte,machen,man,manche,manchem,manchen,
            mancher,manches,mein,meine,meinem,meinen,meiner,meines,mich,mir,mit,muss,musste,nach,nicht,nichts,noch,nun,
            nur,ob,oder,ohne,sehr,sein,seine,seinem,seinen,seiner,seines,selbst,sich,sie,sind,so,solche,solchem,solchen,
            solcher,solches,soll,sollte,sondern,sonst,uber,ueber,um,und,uns,unse,unsem,unsen,unser,unses,unter,viel,vom,
            von,vor,waehrend,wahrend,war,waren,warst,was,weg,weil,weiter,welche,welchem,welchen,welcher,welches,wenn,
            werde,werden,wie,wieder,will,wir,wird,wirst,wo,wollen,wollte,wuerde,wuerden,wurde,wurden,zu,zum,zur,zwar,
            zwischen
        }'::text[]
        WHEN 'en' THEN '{
            a,about,above,after,again,against,all,am,an,and,any,are,as,at,be,because,been,before,being,below,between,
            both,but,by,can,did,do,does,doing,don,down,during,each,few,for,from,further,had,has,have,having,he,her,here,
            hers,herself,him,himself,his,how,i,if,in,into,is,it,its,itself,just,me,more,most,my,myself,no,nor,not,now,of,
            off,on,once,only,or,other,our,ours,ourselves,out,over,own,s,same,she,should,so,some,such,t,than,that,the,
            their,theirs,them,themselves,then,there,these,they,this,those,through,to,too,under,until,up,very,was,we,were,
            what,when,where,which,while,who,whom,why,will,with,you,your,yours,yourself,yourselves
        }'::text[]
        ELSE '{}'::text[]
    END;

-- What q asks of a document of that language: all its words, in any form of theirs, and of the
-- last one, when nothing follows it and it may still be being typed, no more than the beginning.
-- NULL when q has no word; it then finds nothing.
CREATE FUNCTION course_query(language text, q text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT string_agg(format('(%s%s | %s)', word, CASE WHEN typed THEN ':*' END, stem_word(language, word)), ' & ')::tsquery
        FROM (
            SELECT word, number = max(number) OVER () AND folded ~ '[a-z0-9]$' AS typed,
                word = ANY (stop_words(language)) AS stop, bool_and(word = ANY (stop_words(language))) OVER () AS nothing_else
            FROM fold_words(q) AS folded, regexp_split_to_table(folded, '[^a-z0-9]+') WITH ORDINALITY AS w (word, number)
            WHERE word <> ''
        ) words
        WHERE NOT stop OR nothing_else
    );

-- How a translation is searched whose locale is none of the product's: by its words as they are.
CREATE FUNCTION search_language(locale text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN locale IN ('de', 'en') THEN locale ELSE '' END;

ALTER TABLE course_translations ADD COLUMN title_words_folded text NOT NULL DEFAULT '';
SELECT outpost.schema_changed();
ALTER TABLE course_translations ADD COLUMN description_words_folded text NOT NULL DEFAULT '';
SELECT outpost.schema_changed();

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION fold_course_translation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.title_folded := fold_name(NEW.title);
    NEW.title_words_folded := course_words(search_language(NEW.locale), NEW.title);
    NEW.description_words_folded := course_words(search_language(NEW.locale), NEW.description);
    RETURN NEW;
END
$$;
-- +goose StatementEnd
DROP TRIGGER fold ON course_translations;
CREATE TRIGGER fold BEFORE INSERT OR UPDATE OF locale, title, title_folded, title_words_folded, description, description_words_folded
    ON course_translations FOR EACH ROW EXECUTE FUNCTION fold_course_translation();

-- People write the catalogue, course by course: one statement fills it. Nobody's decision, so
-- nothing for the audit log.
SELECT set_config('outpost.audit', 'off', true);
UPDATE course_translations SET title_folded = title_folded;
SELECT set_config('outpost.audit', '', true);

DROP INDEX course_translations_words;
DROP FUNCTION course_document(text, text, text);
CREATE FUNCTION course_document(title_words text, description_words text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN array_to_tsvector(array_remove(string_to_array(title_words || ' ' || description_words, ' '), ''));
CREATE INDEX course_translations_words ON course_translations
    USING gin (course_document(title_words_folded, description_words_folded));

-- Raises the versions of the rows that a statement's rows belong to, each once: a course is written
-- in a few statements of many rows. The arguments are the table of those rows and the column that
-- names them. A row that moves raises both.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION touch_owner() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owners text := CASE TG_OP
        WHEN 'INSERT' THEN 'SELECT %2$I FROM new_rows'
        WHEN 'DELETE' THEN 'SELECT %2$I FROM old_rows'
        ELSE 'SELECT %2$I FROM old_rows UNION SELECT %2$I FROM new_rows' END;
    touched bigint[];
BEGIN
    EXECUTE format('SELECT array_agg(%2$I) FROM (' || owners || ') o', TG_ARGV[0], TG_ARGV[1]) INTO touched;
    IF touched IS NOT NULL THEN
        EXECUTE format('UPDATE %I SET version = version WHERE id = ANY ($1)', TG_ARGV[0]) USING touched;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION touch_owners(name regclass, owner text, owner_id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS touch_owner ON %s', name);
    EXECUTE format('CREATE TRIGGER touch_owner_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION touch_owner(%L, %L)', name, owner, owner_id);
    EXECUTE format('CREATE TRIGGER touch_owner_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION touch_owner(%L, %L)', name, owner, owner_id);
    EXECUTE format('CREATE TRIGGER touch_owner_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION touch_owner(%L, %L)', name, owner, owner_id);
END
$$;
-- +goose StatementEnd
SELECT touch_owners('course_translations', 'courses', 'course_id'), touch_owners('lessons', 'courses', 'course_id'),
    touch_owners('lesson_translations', 'lessons', 'lesson_id'), touch_owners('quizzes', 'lessons', 'lesson_id'),
    touch_owners('questions', 'quizzes', 'quiz_id'), touch_owners('question_translations', 'questions', 'question_id'),
    touch_owners('options', 'questions', 'question_id'), touch_owners('option_translations', 'options', 'option_id');

-- The right answers and what explains them are seen in course_source only, so a change of theirs
-- is one of the course: its version must not be good for another document.
SELECT touch_owners('question_keys', 'questions', 'question_id'), touch_owners('question_explanations', 'questions', 'question_id');
CREATE TRIGGER audit_insert AFTER INSERT ON question_explanations REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION audit('question_id');
CREATE TRIGGER audit_delete AFTER DELETE ON question_explanations REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION audit('question_id');

-- A course as its authors see it: in all languages and with the right answers. NULL: no such course.
CREATE FUNCTION course_source(course bigint) RETURNS jsonb LANGUAGE sql STABLE STRICT
    RETURN (SELECT jsonb_build_object(
        'id', c.id, 'slug', c.slug, 'category', c.category, 'level', c.level, 'minutes', c.minutes, 'is_published', c.is_published,
        'validity_days', c.validity_days, 'default_locale', c.default_locale, 'created_at', c.created_at, 'updated_at', c.updated_at,
        'version', c.version,
        'translations', (SELECT coalesce(jsonb_object_agg(t.locale, jsonb_build_object('title', t.title, 'description', t.description)), '{}')
            FROM course_translations t WHERE t.course_id = c.id),
        'lessons', (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', l.id, 'kind', l.kind, 'minutes', l.minutes, 'video_url', l.video_url,
            'translations', (SELECT coalesce(jsonb_object_agg(t.locale, jsonb_build_object('title', t.title, 'body', t.body)), '{}')
                FROM lesson_translations t WHERE t.lesson_id = l.id),
            'quiz', (SELECT jsonb_build_object(
                'id', z.id, 'pass_percent', z.pass_percent, 'max_attempts', z.max_attempts,
                'questions', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                    'id', q.id, 'kind', q.kind,
                    'translations', (SELECT coalesce(jsonb_object_agg(t.locale, jsonb_build_object('text', t.text, 'explanation', coalesce(e.text, ''))), '{}')
                        FROM question_translations t LEFT JOIN question_explanations e ON e.question_id = t.question_id AND e.locale = t.locale
                        WHERE t.question_id = q.id),
                    'options', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'id', o.id,
                        'is_right', EXISTS (SELECT FROM question_keys k WHERE k.question_id = q.id AND k.option_id = o.id),
                        'translations', (SELECT coalesce(jsonb_object_agg(t.locale, jsonb_build_object('text', t.text)), '{}')
                            FROM option_translations t WHERE t.option_id = o.id)
                    ) ORDER BY o.position), '[]') FROM options o WHERE o.question_id = q.id)
                ) ORDER BY q.position), '[]') FROM questions q WHERE q.quiz_id = z.id)
            ) FROM quizzes z WHERE z.lesson_id = l.id)
        ) ORDER BY l.position), '[]') FROM lessons l WHERE l.course_id = c.id)
    ) FROM courses c WHERE c.id = course);

-- Begins a change of a course: locks it and its lessons, so that nobody does a lesson while it is
-- being decided whether it may go, and tells what it is and what has been done of it. Each statement of
-- a volatile function sees what was committed before it: what had to be waited for too.
-- +goose StatementBegin
CREATE FUNCTION lock_course(wanted bigint, wanted_slug text, OUT source jsonb, OUT begun boolean, OUT answered bigint[])
LANGUAGE plpgsql AS $$
DECLARE
    this bigint;
BEGIN
    SELECT id INTO this FROM courses WHERE id = wanted OR slug = wanted_slug FOR UPDATE;
    PERFORM FROM lessons WHERE course_id = this ORDER BY id FOR UPDATE;
    source := course_source(this);
    begun := EXISTS (SELECT FROM lessons l JOIN lesson_progress p ON p.lesson_id = l.id WHERE l.course_id = this)
        OR EXISTS (SELECT FROM quizzes q JOIN quiz_attempts a ON a.quiz_id = q.id WHERE q.course_id = this);
    answered := ARRAY(SELECT o.id FROM questions q JOIN options o ON o.question_id = q.id
        WHERE q.course_id = this AND EXISTS (SELECT FROM quiz_attempt_answers a WHERE a.option_id = o.id));
END
$$;
-- +goose StatementEnd

-- So many new keys of a table.
CREATE FUNCTION new_ids(name text, n integer) RETURNS bigint[] LANGUAGE sql STRICT
    RETURN ARRAY(SELECT nextval(pg_get_serial_sequence(name, 'id')) FROM generate_series(1, n) ORDER BY 1);

-- Makes a course what the document says: {course, translations, lessons, lesson_texts, quizzes,
-- questions, question_texts, explanations, options, option_texts, keys}, rows each, with all their keys.
-- Rows that are as they should be are left alone, so that no version moves without a reason; rows
-- that are not named go. Gives course_source.
-- +goose StatementBegin
CREATE FUNCTION write_course(document jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    this bigint := document #>> '{course,id}';
BEGIN
    INSERT INTO courses AS c (id, slug, category, level, minutes, is_published, validity_days, default_locale)
    SELECT d.* FROM jsonb_to_record(document -> 'course') AS d (id bigint, slug text, category text, level text, minutes integer,
        is_published boolean, validity_days integer, default_locale text)
    ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, category = excluded.category, level = excluded.level, minutes = excluded.minutes,
        is_published = excluded.is_published, validity_days = excluded.validity_days, default_locale = excluded.default_locale
    WHERE (c.slug, c.category, c.level, c.minutes, c.is_published, c.validity_days, c.default_locale) IS DISTINCT FROM
        (excluded.slug, excluded.category, excluded.level, excluded.minutes, excluded.is_published, excluded.validity_days, excluded.default_locale);

    DELETE FROM course_translations WHERE course_id = this
        AND locale NOT IN (SELECT d.locale FROM jsonb_to_recordset(document -> 'translations') AS d (locale text));
    INSERT INTO course_translations AS t (course_id, locale, title, description)
    SELECT this, d.* FROM jsonb_to_recordset(document -> 'translations') AS d (locale text, title text, description text)
    ON CONFLICT (course_id, locale) DO UPDATE SET title = excluded.title, description = excluded.description
    WHERE (t.title, t.description) IS DISTINCT FROM (excluded.title, excluded.description);

    -- The parts go before the whole, whose version they raise.
    DELETE FROM options o USING questions q WHERE q.course_id = this AND o.question_id = q.id
        AND o.id NOT IN (SELECT d.id FROM jsonb_to_recordset(document -> 'options') AS d (id bigint));
    DELETE FROM questions WHERE course_id = this AND id NOT IN (SELECT d.id FROM jsonb_to_recordset(document -> 'questions') AS d (id bigint));
    DELETE FROM quizzes WHERE course_id = this AND id NOT IN (SELECT d.id FROM jsonb_to_recordset(document -> 'quizzes') AS d (id bigint));
    DELETE FROM lessons WHERE course_id = this AND id NOT IN (SELECT d.id FROM jsonb_to_recordset(document -> 'lessons') AS d (id bigint));

    INSERT INTO lessons AS l (course_id, id, position, kind, minutes, video_url)
    SELECT this, d.* FROM jsonb_to_recordset(document -> 'lessons') AS d (id bigint, position integer, kind text, minutes integer, video_url text)
    ON CONFLICT (id) DO UPDATE SET position = excluded.position, kind = excluded.kind, minutes = excluded.minutes, video_url = excluded.video_url
    WHERE (l.position, l.kind, l.minutes, l.video_url) IS DISTINCT FROM (excluded.position, excluded.kind, excluded.minutes, excluded.video_url);

    DELETE FROM lesson_translations WHERE course_id = this AND (lesson_id, locale) NOT IN
        (SELECT d.lesson_id, d.locale FROM jsonb_to_recordset(document -> 'lesson_texts') AS d (lesson_id bigint, locale text));
    INSERT INTO lesson_translations AS t (course_id, lesson_id, locale, title, body)
    SELECT this, d.* FROM jsonb_to_recordset(document -> 'lesson_texts') AS d (lesson_id bigint, locale text, title text, body text)
    ON CONFLICT (lesson_id, locale) DO UPDATE SET title = excluded.title, body = excluded.body
    WHERE (t.title, t.body) IS DISTINCT FROM (excluded.title, excluded.body);

    INSERT INTO quizzes AS q (course_id, id, lesson_id, pass_percent, max_attempts)
    SELECT this, d.* FROM jsonb_to_recordset(document -> 'quizzes') AS d (id bigint, lesson_id bigint, pass_percent integer, max_attempts integer)
    ON CONFLICT (id) DO UPDATE SET pass_percent = excluded.pass_percent, max_attempts = excluded.max_attempts
    WHERE (q.pass_percent, q.max_attempts) IS DISTINCT FROM (excluded.pass_percent, excluded.max_attempts);

    INSERT INTO questions AS q (course_id, id, quiz_id, position, kind)
    SELECT this, d.* FROM jsonb_to_recordset(document -> 'questions') AS d (id bigint, quiz_id bigint, position integer, kind text)
    ON CONFLICT (id) DO UPDATE SET position = excluded.position, kind = excluded.kind
    WHERE (q.position, q.kind) IS DISTINCT FROM (excluded.position, excluded.kind);

    DELETE FROM question_translations t USING questions q WHERE q.id = t.question_id AND q.course_id = this AND (t.question_id, t.locale) NOT IN
        (SELECT d.question_id, d.locale FROM jsonb_to_recordset(document -> 'question_texts') AS d (question_id bigint, locale text));
    INSERT INTO question_translations AS t (course_id, question_id, quiz_id, locale, text)
    SELECT this, d.* FROM jsonb_to_recordset(document -> 'question_texts') AS d (question_id bigint, quiz_id bigint, locale text, text text)
    ON CONFLICT (question_id, locale) DO UPDATE SET text = excluded.text WHERE t.text <> excluded.text;

    INSERT INTO options AS o (course_id, id, quiz_id, question_id, position)
    SELECT this, d.* FROM jsonb_to_recordset(document -> 'options') AS d (id bigint, quiz_id bigint, question_id bigint, position integer)
    ON CONFLICT (id) DO UPDATE SET position = excluded.position WHERE o.position <> excluded.position;

    DELETE FROM option_translations t USING questions q, options o
    WHERE q.course_id = this AND o.question_id = q.id AND t.option_id = o.id AND (t.option_id, t.locale) NOT IN
        (SELECT d.option_id, d.locale FROM jsonb_to_recordset(document -> 'option_texts') AS d (option_id bigint, locale text));
    INSERT INTO option_translations AS t (course_id, option_id, quiz_id, locale, text)
    SELECT this, d.* FROM jsonb_to_recordset(document -> 'option_texts') AS d (option_id bigint, quiz_id bigint, locale text, text text)
    ON CONFLICT (option_id, locale) DO UPDATE SET text = excluded.text WHERE t.text <> excluded.text;

    DELETE FROM question_keys k USING questions q WHERE q.id = k.question_id AND q.course_id = this AND (k.question_id, k.option_id) NOT IN
        (SELECT d.question_id, d.option_id FROM jsonb_to_recordset(document -> 'keys') AS d (question_id bigint, option_id bigint));
    INSERT INTO question_keys (question_id, option_id)
    SELECT d.* FROM jsonb_to_recordset(document -> 'keys') AS d (question_id bigint, option_id bigint)
    ON CONFLICT DO NOTHING;

    -- Never updated: the audit log would not tell the languages of one question apart.
    DELETE FROM question_explanations e USING questions q WHERE q.id = e.question_id AND q.course_id = this AND (e.question_id, e.locale, e.text) NOT IN
        (SELECT d.question_id, d.locale, d.text FROM jsonb_to_recordset(document -> 'explanations') AS d (question_id bigint, locale text, text text));
    INSERT INTO question_explanations (question_id, locale, text)
    SELECT d.* FROM jsonb_to_recordset(document -> 'explanations') AS d (question_id bigint, locale text, text text)
    ON CONFLICT DO NOTHING;

    RETURN course_source(this);
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION write_course(jsonb);
DROP FUNCTION new_ids(text, integer);
DROP FUNCTION lock_course(bigint, text);
DROP FUNCTION course_source(bigint);
DROP TRIGGER audit_insert ON question_explanations;
DROP TRIGGER audit_delete ON question_explanations;
DROP FUNCTION touch_owners(regclass, text, text);
DROP FUNCTION touch_owner() CASCADE;
-- +goose StatementBegin
CREATE FUNCTION touch_owner() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    after bigint;
BEGIN
    IF TG_OP <> 'INSERT' THEN before := (to_jsonb(OLD) ->> TG_ARGV[1])::bigint; END IF;
    IF TG_OP <> 'DELETE' THEN after := (to_jsonb(NEW) ->> TG_ARGV[1])::bigint; END IF;
    EXECUTE format('UPDATE %I SET version = version WHERE id IN ($1, $2)', TG_ARGV[0]) USING before, after;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER touch_owner AFTER INSERT OR UPDATE OR DELETE ON course_translations
    FOR EACH ROW EXECUTE FUNCTION touch_owner('courses', 'course_id');
CREATE TRIGGER touch_owner AFTER INSERT OR UPDATE OR DELETE ON lessons
    FOR EACH ROW EXECUTE FUNCTION touch_owner('courses', 'course_id');
CREATE TRIGGER touch_owner AFTER INSERT OR UPDATE OR DELETE ON lesson_translations
    FOR EACH ROW EXECUTE FUNCTION touch_owner('lessons', 'lesson_id');
CREATE TRIGGER touch_owner AFTER INSERT OR UPDATE OR DELETE ON quizzes
    FOR EACH ROW EXECUTE FUNCTION touch_owner('lessons', 'lesson_id');
CREATE TRIGGER touch_owner AFTER INSERT OR UPDATE OR DELETE ON questions
    FOR EACH ROW EXECUTE FUNCTION touch_owner('quizzes', 'quiz_id');
CREATE TRIGGER touch_owner AFTER INSERT OR UPDATE OR DELETE ON question_translations
    FOR EACH ROW EXECUTE FUNCTION touch_owner('questions', 'question_id');
CREATE TRIGGER touch_owner AFTER INSERT OR UPDATE OR DELETE ON options
    FOR EACH ROW EXECUTE FUNCTION touch_owner('questions', 'question_id');
CREATE TRIGGER touch_owner AFTER INSERT OR UPDATE OR DELETE ON option_translations
    FOR EACH ROW EXECUTE FUNCTION touch_owner('options', 'option_id');

DROP INDEX course_translations_words;
DROP FUNCTION course_document(text, text);
DROP TRIGGER fold ON course_translations;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION fold_course_translation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.title_folded := fold_name(NEW.title);
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER fold BEFORE INSERT OR UPDATE OF title, title_folded ON course_translations
    FOR EACH ROW EXECUTE FUNCTION fold_course_translation();
ALTER TABLE course_translations DROP COLUMN title_words_folded;
SELECT outpost.schema_changed();
ALTER TABLE course_translations DROP COLUMN description_words_folded;
SELECT outpost.schema_changed();
CREATE FUNCTION course_document(locale text, title text, description text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE locale
        WHEN 'de' THEN setweight(to_tsvector('pg_catalog.german', title), 'A') || to_tsvector('pg_catalog.german', description)
        WHEN 'en' THEN setweight(to_tsvector('pg_catalog.english', title), 'A') || to_tsvector('pg_catalog.english', description)
        ELSE setweight(to_tsvector('pg_catalog.simple', title), 'A') || to_tsvector('pg_catalog.simple', description)
    END;
CREATE INDEX course_translations_words ON course_translations USING gin (course_document(locale, title, description));
DROP FUNCTION search_language(text);
DROP FUNCTION course_query(text, text);
DROP FUNCTION stop_words(text);
DROP FUNCTION course_words(text, text);
DROP FUNCTION stem_word(text, text);
DROP FUNCTION fold_words(text);
DROP TEXT SEARCH DICTIONARY course_english;
DROP TEXT SEARCH DICTIONARY course_german;

-- A page of the catalogue is found in two steps: which courses, in the order asked for, and
-- then those. Each order is a query of its own, which walks an index from where the page
-- begins (the + keeps SQLite from another index and sorting). The locale is one that the table
-- catalogue has.

-- name: CourseIDsByTitle :many
SELECT k.course_id AS id, k.sort_key
FROM catalogue k
WHERE k.locale = @locale AND k.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR k.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR k.level = CAST(@level AS TEXT))
    AND (CAST(@found AS TEXT) = '' OR k.course_id IN (SELECT value FROM json_each(CAST(@found AS TEXT))))
    AND (k.sort_key, k.course_id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY k.sort_key, k.course_id LIMIT @size OFFSET @skip;

-- name: CourseIDsByTitleDesc :many
SELECT k.course_id AS id, k.sort_key
FROM catalogue k
WHERE k.locale = @locale AND k.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR k.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR k.level = CAST(@level AS TEXT))
    AND (CAST(@found AS TEXT) = '' OR k.course_id IN (SELECT value FROM json_each(CAST(@found AS TEXT))))
    AND (k.sort_key, k.course_id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY k.sort_key DESC, k.course_id DESC LIMIT @size OFFSET @skip;

-- name: CourseIDsByCreated :many
SELECT c.id, c.created_at AS sort_key
FROM courses c
WHERE +c.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR c.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR c.level = CAST(@level AS TEXT))
    AND (CAST(@found AS TEXT) = '' OR c.id IN (SELECT value FROM json_each(CAST(@found AS TEXT))))
    AND (c.created_at, c.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY c.created_at, c.id LIMIT @size OFFSET @skip;

-- name: CourseIDsByCreatedDesc :many
SELECT c.id, c.created_at AS sort_key
FROM courses c
WHERE +c.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR c.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR c.level = CAST(@level AS TEXT))
    AND (CAST(@found AS TEXT) = '' OR c.id IN (SELECT value FROM json_each(CAST(@found AS TEXT))))
    AND (c.created_at, c.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY c.created_at DESC, c.id DESC LIMIT @size OFFSET @skip;

-- name: CourseIDsByMinutes :many
SELECT c.id, CAST(c.minutes AS TEXT) AS sort_key
FROM courses c
WHERE +c.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR c.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR c.level = CAST(@level AS TEXT))
    AND (CAST(@found AS TEXT) = '' OR c.id IN (SELECT value FROM json_each(CAST(@found AS TEXT))))
    AND (c.minutes, c.id) > (CAST(@after_key AS INTEGER), CAST(@after_id AS INTEGER))
ORDER BY c.minutes, c.id LIMIT @size OFFSET @skip;

-- name: CourseIDsByMinutesDesc :many
SELECT c.id, CAST(c.minutes AS TEXT) AS sort_key
FROM courses c
WHERE +c.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR c.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR c.level = CAST(@level AS TEXT))
    AND (CAST(@found AS TEXT) = '' OR c.id IN (SELECT value FROM json_each(CAST(@found AS TEXT))))
    AND (c.minutes, c.id) < (CAST(@after_key AS INTEGER), CAST(@after_id AS INTEGER))
ORDER BY c.minutes DESC, c.id DESC LIMIT @size OFFSET @skip;

-- Only a wanted description is read: it may be long.
-- name: CoursesByID :many
SELECT k.course_id, k.slug, k.category, k.level, k.minutes, k.is_published, k.validity_days, k.created_at, k.updated_at, k.version,
    k.shown, k.title, CAST(CASE WHEN CAST(@described AS INTEGER) THEN k.description ELSE '' END AS TEXT) AS description, k.lessons
FROM catalogue k
WHERE k.locale = @locale AND k.course_id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)));

-- name: CourseTotal :one
SELECT CAST(coalesce(sum(courses), 0) AS INTEGER) FROM course_totals
WHERE is_published IN (1, CAST(@published AS INTEGER));

-- name: CountCourses :one
SELECT count(*) FROM courses c
WHERE c.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR c.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR c.level = CAST(@level AS TEXT));

-- name: CourseIDBySlug :one
SELECT id FROM courses WHERE slug = @slug;

-- name: LessonsOfCourse :many
SELECT l.id, l.position, l.kind, l.minutes, coalesce(t.title, '') AS title
FROM lessons l JOIN courses c ON c.id = l.course_id
LEFT JOIN lesson_translations t ON t.id = coalesce(
    (SELECT x.id FROM lesson_translations x WHERE x.lesson_id = l.id AND x.locale = @locale),
    (SELECT x.id FROM lesson_translations x WHERE x.lesson_id = l.id AND x.locale = c.default_locale))
WHERE l.course_id = @course_id
ORDER BY l.position;

-- name: Lesson :one
SELECT l.*, c.slug, coalesce(t.locale, c.default_locale) AS locale, coalesce(t.title, '') AS title,
    coalesce(t.body, '') AS body, q.id AS quiz_id, q.pass_percent, q.max_attempts,
    (SELECT count(*) FROM questions WHERE questions.quiz_id = q.id) AS questions,
    CAST(coalesce((SELECT p.position FROM lessons p WHERE p.course_id = l.course_id AND p.position < l.position
        ORDER BY p.position DESC LIMIT 1), 0) AS INTEGER) AS previous,
    CAST(coalesce((SELECT n.position FROM lessons n WHERE n.course_id = l.course_id AND n.position > l.position
        ORDER BY n.position LIMIT 1), 0) AS INTEGER) AS next
FROM lessons l JOIN courses c ON c.id = l.course_id
LEFT JOIN quizzes q ON q.lesson_id = l.id
LEFT JOIN lesson_translations t ON t.id = coalesce(
    (SELECT x.id FROM lesson_translations x WHERE x.lesson_id = l.id AND x.locale = @locale),
    (SELECT x.id FROM lesson_translations x WHERE x.lesson_id = l.id AND x.locale = c.default_locale))
WHERE l.course_id = @course_id AND l.position = @position
    AND c.is_published IN (1, CAST(@published AS INTEGER));

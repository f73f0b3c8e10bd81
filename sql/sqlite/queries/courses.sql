-- A page of the catalogue is found in two steps: which courses, in the order asked for, and
-- then those. Each order is a query of its own, which walks an index from where the page
-- begins (the + keeps SQLite from another index and sorting). Only titles, which are chosen per
-- locale, are sorted anew: every published course is looked at, and somebody has written each.

-- name: CourseIDsByTitle :many
SELECT c.id, coalesce(t.title_folded, c.slug) AS sort_key
FROM courses c
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale))
WHERE c.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR c.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR c.level = CAST(@level AS TEXT))
    AND (CAST(@found AS TEXT) = '' OR c.id IN (SELECT value FROM json_each(CAST(@found AS TEXT))))
    AND (coalesce(t.title_folded, c.slug), c.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY sort_key, c.id LIMIT @size OFFSET @skip;

-- name: CourseIDsByTitleDesc :many
SELECT c.id, coalesce(t.title_folded, c.slug) AS sort_key
FROM courses c
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale))
WHERE c.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR c.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR c.level = CAST(@level AS TEXT))
    AND (CAST(@found AS TEXT) = '' OR c.id IN (SELECT value FROM json_each(CAST(@found AS TEXT))))
    AND (coalesce(t.title_folded, c.slug), c.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY sort_key DESC, c.id DESC LIMIT @size OFFSET @skip;

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

-- Only what is wanted is read: 1 stands for locale and title, 2 for the description (and locale), 4 for
-- the number of lessons.
-- name: CoursesByID :many
SELECT c.*,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 3 THEN coalesce(t.locale, c.default_locale) ELSE '' END AS TEXT) AS locale,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 1 THEN coalesce(t.title, c.slug) ELSE '' END AS TEXT) AS title,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 2 THEN coalesce(t.description, '') ELSE '' END AS TEXT) AS description,
    CAST(CASE WHEN CAST(@want AS INTEGER) & 4 THEN (SELECT count(*) FROM lessons l WHERE l.course_id = c.id) ELSE 0 END AS INTEGER) AS lessons
FROM courses c
LEFT JOIN course_translations t ON t.id = CASE WHEN CAST(@want AS INTEGER) & 3 THEN coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale)) END
WHERE c.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)));

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

-- Of courses that are not published any more, too: people are enrolled in them.
-- name: CourseTitles :many
SELECT c.id, c.slug, coalesce(t.title, c.slug) AS title
FROM courses c
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale))
WHERE c.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)));

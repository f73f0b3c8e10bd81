-- Frameworks are a handful, and come with their requirements in the order in which they were written:
-- the framework's own, which no sorting of texts would give (Art. 5 stands before Art. 29).

-- name: Frameworks :many
SELECT f.id, f.code, coalesce(ft.name, f.name) AS name, coalesce(ft.title, f.name) AS title,
    r.id AS requirement_id, r.code AS requirement_code, coalesce(rt.text, r.text) AS text, r.interval_months
FROM frameworks f CROSS JOIN requirements r ON r.framework_id = f.id
LEFT JOIN framework_translations ft ON ft.id =
    (SELECT x.id FROM framework_translations x WHERE x.framework_id = f.id AND x.locale = @locale)
LEFT JOIN requirement_translations rt ON rt.id =
    (SELECT x.id FROM requirement_translations x WHERE x.requirement_id = r.id AND x.locale = @locale)
ORDER BY f.id, r.id;

-- name: RequirementCourses :many
SELECT rc.requirement_id, c.id, c.slug, coalesce(t.title, c.slug) AS title
FROM frameworks f CROSS JOIN requirements r ON r.framework_id = f.id
CROSS JOIN requirement_courses rc ON rc.requirement_id = r.id
CROSS JOIN courses c ON c.id = rc.course_id
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale),
    (SELECT x.id FROM course_translations x WHERE x.course_id = c.id AND x.locale = c.default_locale))
WHERE c.is_published IN (1, CAST(@published AS INTEGER))
ORDER BY f.id, r.id, rc.course_id;

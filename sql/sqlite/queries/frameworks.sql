-- What frameworks are called. What they ask is in Requirements.
-- name: Frameworks :many
SELECT f.id, f.code, coalesce(t.name, f.name) AS name, coalesce(t.title, f.name) AS title
FROM frameworks f
LEFT JOIN framework_translations t ON t.id =
    (SELECT x.id FROM framework_translations x WHERE x.framework_id = f.id AND x.locale = @locale)
ORDER BY f.id;

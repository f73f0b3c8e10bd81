-- All that a code gives away: no id, no address.
-- name: CertificateByCode :one
SELECT sqlc.embed(x), u.full_name, m.name AS company, c.slug, coalesce(t.title, c.slug) AS title
FROM certificates x
JOIN users u ON u.id = x.user_id
JOIN companies m ON m.id = x.company_id
JOIN courses c ON c.id = x.course_id
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT y.id FROM course_translations y WHERE y.course_id = c.id AND y.locale = @locale),
    (SELECT y.id FROM course_translations y WHERE y.course_id = c.id AND y.locale = c.default_locale))
WHERE x.code = @code;

-- name: CertificateIDs :many
SELECT x.id, x.issued_at AS sort_key FROM certificates x
WHERE x.user_id = @user_id AND x.company_id = @company_id
    AND (x.issued_at, x.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY x.issued_at, x.id LIMIT @size OFFSET @skip;

-- name: CertificateIDsDesc :many
SELECT x.id, x.issued_at AS sort_key FROM certificates x
WHERE x.user_id = @user_id AND x.company_id = @company_id
    AND (x.issued_at, x.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY x.issued_at DESC, x.id DESC LIMIT @size OFFSET @skip;

-- name: CountCertificates :one
SELECT count(*) FROM certificates x WHERE x.user_id = @user_id AND x.company_id = @company_id;

-- name: CertificatesByID :many
SELECT sqlc.embed(x), c.slug, coalesce(t.title, c.slug) AS title
FROM certificates x
JOIN courses c ON c.id = x.course_id
LEFT JOIN course_translations t ON t.id = coalesce(
    (SELECT y.id FROM course_translations y WHERE y.course_id = c.id AND y.locale = @locale),
    (SELECT y.id FROM course_translations y WHERE y.course_id = c.id AND y.locale = c.default_locale))
WHERE x.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT)))
    AND x.user_id = @user_id AND x.company_id = @company_id;

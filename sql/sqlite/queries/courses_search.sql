-- Which courses a search finds, best first. The searches are [{language, match, points, found}]: each
-- is asked of the translations in that language, and gives points to the courses of those that match;
-- at least one that matches must be of the found kind. A course is searched in the translation that is
-- shown: the one in the locale asked for, else the one in the course's own.
--
-- CROSS JOIN: FTS5 needs the search before it can look anything up.

-- name: SearchCourses :many
SELECT c.id, CAST(sum(json_each.value ->> 'points') AS INTEGER) AS points
FROM json_each(CAST(@searches AS TEXT))
CROSS JOIN course_words w ON w.course_words MATCH (json_each.value ->> 'match')
CROSS JOIN course_translations t ON t.id = w.rowid
    AND CASE WHEN t.locale IN ('de', 'en') THEN t.locale ELSE '' END = json_each.value ->> 'language'
CROSS JOIN courses c ON c.id = t.course_id
WHERE c.is_published IN (1, CAST(@published AS INTEGER))
    AND (CAST(@category AS TEXT) = '' OR c.category = CAST(@category AS TEXT))
    AND (CAST(@level AS TEXT) = '' OR c.level = CAST(@level AS TEXT))
    AND (t.locale = CAST(@locale AS TEXT) OR t.locale = c.default_locale
        AND NOT EXISTS (SELECT 1 FROM course_translations x WHERE x.course_id = c.id AND x.locale = CAST(@locale AS TEXT)))
GROUP BY c.id HAVING max(json_each.value ->> 'found') = 1
ORDER BY points DESC, c.id;

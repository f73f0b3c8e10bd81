-- The catalogue's authors; see server/primary/courses.go. And SearchCourses, which is what a search
-- means: no request makes it, since reads are answered at the edges, but a test holds them to it.

-- The courses that are found in a locale: see course_query. A course is searched in the translation
-- that is shown: the one in the locale asked for, else the one in the course's own.
-- name: SearchCourses :many
SELECT c.id
FROM (SELECT language, course_query(language, @q::text) AS query FROM unnest('{de,en,""}'::text[]) AS language OFFSET 0) search
JOIN course_translations t ON course_document(t.title_words_folded, t.description_words_folded) @@ search.query
    AND search_language(t.locale) = search.language
JOIN courses c ON c.id = t.course_id
WHERE t.locale = @locale::text OR t.locale = c.default_locale
    AND NOT EXISTS (SELECT FROM course_translations x WHERE x.course_id = c.id AND x.locale = @locale::text)
ORDER BY c.id;

-- name: CourseSource :one
SELECT course_source(c.id)::text AS source FROM courses c WHERE c.id = @id OR c.slug = @slug::text;

-- A course that is about to be changed, with what people have done of it, and new keys for what may
-- be new in it. Always one row; without a course (source is empty) it is to be made.
-- name: LockCourse :one
SELECT coalesce(l.source::text, '')::text AS source, coalesce(l.begun, false)::boolean AS begun, l.answered::bigint[] AS answered,
    new_ids('courses', @new_courses::integer)::bigint[] AS course_ids, new_ids('lessons', @new_lessons::integer)::bigint[] AS lesson_ids,
    new_ids('quizzes', @new_quizzes::integer)::bigint[] AS quiz_ids, new_ids('questions', @new_questions::integer)::bigint[] AS question_ids,
    new_ids('options', @new_options::integer)::bigint[] AS option_ids
FROM lock_course(@id::bigint, @slug::text) l;

-- name: WriteCourse :one
SELECT write_course((@document::text)::jsonb)::text AS source;

-- Locked: nobody takes up the course meanwhile.
-- name: CourseForDeletion :one
SELECT c.id, c.version,
    (EXISTS (SELECT FROM enrollments e WHERE e.course_id = c.id) OR EXISTS (SELECT FROM assignments a WHERE a.course_id = c.id))::boolean AS in_use
FROM courses c WHERE c.id = @id OR c.slug = @slug::text
FOR UPDATE;

-- name: DeleteCourse :exec
DELETE FROM courses WHERE id = @id;

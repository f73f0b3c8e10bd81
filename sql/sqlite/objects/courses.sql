CREATE INDEX courses_slug ON courses (slug);
CREATE INDEX courses_created ON courses (created_at, id);
CREATE INDEX courses_minutes ON courses (minutes, id);
CREATE INDEX courses_published ON courses (is_published, category, level);
CREATE INDEX course_translations_course ON course_translations (course_id, locale);
CREATE INDEX lessons_course ON lessons (course_id, position);
CREATE INDEX lesson_translations_lesson ON lesson_translations (lesson_id, locale);
CREATE INDEX quizzes_lesson ON quizzes (lesson_id);
CREATE INDEX questions_quiz ON questions (quiz_id, position);

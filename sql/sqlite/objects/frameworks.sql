CREATE INDEX framework_translations_framework ON framework_translations (framework_id, locale);
CREATE INDEX requirements_framework ON requirements (framework_id);
CREATE INDEX requirement_translations_requirement ON requirement_translations (requirement_id, locale);
CREATE INDEX requirement_courses_requirement ON requirement_courses (requirement_id, course_id);

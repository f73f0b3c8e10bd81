CREATE INDEX options_question ON options (question_id, position);
CREATE INDEX option_translations_option ON option_translations (option_id, locale);
CREATE INDEX question_translations_question ON question_translations (question_id, locale);
CREATE INDEX enrollments_user_course ON enrollments (user_id, course_id, cycle);
CREATE INDEX quiz_attempts_enrollment ON quiz_attempts (enrollment_id, quiz_id, number);

-- What grows with every lesson that anybody does is published without the columns that no region reads:
-- these rows are hardly ever changed, created_at and updated_at say again what the row's own moment
-- says, and only a certificate is known by its version. Replicas are copied anew, once: all tables are
-- named in one statement.

-- +goose Up
ALTER PUBLICATION outpost SET TABLE
    certificates (id, company_id, data_zone, user_id, enrollment_id, course_id, code, issued_at, expires_at, revoked_at, version),
    lesson_progress (id, company_id, data_zone, user_id, enrollment_id, lesson_id, done_at, seconds),
    phishing_events (id, company_id, data_zone, user_id, campaign_id, kind, occurred_at),
    quiz_attempts (id, company_id, data_zone, user_id, enrollment_id, quiz_id, number, score, passed, submitted_at, seconds),
    api_keys, assignments, companies, course_translations, courses, enrollments, framework_translations, frameworks,
    lesson_translations, lessons, option_translations, options, phishing_campaigns, question_translations, questions,
    quizzes, report_schedules, reports, requirement_courses, requirement_translations, requirements, sessions,
    signing_keys, token_revocations, user_activity, users;
SELECT outpost.schema_changed();

-- +goose Down
ALTER PUBLICATION outpost SET TABLE
    api_keys, assignments, certificates, companies, course_translations, courses, enrollments, framework_translations,
    frameworks, lesson_progress, lesson_translations, lessons, option_translations, options, phishing_campaigns,
    phishing_events, question_translations, questions, quiz_attempts, quizzes, report_schedules, reports,
    requirement_courses, requirement_translations, requirements, sessions, signing_keys, token_revocations,
    user_activity, users;
SELECT outpost.schema_changed();

-- What leaves Postgres. Every table is named: one that is forgotten here stays private, and a
-- test asks that each table is either published or known to be private.

-- +goose Up
CREATE PUBLICATION outpost FOR TABLE
    api_keys,
    assignments,
    certificates,
    companies,
    course_translations,
    courses,
    enrollments,
    frameworks,
    lesson_progress,
    lesson_translations,
    lessons,
    option_translations,
    options,
    phishing_campaigns,
    phishing_events,
    question_translations,
    questions,
    quiz_attempts,
    quizzes,
    reports,
    requirement_courses,
    requirements,
    sessions,
    signing_keys,
    token_revocations,
    user_activity,
    users;

-- +goose Down
DROP PUBLICATION outpost;

-- What the published tables look like in a replica, for sqlc. Made from the migrations by
-- go test ./sql -update, and held to them and to what a replica makes by the tests. NOT NULL is
-- what Postgres promises; a replica's own tables leave it to Postgres.

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE assignments (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    course_id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    department TEXT NOT NULL,
    user_id INTEGER,
    due_at TEXT,
    recurrence_months INTEGER,
    created_by INTEGER,
    ended_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE certificates (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    enrollment_id INTEGER NOT NULL,
    course_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    issued_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT,
    version INTEGER NOT NULL
);

CREATE TABLE companies (
    id INTEGER PRIMARY KEY,
    data_zone TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    slug TEXT NOT NULL,
    country TEXT NOT NULL,
    locale TEXT NOT NULL,
    privacy_mode TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE course_translations (
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL,
    locale TEXT NOT NULL,
    title TEXT NOT NULL,
    title_folded TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    title_words_folded TEXT NOT NULL,
    description_words_folded TEXT NOT NULL
);

CREATE TABLE courses (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL,
    category TEXT NOT NULL,
    level TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    is_published INTEGER NOT NULL,
    validity_days INTEGER,
    default_locale TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE enrollments (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    course_id INTEGER NOT NULL,
    assignment_id INTEGER,
    cycle INTEGER NOT NULL,
    status TEXT NOT NULL,
    lessons_done INTEGER NOT NULL,
    due_at TEXT,
    started_at TEXT,
    completed_at TEXT,
    expires_at TEXT,
    score INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE framework_translations (
    id INTEGER PRIMARY KEY,
    framework_id INTEGER NOT NULL,
    locale TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE frameworks (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE lesson_progress (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    enrollment_id INTEGER NOT NULL,
    lesson_id INTEGER NOT NULL,
    done_at TEXT NOT NULL,
    seconds INTEGER NOT NULL
);

CREATE TABLE lesson_translations (
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL,
    lesson_id INTEGER NOT NULL,
    locale TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE lessons (
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    video_url TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE option_translations (
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL,
    quiz_id INTEGER NOT NULL,
    option_id INTEGER NOT NULL,
    locale TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE options (
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL,
    quiz_id INTEGER NOT NULL,
    question_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE phishing_campaigns (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    name TEXT NOT NULL,
    template TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    name_folded TEXT NOT NULL
);

CREATE TABLE phishing_events (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    occurred_at TEXT NOT NULL
);

CREATE TABLE question_translations (
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL,
    quiz_id INTEGER NOT NULL,
    question_id INTEGER NOT NULL,
    locale TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE questions (
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL,
    quiz_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE quiz_attempts (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    enrollment_id INTEGER NOT NULL,
    quiz_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    score INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    submitted_at TEXT NOT NULL,
    seconds INTEGER
);

CREATE TABLE quizzes (
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL,
    lesson_id INTEGER NOT NULL,
    pass_percent INTEGER NOT NULL,
    max_attempts INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    time_limit_seconds INTEGER
);

CREATE TABLE report_schedules (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    format TEXT NOT NULL,
    locale TEXT NOT NULL,
    cadence TEXT NOT NULL,
    subject_id INTEGER,
    next_at TEXT NOT NULL,
    last_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    first_at TEXT NOT NULL
);

CREATE TABLE reports (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    requested_by INTEGER NOT NULL,
    type TEXT NOT NULL,
    format TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    completed_at TEXT,
    expires_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    scope TEXT NOT NULL,
    locale TEXT NOT NULL,
    subject_id INTEGER,
    schedule_id INTEGER,
    job_id INTEGER
);

CREATE TABLE requirement_courses (
    id INTEGER PRIMARY KEY,
    requirement_id INTEGER NOT NULL,
    course_id INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE requirement_translations (
    id INTEGER PRIMARY KEY,
    requirement_id INTEGER NOT NULL,
    locale TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE requirements (
    id INTEGER PRIMARY KEY,
    framework_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    text TEXT NOT NULL,
    interval_months INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE signing_keys (
    id INTEGER PRIMARY KEY,
    kid TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_key BLOB NOT NULL,
    not_before TEXT NOT NULL,
    not_after TEXT,
    retired_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE token_revocations (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    revoked_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE user_activity (
    user_id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    last_login_at TEXT,
    last_seen_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    data_zone TEXT NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    full_name TEXT NOT NULL,
    full_name_folded TEXT NOT NULL,
    role TEXT NOT NULL,
    department TEXT NOT NULL,
    job_risk TEXT NOT NULL,
    locale TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    pseudonym TEXT NOT NULL
);

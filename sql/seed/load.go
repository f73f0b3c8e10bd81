package seed

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// table says which columns of a table are filled, in which order. The rest have defaults, or
// are filled by triggers.
type table struct {
	name    string
	columns string
}

// tables are in the order in which foreign keys allow them to be filled.
func tables() []table {
	const tenant = "company_id data_zone "
	return []table{
		{"companies", "id data_zone name slug country locale privacy_mode created_at updated_at"},
		{"courses", "id slug category level minutes is_published validity_days default_locale created_at"},
		{"course_translations", "id course_id locale title description"},
		{"lessons", "id course_id position kind minutes"},
		{"lesson_translations", "id course_id lesson_id locale title body"},
		{"quizzes", "id course_id lesson_id pass_percent max_attempts time_limit_seconds"},
		{"questions", "id course_id quiz_id position"},
		{"question_translations", "id course_id quiz_id question_id locale text"},
		{"options", "id course_id quiz_id question_id position"},
		{"option_translations", "id course_id quiz_id option_id locale text"},
		{"question_keys", "question_id option_id"},
		{"question_explanations", "question_id locale text"},
		{"frameworks", "id code name"},
		{"framework_translations", "id framework_id locale name title"},
		{"requirements", "id framework_id code text interval_months"},
		{"requirement_translations", "id requirement_id locale text"},
		{"requirement_courses", "id requirement_id course_id"},
		{"users", "id " + tenant + "email full_name role department job_risk locale is_active pseudonym " +
			"created_at updated_at"},
		{"user_credentials", "user_id password_hash created_at updated_at"},
		{"user_activity", "user_id " + tenant + "last_login_at last_seen_at"},
		{"sessions", "id " + tenant + "user_id expires_at revoked_at created_at updated_at"},
		{"token_revocations", "id " + tenant + "user_id reason revoked_at created_at updated_at"},
		{"api_keys", "id " + tenant + "user_id name prefix scopes revoked_at created_at updated_at"},
		{"assignments", "id " + tenant + "course_id scope department user_id due_at recurrence_months created_by " +
			"created_at updated_at"},
		{"assignment_runs", "assignment_id occurrence opens_at due_at next_at finished_at"},
		{"enrollments", "id " + tenant + "user_id course_id assignment_id cycle status lessons_done due_at started_at " +
			"completed_at expires_at score created_at updated_at"},
		{"lesson_progress", "id " + tenant + "user_id enrollment_id lesson_id done_at seconds created_at updated_at"},
		{"quiz_attempts", "id " + tenant + "user_id enrollment_id quiz_id number score passed submitted_at seconds created_at " +
			"updated_at"},
		{"certificates", "id " + tenant + "user_id enrollment_id course_id code issued_at expires_at created_at updated_at"},
		{"phishing_campaigns", "id " + tenant + "name template started_at ended_at created_at updated_at"},
		{"phishing_events", "id " + tenant + "user_id campaign_id kind occurred_at created_at updated_at"},
		{"report_schedules", "id " + tenant + "user_id type format locale cadence first_at next_at last_at created_at updated_at"},
		{"reports", "id " + tenant + "requested_by type format locale scope schedule_id state error sha256 bytes completed_at " +
			"expires_at created_at updated_at"},
	}
}

// loader gathers rows and copies them, table by table: a batch is copied while the next one is
// gathered. It hands out the keys.
type loader struct {
	tx       pgx.Tx // belongs to the copying while load runs
	tables   []table
	rows     batch            // the one being gathered
	count    int              // of its rows
	flushAt  int              // so many of them, so that memory does not grow with the demo
	last     map[string]int64 // the highest key handed out
	full     chan batch       // to be copied; nobody waits in it
	empty    chan batch       // to be gathered in: of two batches the one that was copied
	analyzed map[string]bool
	copied   func(table string, rows int)
}

// batch is rows by table.
type batch map[string][][]any

func newLoader(tx pgx.Tx, flushAt int) *loader {
	l := &loader{
		tx: tx, tables: tables(), rows: batch{}, flushAt: flushAt, last: map[string]int64{},
		full: make(chan batch), empty: make(chan batch, 2), analyzed: map[string]bool{}, copied: func(string, int) {},
	}
	l.empty <- batch{}
	return l
}

// load lets fill gather rows and returns when all are copied, or none will be any more. It is
// called once.
func (l *loader) load(ctx context.Context, fill func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.copyBatches(ctx) })
	group.Go(func() error {
		defer close(l.full)
		return fill(ctx)
	})
	return group.Wait()
}

// next gives the next key of a table.
func (l *loader) next(table string) int64 {
	l.last[table]++
	return l.last[table]
}

// add takes a row: the values of the columns in tables.
func (l *loader) add(table string, values ...any) {
	l.rows[table] = append(l.rows[table], values)
	l.count++
}

// flush hands over what was gathered, once the batch before is copied. An error of the copying
// ends ctx, and is what load returns.
func (l *loader) flush(ctx context.Context) error {
	select {
	case l.full <- l.rows:
	case <-ctx.Done():
		return ctx.Err()
	}
	l.rows, l.count = <-l.empty, 0
	return nil
}

// flushWhenFull bounds memory: there are never more rows than in two full batches.
func (l *loader) flushWhenFull(ctx context.Context) error {
	if l.count < l.flushAt {
		return nil
	}
	return l.flush(ctx)
}

func (l *loader) copyBatches(ctx context.Context) error {
	for b := range l.full {
		for _, t := range l.tables {
			if err := l.copyTable(ctx, t, b[t.name]); err != nil {
				return err
			}
			clear(b[t.name])
			b[t.name] = b[t.name][:0]
		}
		l.empty <- b
	}
	return nil
}

func (l *loader) copyTable(ctx context.Context, t table, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	if _, err := l.tx.CopyFrom(ctx, pgx.Identifier{t.name}, strings.Fields(t.columns), pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("copying into %s: %w", t.name, err)
	}
	l.copied(t.name, len(rows))
	return l.analyzeOnce(ctx, t.name)
}

// analyzeOnce gives the planner statistics of a table that foreign keys are checked against.
// Without them it looks up a user by company and zone, reading the whole company for every
// row: twenty times slower at medium size.
func (l *loader) analyzeOnce(ctx context.Context, table string) error {
	if l.analyzed[table] || table != "users" && table != "enrollments" {
		return nil
	}
	l.analyzed[table] = true
	if _, err := l.tx.Exec(ctx, "ANALYZE "+table); err != nil {
		return fmt.Errorf("analyzing %s: %w", table, err)
	}
	return nil
}

// advanceSequences lets Postgres hand out keys after ours: COPY with given keys leaves the
// sequences where they were.
func (l *loader) advanceSequences(ctx context.Context) error {
	for _, t := range l.tables {
		if !strings.HasPrefix(t.columns, "id ") {
			continue
		}
		_, err := l.tx.Exec(ctx, fmt.Sprintf(
			"SELECT setval(pg_get_serial_sequence('%[1]s', 'id'), max(id)) FROM %[1]s HAVING max(id) IS NOT NULL", t.name))
		if err != nil {
			return fmt.Errorf("advancing the sequence of %s: %w", t.name, err)
		}
	}
	return nil
}

package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/server/report"
	"outpost/server/store"
	"outpost/server/training"
	"outpost/sql"
	"outpost/sql/sqltest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

var now = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)

// filled is a store of two companies: six people of the first have completed course 1, which satisfies
// a requirement of GDPR, and two of them in vain: it has expired.
func filled(t *testing.T) *store.Store {
	t.Helper()
	url := sqltest.Database(t)
	pgtest.Exec(t, url,
		`INSERT INTO companies (name, slug, country, locale, data_zone, privacy_mode) VALUES
			('Eins', 'eins', 'DE', 'de', 'eu', 'individual'), ('Two', 'two', 'US', 'en', 'us', 'individual')`,
		`INSERT INTO users (company_id, data_zone, email, full_name, role, department)
			SELECT 1, 'eu', 'u' || i || '@example.com', 'Mensch ' || i, 'learner', 'Vertrieb' FROM generate_series(1, 6) i`,
		`INSERT INTO users (company_id, data_zone, email, full_name, role) VALUES (2, 'us', 'other@example.com', 'Fremder', 'learner')`,
		`INSERT INTO courses (slug, category, minutes, is_published) VALUES ('phishing', 'email', 10, true)`,
		`INSERT INTO course_translations (course_id, locale, title) VALUES (1, 'en', 'Phishing'), (1, 'de', 'Phishing erkennen')`,
		`INSERT INTO frameworks (code, name) VALUES ('gdpr', 'GDPR')`,
		`INSERT INTO framework_translations (framework_id, locale, name, title) VALUES (1, 'de', 'DSGVO', 'Verordnung (EU) 2016/679')`,
		`INSERT INTO requirements (framework_id, code, text, interval_months) VALUES (1, 'Art. 32', 'Security', 12)`,
		`INSERT INTO requirement_translations (requirement_id, locale, text) VALUES (1, 'de', 'Sicherheit')`,
		`INSERT INTO requirement_courses (requirement_id, course_id) VALUES (1, 1)`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, completed_at, expires_at)
			SELECT 1, 'eu', i, 1, 'completed', '2026-01-01', CASE WHEN i > 4 THEN '2026-02-01'::timestamptz ELSE '2027-01-01' END
			FROM generate_series(1, 6) i`)
	path := filepath.Join(t.TempDir(), "replica.db")
	loader, err := replica.Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer loader.Abort()
	parsed, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	copied := source.New(source.Config{URL: url, Publication: sql.Publication, Slot: source.SlotName(strings.TrimPrefix(parsed.Path, "/"))})
	lsn, err := copied.Copy(t.Context(), loader.Begin, loader.Row)
	if err != nil {
		t.Fatal(err)
	}
	if err := loader.Finish(t.Context(), replica.State{Position: change.Position{Generation: 1, LSN: lsn}, Incarnation: 1}); err != nil {
		t.Fatal(err)
	}
	objects, err := sql.Objects()
	if err != nil {
		t.Fatal(err)
	}
	options := replica.Options{Path: path, Prepare: store.Prepare}
	for _, o := range objects {
		options.Objects = append(options.Objects, replica.Object(o))
	}
	r, err := replica.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return store.New(r)
}

// maker notes what it does in steps.
func maker(s *store.Store, steps *[]string) *report.Maker {
	note := func(what string) { *steps = append(*steps, what) }
	return &report.Maker{
		Read: func(ctx context.Context, do func(training.Queries) error) (training.At, error) {
			note("read")
			at, err := s.Read(ctx, do)
			note("read over")
			return at, err
		},
		Fresh: func(context.Context) error { note("fresh"); return nil },
		Stage: func(ctx context.Context, name string, _ training.ReportType) (context.Context, func(error)) {
			note(name)
			return ctx, func(err error) {
				if err != nil {
					note("failed")
				}
			}
		},
		Now: func() time.Time { return now },
	}
}

func TestAReportIsMadeFromTheStore(t *testing.T) {
	s := filled(t)
	for _, kind := range []training.ReportType{training.GDPR, training.LearningNow, training.RiskNow} {
		for _, format := range training.ReportFormats() {
			for _, scope := range []training.ReportScope{training.CompanyReport, training.OwnReport} {
				var steps []string
				var out bytes.Buffer
				asked := training.Report{ID: 9, CompanyID: 1, SubjectID: 1, RequestedBy: 2, Type: kind, Format: format, Locale: "de", Scope: scope}
				if err := maker(s, &steps).Make(t.Context(), asked, &out); err != nil {
					t.Fatal(err)
				}
				if out.Len() == 0 || bytes.Contains(out.Bytes(), []byte("Fremder")) {
					t.Errorf("%s as %s is of %d bytes, or about another company", kind, format, out.Len())
				}
				// Nothing is written while the replica is read.
				want := "fetch_compliance_data fresh read read over process_compliance_data generate_" + string(format)
				if got := strings.Join(steps, " "); got != want {
					t.Errorf("the steps are %s, want %s", got, want)
				}
			}
		}
	}
	var out bytes.Buffer
	asked := training.Report{ID: 9, CompanyID: 1, SubjectID: 1, RequestedBy: 2, Type: training.GDPR, Format: training.JSON, Locale: "de", Scope: training.CompanyReport}
	if err := maker(s, new([]string)).Make(t.Context(), asked, &out); err != nil {
		t.Fatal(err)
	}
	var document struct {
		Content struct {
			Framework struct{ Name, Title string }
			Figures   struct {
				Rate        float64
				Obligations int
			}
			Tables struct {
				Requirements struct {
					Rows []struct{ Code, Text, Courses string }
				}
				People struct{ Rows []map[string]any }
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	c := document.Content
	if c.Framework.Name != "DSGVO" || c.Framework.Title != "Verordnung (EU) 2016/679" || c.Figures.Rate != 0.6667 || c.Figures.Obligations != 6 {
		t.Errorf("it says %+v", c)
	}
	if r := c.Tables.Requirements.Rows; len(r) != 1 || r[0].Code != "Art. 32" || r[0].Text != "Sicherheit" || r[0].Courses != "Phishing erkennen" {
		t.Errorf("its requirements are %+v", r)
	}
	if p := c.Tables.People.Rows; len(p) != 6 || p[0]["name"] != "Mensch 1" || p[0]["Art. 32"] != "satisfied" || p[5]["Art. 32"] != "open" {
		t.Errorf("its people are %+v", p)
	}
}

func TestAReportThatCannotBeMadeSaysSo(t *testing.T) {
	s := filled(t)
	good := training.Report{ID: 9, CompanyID: 1, SubjectID: 1, RequestedBy: 2, Type: training.GDPR, Format: training.CSV, Locale: "de", Scope: training.CompanyReport}
	for name, c := range map[string]struct {
		bend func(*training.Report)
		code training.Code
	}{
		"no such company":   {func(r *training.Report) { r.SubjectID = 99 }, training.NotFound},
		"no such person":    {func(r *training.Report) { r.Scope, r.RequestedBy = training.OwnReport, 99 }, training.NotFound},
		"of another one":    {func(r *training.Report) { r.Scope, r.RequestedBy = training.OwnReport, 7 }, training.NotFound},
		"no such framework": {func(r *training.Report) { r.Type = training.HIPAA }, training.NotFound},
		"no such type":      {func(r *training.Report) { r.Type = "weather" }, training.Invalid},
		"no such format":    {func(r *training.Report) { r.Format = "docx" }, training.Invalid},
	} {
		bent := good
		c.bend(&bent)
		var out bytes.Buffer
		if err := maker(s, new([]string)).Make(t.Context(), bent, &out); training.CodeOf(err) != c.code || out.Len() > 0 {
			t.Errorf("%s: %v, and %d bytes", name, err, out.Len())
		}
	}
	m := maker(s, new([]string))
	late := errors.New("late")
	m.Fresh = func(context.Context) error { return late }
	if err := m.Make(t.Context(), good, new(bytes.Buffer)); !errors.Is(err, late) {
		t.Errorf("a replica that is behind: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var steps []string
	m = maker(s, &steps)
	stage := m.Stage
	m.Stage = func(ctx context.Context, name string, k training.ReportType) (context.Context, func(error)) {
		if name == "generate_csv" {
			cancel()
		}
		return stage(ctx, name, k)
	}
	if err := m.Make(ctx, good, new(bytes.Buffer)); !errors.Is(err, context.Canceled) || steps[len(steps)-1] != "failed" {
		t.Errorf("a cancelled one: %v, after %v", err, steps)
	}
}

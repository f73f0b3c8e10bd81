package primary_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replicatest/logbuffer"
	"outpost/server/primary"
	"outpost/server/training"
)

// maker is a ReportMaker as a test wants it.
type maker func(ctx context.Context, r training.Report, w io.Writer) error

func (m maker) Make(ctx context.Context, r training.Report, w io.Writer) error { return m(ctx, r, w) }

// named writes the report's number.
func named(_ context.Context, r training.Report, w io.Writer) error {
	_, err := fmt.Fprintf(w, "report %d", r.ID)
	return err
}

var (
	manager = training.Principal{UserID: 2, CompanyID: 1, Role: training.Manager, Locale: "de", Zone: "eu"}
	gdpr    = training.NewReport{Type: training.GDPR, Format: training.PDF, Locale: "de"}
)

// openReports is open with a second user who manages, and a maker; and a database of which the
// reports that another test has is none of.
func openReports(t *testing.T, m primary.ReportMaker, change ...func(*primary.Config)) (*primary.Primary, string) {
	t.Helper()
	p, url := open(t, append([]func(*primary.Config){func(c *primary.Config) {
		c.Reports, c.ReportRetry, c.ClientID = m, time.Millisecond, "this one"
	}}, change...)...)
	pgtest.Exec(t, url, `UPDATE users SET role = 'manager' WHERE id = 2`)
	return p, url
}

// run works until the test ends, or stop is called.
func run(t *testing.T, p *primary.Primary) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func request(t *testing.T, p *primary.Primary, who training.Principal, in training.NewReport) training.Report {
	t.Helper()
	r, lsn, err := p.RequestReport(t.Context(), who, in)
	if err != nil || lsn == 0 {
		t.Fatalf("at %d: %v", lsn, err)
	}
	return r
}

// becomes waits until a report is in a state.
func becomes(t *testing.T, url string, id int64, state training.ReportState) {
	t.Helper()
	conn := pgtest.Connect(t, url)
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var now string
		if err := conn.QueryRow(t.Context(), `SELECT state FROM reports WHERE id = $1`, id).Scan(&now); err != nil {
			t.Fatal(err)
		}
		if now == string(state) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the report is %s and does not become %s", now, state)
		}
	}
}

// document reads all parts of a report's document.
func document(t *testing.T, p *primary.Primary, who training.Principal, id int64) (training.Report, []byte) {
	t.Helper()
	r, err := p.ReportDocument(t.Context(), who, id)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for part := 0; int64(len(all)) < r.Bytes; part++ {
		content, err := p.ReportPart(t.Context(), id, part)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	return r, all
}

func refused(t *testing.T, err error, want training.Code) {
	t.Helper()
	if training.CodeOf(err) != want {
		t.Errorf("it fails with %v, want %s", err, want)
	}
}

func TestAReportIsMadeByAJob(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		seen := new(observed)
		asked := make(chan training.Report, 2)
		content := bytes.Repeat([]byte("0123456789abcdef"), 40_000) // more than two parts
		p, url := openReports(t, maker(func(_ context.Context, r training.Report, w io.Writer) error {
			asked <- r
			for rest := content; len(rest) > 0; {
				n := min(len(rest), 999)
				if _, err := w.Write(rest[:n]); err != nil {
					return err
				}
				rest = rest[n:]
			}
			return nil
		}), mode, func(c *primary.Config) { c.Observe = seen.see })
		request(t, p, manager, training.NewReport{Type: training.NIS2, Format: training.CSV, Locale: "en"}) // River learns what Postgres can
		seen.take()
		r := request(t, p, manager, gdpr)
		if types, n := seen.take(); n > 3 {
			t.Errorf("a request takes %d statements without a key, at most 3 leave room for one: %v", n, types)
		}
		if r.State != training.ReportQueued || r.Scope != training.CompanyReport || r.SubjectID != 1 || r.RequestedBy != 2 || r.Locale != "de" {
			t.Errorf("the report is %+v", r)
		}
		if n := value[int](t, url, `SELECT count(*) FROM river.river_job j JOIN reports r ON r.job_id = j.id
			WHERE j.args = jsonb_build_object('report_id', r.id) AND j.state = 'available'`); n != 2 {
			t.Errorf("%d of 2 reports have a job that names them", n)
		}
		run(t, p)
		becomes(t, url, r.ID, training.ReportCompleted)
		got, all := document(t, p, manager, r.ID)
		sum := sha256.Sum256(content)
		if !bytes.Equal(all, content) || got.SHA256 != hex.EncodeToString(sum[:]) || got.Bytes != int64(len(content)) {
			t.Errorf("%d bytes of %d arrived, hash %s", len(all), len(content), got.SHA256)
		}
		if got.ExpiresAt.Sub(*got.CompletedAt) != training.ReportLife {
			t.Errorf("completed at %v, it expires at %v", got.CompletedAt, got.ExpiresAt)
		}
		for range cap(asked) { // both are made, in any order
			if r := <-asked; r.ID == 0 || r.State != training.ReportProcessing {
				t.Errorf("the maker was given %+v", r)
			}
		}
		if n := value[int](t, url, `SELECT max(octet_length(content)) FROM report_documents`); n != 256<<10 {
			t.Errorf("the largest part has %d bytes", n)
		}
		if s := value[string](t, url, `SELECT j.state::text FROM river.river_job j JOIN reports r ON r.job_id = j.id WHERE r.id = $1`, r.ID); s != "completed" {
			t.Errorf("the job is %s", s)
		}
		if n := value[int](t, url, `SELECT count(*) FROM audit_log WHERE subject = 'reports' AND action = 'requestReport' AND actor_id = 2`); n != 2 {
			t.Errorf("the audit log tells of %d requests", n)
		}
	})
}

func TestARequestEqualToAPendingOneIsAnsweredWithThat(t *testing.T) {
	p, url := openReports(t, maker(named))
	first := request(t, p, manager, gdpr)
	keyed := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
	for range 2 { // under a key, and again under the same
		if r, _, err := p.RequestReport(keyed, manager, gdpr); err != nil || r.ID != first.ID {
			t.Errorf("an equal request gives report %d, %v", r.ID, err)
		}
	}
	own := gdpr
	own.CompanyID = 1
	if r := request(t, p, manager, own); r.ID != first.ID {
		t.Error("to name one's own company makes another report")
	}
	var ids sync.Map
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			r, _, err := p.RequestReport(t.Context(), manager, training.NewReport{Type: training.RiskNow, Format: training.JSON, Locale: "en"})
			if err != nil {
				t.Error(err)
			}
			ids.Store(r.ID, true)
		})
	}
	all.Wait()
	if n := value[int](t, url, `SELECT count(*) FROM reports`); n != 2 {
		t.Errorf("there are %d reports, want 2", n)
	}
	if n := value[int](t, url, `SELECT count(*) FROM river.river_job`); n != 2 {
		t.Errorf("there are %d jobs, want 2", n)
	}
	for name, in := range map[string]training.NewReport{
		"another type": {Type: training.HIPAA, Format: training.PDF, Locale: "de"}, "another format": {Type: training.GDPR, Format: training.CSV, Locale: "de"},
		"another locale": {Type: training.GDPR, Format: training.PDF, Locale: "en"},
	} {
		if r := request(t, p, manager, in); r.ID == first.ID {
			t.Errorf("%s gives the same report", name)
		}
	}
	if r := request(t, p, learner, gdpr); r.ID == first.ID || r.Scope != training.OwnReport {
		t.Errorf("a learner gets %+v", r)
	}
	run(t, p)
	becomes(t, url, first.ID, training.ReportCompleted)
	if r := request(t, p, manager, gdpr); r.ID == first.ID {
		t.Error("a completed report is no pending one")
	}
}

func TestWhoMayAskForWhichReport(t *testing.T) {
	p, url := openReports(t, maker(named))
	pgtest.Exec(t, url, `UPDATE users SET role = 'platform_admin' WHERE id = 4`)
	platform := training.Principal{UserID: 4, CompanyID: 2, Role: training.PlatformAdmin}
	in := gdpr
	in.CompanyID = 2
	for _, who := range []training.Principal{learner, manager} {
		_, _, err := p.RequestReport(t.Context(), who, in)
		refused(t, err, training.Forbidden)
	}
	in.CompanyID = 1
	if r := request(t, p, platform, in); r.SubjectID != 1 || r.CompanyID != 2 {
		t.Errorf("the report is %+v", r)
	}
	if r := request(t, p, platform, gdpr); r.SubjectID != 2 {
		t.Errorf("the report is %+v", r)
	}
	in.CompanyID = 99
	_, _, err := p.RequestReport(t.Context(), platform, in)
	refused(t, err, training.Invalid)
	_, _, err = p.RequestReport(t.Context(), training.Principal{UserID: 1, CompanyID: 1, Role: training.Manager}, gdpr)
	refused(t, err, training.Unauthorized) // the token says more than the account may
}

func TestPendingReportsAreBounded(t *testing.T) {
	p, url := openReports(t, maker(named))
	pgtest.Exec(t, url, `INSERT INTO reports (company_id, data_zone, requested_by, type, format) SELECT 1, 'eu', 2, n::text, 'pdf' FROM generate_series(1, 20) n`)
	_, _, err := p.RequestReport(t.Context(), manager, gdpr)
	refused(t, err, training.Conflict)
	if err == nil || !strings.Contains(err.Error(), "20") {
		t.Errorf("it says %v", err)
	}
	request(t, p, learner, gdpr) // somebody else's are others
	pgtest.Exec(t, url, `UPDATE reports SET state = 'failed' WHERE type = '1'`)
	request(t, p, manager, gdpr)
	request(t, p, manager, gdpr) // which is the same
}

func TestAReportIsTriedAgainAndThenFails(t *testing.T) {
	for name, c := range map[string]struct {
		fail     func() error
		attempts int32
	}{
		"an error":         {func() error { return errors.New("no luck") }, 5},
		"a panic":          {func() error { panic("no luck") }, 5},
		"a final error":    {func() error { return training.Errorf(training.Forbidden, "no luck") }, 1},
		"a time that ends": {nil, 5},
	} {
		t.Run(name, func(t *testing.T) {
			var attempts atomic.Int32
			var log logbuffer.Buffer
			p, url := openReports(t, maker(func(ctx context.Context, _ training.Report, w io.Writer) error {
				attempts.Add(1)
				if _, err := io.WriteString(w, "half a document"); err != nil {
					return err
				}
				if c.fail == nil {
					<-ctx.Done()
					return ctx.Err()
				}
				return c.fail()
			}), func(config *primary.Config) {
				config.Log = slog.New(slog.NewTextHandler(&log, nil))
				if c.fail == nil {
					config.ReportTimeout = 300 * time.Millisecond
				}
			})
			r := request(t, p, manager, gdpr)
			run(t, p)
			becomes(t, url, r.ID, training.ReportFailed)
			if n := attempts.Load(); n != c.attempts {
				t.Errorf("it was tried %d times, want %d", n, c.attempts)
			}
			if text := value[string](t, url, `SELECT error FROM reports`); text != "The report could not be made. Try again later." {
				t.Errorf("the requester reads %q", text)
			}
			if n := value[int](t, url, `SELECT count(*) FROM report_documents`); n != 0 {
				t.Errorf("%d parts are left of it", n)
			}
			if c.fail != nil && !strings.Contains(log.String(), "no luck") {
				t.Errorf("the log does not say why:\n%s", &log)
			}
			_, err := p.ReportDocument(t.Context(), manager, r.ID)
			refused(t, err, training.Conflict)
			if r2 := request(t, p, manager, gdpr); r2.ID == r.ID {
				t.Error("a failed report cannot be asked for again")
			}
		})
	}
}

func TestAReportSucceedsAtALaterAttempt(t *testing.T) {
	var attempts atomic.Int32
	p, url := openReports(t, maker(func(ctx context.Context, r training.Report, w io.Writer) error {
		if attempts.Add(1) < 3 {
			_, err := io.WriteString(w, "not this")
			return errors.Join(err, errors.New("no luck"))
		}
		return named(ctx, r, w)
	}))
	r := request(t, p, manager, gdpr)
	run(t, p)
	becomes(t, url, r.ID, training.ReportCompleted)
	if _, all := document(t, p, manager, r.ID); string(all) != fmt.Sprintf("report %d", r.ID) {
		t.Errorf("the document is %q", all)
	}
	if text := value[string](t, url, `SELECT error FROM reports`); text != "" {
		t.Errorf("it has the error %q", text)
	}
}

// A replica may show a commit a moment before Postgres shows it to other transactions: whoever saw it
// there comes for the document.
func TestADocumentThatIsBeingCommittedIsWaitedFor(t *testing.T) {
	p, url := openReports(t, nil)
	r := request(t, p, manager, gdpr)
	conn := pgtest.Connect(t, url)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const complete = `UPDATE reports SET state = 'completed', sha256 = 'sum', bytes = 1, completed_at = now(), expires_at = now() + interval '1 hour'`
	if _, err := tx.Exec(t.Context(), complete); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		report training.Report
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		got, err := p.ReportDocument(t.Context(), manager, r.ID)
		answers <- answer{got, err}
	}()
	const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	deadline := time.After(20 * time.Second)
	for value[int](t, url, waiting) == 0 {
		select {
		case a := <-answers:
			t.Fatalf("before the commit the answer is %+v, %v", a.report, a.err)
		case <-deadline:
			t.Fatal("nobody waits for the commit")
		default:
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := <-answers; a.err != nil || a.report.SHA256 != "sum" {
		t.Errorf("after the commit the answer is %+v, %v", a.report, a.err)
	}
}

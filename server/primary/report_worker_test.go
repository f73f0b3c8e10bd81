package primary_test

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
)

// held is a maker that says that it has begun, and goes on when it may.
type held struct {
	begun chan int64
	goOn  chan struct{}
	ended chan error // what ended the context of those that did not go on
}

func newHeld() *held {
	return &held{begun: make(chan int64, 100), goOn: make(chan struct{}, 100), ended: make(chan error, 100)}
}

func (h *held) Make(ctx context.Context, r training.Report, w io.Writer) error {
	h.begun <- r.ID
	select {
	case <-h.goOn:
		return named(ctx, r, w)
	case <-ctx.Done():
		h.ended <- context.Cause(ctx)
		return ctx.Err()
	}
}

func (h *held) begins(t *testing.T) int64 {
	t.Helper()
	select {
	case id := <-h.begun:
		return id
	case <-time.After(20 * time.Second):
		t.Fatal("no report is begun")
		return 0
	}
}

func jobState(t *testing.T, url string, report int64) string {
	t.Helper()
	return value[string](t, url, `SELECT j.state::text FROM river.river_job j JOIN reports r ON r.job_id = j.id WHERE r.id = $1`, report)
}

// TestAReportGoesOnInTheTraceOfItsRequest: its maker works below the span that the request named.
func TestAReportGoesOnInTheTraceOfItsRequest(t *testing.T) {
	type key struct{}
	below, ended := make(chan any, 1), make(chan error, 1)
	p, url := openReports(t, maker(func(ctx context.Context, r training.Report, w io.Writer) error {
		below <- ctx.Value(key{})
		return named(ctx, r, w)
	}), func(c *primary.Config) {
		c.Trace = func(ctx context.Context) string {
			name, _ := ctx.Value(key{}).(string)
			return name
		}
		c.Continue = func(ctx context.Context, _, trace string) (context.Context, func(error)) {
			return context.WithValue(ctx, key{}, "below "+trace), func(err error) { ended <- err }
		}
	})
	r, _, err := p.RequestReport(context.WithValue(t.Context(), key{}, "the request"), manager, gdpr)
	if err != nil {
		t.Fatal(err)
	}
	run(t, p)
	becomes(t, url, r.ID, training.ReportCompleted)
	if got := <-below; got != "below the request" {
		t.Errorf("it is made %v", got)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("its span ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("its span does not end")
	}
}

func TestAQueuedReportIsCancelled(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		h := newHeld()
		p, url := openReports(t, h, mode)
		r := request(t, p, manager, gdpr)
		_, err := p.CancelReport(t.Context(), learner, r.ID)
		refused(t, err, training.NotFound)
		for range 2 {
			if lsn, err := p.CancelReport(t.Context(), manager, r.ID); err != nil || lsn == 0 {
				t.Fatalf("at %d: %v", lsn, err)
			}
		}
		if s := value[string](t, url, `SELECT state || ' ' || error FROM reports`); s != "failed cancelled" || jobState(t, url, r.ID) != "cancelled" {
			t.Errorf("the report is %s, its job %s", s, jobState(t, url, r.ID))
		}
		next := request(t, p, manager, gdpr)
		run(t, p)
		if id := h.begins(t); id != next.ID {
			t.Errorf("the report %d is begun, want %d", id, next.ID)
		}
		h.goOn <- struct{}{}
		becomes(t, url, next.ID, training.ReportCompleted)
		_, err = p.CancelReport(t.Context(), manager, next.ID)
		refused(t, err, training.Conflict)
	})
}

func TestARunningReportIsCancelled(t *testing.T) {
	h := newHeld()
	p, url := openReports(t, h)
	r := request(t, p, manager, gdpr)
	run(t, p)
	h.begins(t)
	becomes(t, url, r.ID, training.ReportProcessing)
	if _, err := p.CancelReport(t.Context(), manager, r.ID); err != nil {
		t.Fatal(err)
	}
	becomes(t, url, r.ID, training.ReportFailed) // before its maker knows
	select {
	case cause := <-h.ended:
		if cause == nil {
			t.Error("the maker is told of no cause")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the maker goes on")
	}
	// Another one shows that the worker is free, and that nothing became of the first.
	next := request(t, p, manager, gdpr)
	if id := h.begins(t); id != next.ID {
		t.Errorf("the report %d is begun, want %d", id, next.ID)
	}
	h.goOn <- struct{}{}
	becomes(t, url, next.ID, training.ReportCompleted)
	if s := value[string](t, url, `SELECT state || ' ' || error FROM reports WHERE id = $1`, r.ID); s != "failed cancelled" {
		t.Errorf("the report is %s", s)
	}
	if n := value[int](t, url, `SELECT count(*) FROM report_documents WHERE report_id = $1`, r.ID); n != 0 {
		t.Errorf("%d parts are left of it", n)
	}
}

// TestACancelledReportStaysCancelled lets the maker finish all the same.
func TestACancelledReportStaysCancelled(t *testing.T) {
	h := newHeld()
	p, url := openReports(t, h)
	r := request(t, p, manager, gdpr)
	run(t, p)
	h.begins(t)
	if _, err := p.CancelReport(t.Context(), manager, r.ID); err != nil {
		t.Fatal(err)
	}
	h.goOn <- struct{}{}
	next := request(t, p, learner, gdpr)
	h.begins(t)
	h.goOn <- struct{}{}
	becomes(t, url, next.ID, training.ReportCompleted)
	if s := value[string](t, url, `SELECT state || ' ' || error FROM reports WHERE id = $1`, r.ID); s != "failed cancelled" {
		t.Errorf("the report is %s", s)
	}
}

func TestTwoReportsAreMadeAtOnce(t *testing.T) {
	h := newHeld()
	var now, most atomic.Int32
	p, url := openReports(t, maker(func(ctx context.Context, r training.Report, w io.Writer) error {
		defer now.Add(-1)
		for n := now.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				return h.Make(ctx, r, w)
			}
		}
	}))
	var all []training.Report
	for _, kind := range training.ReportTypes() {
		all = append(all, request(t, p, manager, training.NewReport{Type: kind, Format: training.PDF, Locale: "en"}))
	}
	run(t, p)
	h.begins(t)
	h.begins(t)
	for i := range all {
		h.goOn <- struct{}{}
		if i+2 < len(all) {
			h.begins(t)
		}
	}
	for _, r := range all {
		becomes(t, url, r.ID, training.ReportCompleted)
	}
	if n := most.Load(); n != 2 {
		t.Errorf("%d reports were made at once", n)
	}
}

// TestAKilledProcessTakesItsReportsUpAgain has a process that went away in the middle of a job.
func TestAKilledProcessTakesItsReportsUpAgain(t *testing.T) {
	h := newHeld()
	p, url := openReports(t, h)
	broken := request(t, p, manager, gdpr)
	deadly := request(t, p, manager, training.NewReport{Type: training.HIPAA, Format: training.CSV, Locale: "en"})
	other := request(t, p, learner, gdpr)
	killed := `UPDATE river.river_job SET state = 'running', attempt = $2, attempted_at = now(), attempted_by = array['somebody else', $3]
		WHERE id = (SELECT job_id FROM reports WHERE id = $1)`
	conn := pgtest.Connect(t, url)
	for _, c := range []struct {
		id      int64
		attempt int
		by      string
	}{{broken.ID, 1, "this one"}, {deadly.ID, 5, "this one"}, {other.ID, 1, "another one"}} {
		if _, err := conn.Exec(t.Context(), killed, c.id, c.attempt, c.by); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, url, `UPDATE reports SET state = 'processing'`)
	run(t, p)
	if id := h.begins(t); id != broken.ID {
		t.Errorf("the report %d is begun, want %d", id, broken.ID)
	}
	h.goOn <- struct{}{}
	becomes(t, url, broken.ID, training.ReportCompleted)
	if _, all := document(t, p, manager, broken.ID); len(all) == 0 {
		t.Error("the document is empty")
	}
	becomes(t, url, deadly.ID, training.ReportFailed) // it took the process down five times
	if s := jobState(t, url, deadly.ID); s != "discarded" {
		t.Errorf("its job is %s", s)
	}
	if s := jobState(t, url, other.ID); s != "running" {
		t.Errorf("another process' job is %s", s)
	}
}

// TestAStopGivesReportsBack ends a process in the middle of a job that does not finish in time.
func TestAStopGivesReportsBack(t *testing.T) {
	h := newHeld()
	p, url := openReports(t, h)
	r := request(t, p, manager, gdpr)
	stop := run(t, p)
	h.begins(t)
	stop()
	if s := value[string](t, url, `SELECT state FROM reports`); s != "queued" || jobState(t, url, r.ID) != "available" {
		t.Errorf("the report is %s, its job %s", s, jobState(t, url, r.ID))
	}
	if n := value[int](t, url, `SELECT attempt FROM river.river_job`); n != 0 {
		t.Errorf("it counts as %d attempts", n)
	}
	next, err := primary.Open(t.Context(), primary.Config{URL: url, MaxConns: 4, MinConns: 1, Reports: maker(named)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(next.Close)
	run(t, next)
	becomes(t, url, r.ID, training.ReportCompleted)
}

func TestAReportThatIsAlmostDoneIsFinishedAtAStop(t *testing.T) {
	h := newHeld()
	p, url := openReports(t, h)
	r := request(t, p, manager, gdpr)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	h.begins(t)
	cancel()
	h.goOn <- struct{}{}
	if err := <-ran; err != nil {
		t.Error(err)
	}
	becomes(t, url, r.ID, training.ReportCompleted)
}

func TestAReportWithoutAJobFails(t *testing.T) {
	p, url := openReports(t, nil)
	var reports []training.Report
	for _, f := range training.ReportFormats() {
		reports = append(reports, request(t, p, manager, training.NewReport{Type: training.GDPR, Format: f, Locale: "en"}))
	}
	conn := pgtest.Connect(t, url)
	for i, statement := range []string{
		`DELETE FROM river.river_job WHERE id = (SELECT job_id FROM reports WHERE id = $1)`,
		`UPDATE river.river_job SET state = 'discarded', finalized_at = now() WHERE id = (SELECT job_id FROM reports WHERE id = $1)`,
	} {
		if _, err := conn.Exec(t.Context(), statement, reports[i].ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"failed", "failed", "queued", "queued"} {
		if s := value[string](t, url, `SELECT state FROM reports WHERE id = $1`, reports[i].ID); s != want {
			t.Errorf("report %d is %s, want %s", i, s, want)
		}
	}
}

func TestADocumentIsThereForAnHour(t *testing.T) {
	p, url := openReports(t, maker(named))
	r := request(t, p, manager, gdpr)
	run(t, p)
	becomes(t, url, r.ID, training.ReportCompleted)
	pgtest.Exec(t, url, `UPDATE reports SET expires_at = now() - interval '1 minute'`)
	_, err := p.ReportDocument(t.Context(), manager, r.ID)
	refused(t, err, training.NotFound)
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReportPart(t.Context(), r.ID, 0); err != nil {
		t.Errorf("whoever began to fetch it in time does not get the end: %v", err)
	}
	pgtest.Exec(t, url, `UPDATE reports SET expires_at = now() - interval '11 minutes'`)
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := value[string](t, url, `SELECT state FROM reports`); s != "expired" {
		t.Errorf("the report is %s", s)
	}
	_, err = p.ReportPart(t.Context(), r.ID, 0)
	refused(t, err, training.NotFound)
	_, err = p.CancelReport(t.Context(), manager, r.ID)
	refused(t, err, training.Conflict)
}

func TestADocumentIsForItsRequesterWhileItMay(t *testing.T) {
	p, url := openReports(t, maker(named))
	company, own := request(t, p, manager, gdpr), request(t, p, learner, gdpr)
	pgtest.Exec(t, url, `UPDATE users SET role = 'platform_admin' WHERE id = 4`)
	platform := training.Principal{UserID: 4, CompanyID: 2, Role: training.PlatformAdmin}
	in := gdpr
	in.CompanyID = 1
	foreign := request(t, p, platform, in)
	run(t, p)
	for _, r := range []training.Report{company, own, foreign} {
		becomes(t, url, r.ID, training.ReportCompleted)
	}
	_, err := p.ReportDocument(t.Context(), learner, company.ID)
	refused(t, err, training.NotFound)
	document(t, p, manager, company.ID)
	document(t, p, learner, own.ID)
	document(t, p, platform, foreign.ID)
	pgtest.Exec(t, url, `UPDATE users SET role = 'learner' WHERE id = 2`, `UPDATE users SET role = 'admin' WHERE id = 4`)
	_, err = p.ReportDocument(t.Context(), manager, company.ID)
	refused(t, err, training.Forbidden)
	_, err = p.ReportDocument(t.Context(), platform, foreign.ID)
	refused(t, err, training.Forbidden)
}

// TestALargeDocumentIsNotInMemory writes 32 MiB.
func TestALargeDocumentIsNotInMemory(t *testing.T) {
	const size = 32 << 20
	block := bytes.Repeat([]byte("outpost."), 4096)
	p, url := openReports(t, maker(func(_ context.Context, _ training.Report, w io.Writer) error {
		for range size / len(block) {
			if _, err := w.Write(block); err != nil {
				return err
			}
		}
		return nil
	}))
	var before, after runtime.MemStats
	r := request(t, p, manager, gdpr)
	runtime.ReadMemStats(&before)
	run(t, p)
	becomes(t, url, r.ID, training.ReportCompleted)
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > size/2 {
		t.Errorf("the heap grew by %d MiB for a document of %d MiB", grown>>20, size>>20)
	}
	if n := value[int64](t, url, `SELECT sum(octet_length(content)) FROM report_documents`); n != size {
		t.Errorf("%d bytes are there", n)
	}
}

func TestADocumentHasAnEnd(t *testing.T) {
	block := make([]byte, 1<<20)
	var written atomic.Int64
	p, url := openReports(t, maker(func(_ context.Context, _ training.Report, w io.Writer) error {
		for {
			n, err := w.Write(block)
			written.Add(int64(n))
			if err != nil {
				return training.Errorf(training.Invalid, "%v", err)
			}
		}
	}))
	r := request(t, p, manager, gdpr)
	run(t, p)
	becomes(t, url, r.ID, training.ReportFailed)
	if n := written.Load(); n > 64<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

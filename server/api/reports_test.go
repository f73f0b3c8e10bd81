package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// office is a replica that knows reports, and the primary's side of it.
type office struct {
	*world
	reports map[int64]training.Report
	content []byte
	breaks  atomic.Bool // from the second part on
	given   atomic.Int32
}

const smallPart = 64 << 10

type officeState struct {
	state
	*office
}

func (s officeState) Report(_ context.Context, p training.Principal, id int64) (training.Report, error) {
	r, ok := s.reports[id]
	if !ok || r.RequestedBy != p.UserID {
		return training.Report{}, missing
	}
	return r, nil
}

func (s officeState) Reports(_ context.Context, p training.Principal, f training.ReportFilter) (training.Page[training.Report], error) {
	page := training.Page[training.Report]{Page: f.Page, Size: f.Size}
	for _, id := range slices.Sorted(maps.Keys(s.reports)) {
		if r := s.reports[id]; r.RequestedBy == p.UserID && (f.State == "" || r.State == f.State) {
			page.Items = append(page.Items, r)
		}
	}
	if f.Desc {
		slices.Reverse(page.Items)
	}
	page.Total = int64(len(page.Items))
	return page, nil
}

type officeWriter struct {
	*writer
	*office
}

func (w officeWriter) RequestReport(_ context.Context, p training.Principal, in training.NewReport) (training.Report, change.LSN, error) {
	r := training.Report{
		ID: int64(len(w.reports) + 1), CompanyID: p.CompanyID, SubjectID: p.CompanyID, RequestedBy: p.UserID, Type: in.Type, Format: in.Format,
		Locale: in.Locale, Scope: training.ReportScopeOf(p), State: training.ReportQueued, CreatedAt: day, UpdatedAt: day, Version: 1,
	}
	at := w.office.change(func() { w.reports[r.ID] = r }, cache.Row("reports", r.ID), cache.Ref("reports", "requested_by", p.UserID))
	return r, at.LSN, nil
}

func (w officeWriter) CancelReport(_ context.Context, p training.Principal, id int64) (change.LSN, error) {
	if r := w.reports[id]; r.RequestedBy != p.UserID {
		return 0, missing
	}
	return w.set(id, func(r *training.Report) { r.State, r.Error = training.ReportFailed, "cancelled" }).LSN, nil
}

func (w officeWriter) ReportDocument(_ context.Context, p training.Principal, id int64) (training.Report, error) {
	w.office.mu.Lock()
	defer w.office.mu.Unlock()
	r := w.reports[id]
	switch {
	case r.RequestedBy != p.UserID:
		return r, missing
	case r.State != training.ReportCompleted:
		return r, training.Errorf(training.Conflict, "The report is %s.", r.State)
	}
	return r, nil
}

func (w officeWriter) ReportPart(_ context.Context, _ int64, part int) ([]byte, error) {
	w.given.Add(1)
	if part > 0 && w.breaks.Load() {
		return nil, errors.New("no more")
	}
	from := part * smallPart
	return w.content[from:min(from+smallPart, len(w.content))], nil
}

func (o *office) set(id int64, fn func(*training.Report)) change.Position {
	return o.change(func() {
		r := o.reports[id]
		fn(&r)
		r.Version++
		o.reports[id] = r
	}, cache.Row("reports", id), cache.Ref("reports", "requested_by", o.reports[id].RequestedBy))
}

// complete makes report id one with the content.
func (o *office) complete(id int64, content []byte, expires time.Time) {
	sum := sha256.Sum256(content)
	done := expires.Add(-training.ReportLife)
	o.set(id, func(r *training.Report) {
		o.content = content
		r.State, r.SHA256, r.Bytes = training.ReportCompleted, hex.EncodeToString(sum[:]), int64(len(content))
		r.CompletedAt, r.ExpiresAt = &done, &expires
	})
}

// staffedOffice makes a node that knows reports.
func staffedOffice(t *testing.T, bend func(*Deps, *node)) (*node, *office) {
	t.Helper()
	o := &office{reports: make(map[int64]training.Report)}
	n := newNode(t, func(d *Deps, n *node) { o.equip(d, n, bend) })
	return n, o
}

func (o *office) equip(d *Deps, n *node, bend func(*Deps, *node)) {
	o.world = n.world
	d.Read = func(ctx context.Context, fn func(training.Queries) error) (training.At, error) {
		return n.world.read(ctx, func(q training.Queries) error { return fn(officeState{q.(state), o}) })
	}
	if d.Writer != nil {
		d.Writer = officeWriter{n.writer, o}
	}
	if bend != nil {
		bend(d, n)
	}
}

func TestReportScenarios(t *testing.T) {
	n, o := staffedOffice(t, nil)
	const path = "/api/v1/reports"
	for _, s := range []scenario{
		{
			name: "asked for", as: 1, method: "POST", target: path + "/compliance", body: `{"type":"gdpr"}`, status: 202,
			want: []string{
				`"report_id":1`, `"type":"gdpr"`, `"format":"pdf"`, `"locale":"en"`, `"scope":"user"`, `"status":"queued"`, `"check_url":"/api/v1/reports/1/status"`,
				`"download_url":null`, `"sha256":null`, `"bytes":null`, `"error":null`,
			}, headers: map[string]string{"Location": "/api/v1/reports/1/status"},
		},
		{name: "of any type", as: 1, method: "POST", target: path + "/generate", body: `{"report_type":"risk","format":"csv","locale":"de"}`, status: 202, want: []string{`"report_id":2`, `"format":"csv"`, `"locale":"de"`}},
		{name: "in the language wished for", as: 2, method: "POST", target: path + "/generate?locale=de", body: `{"report_type":"hipaa"}`, status: 202, want: []string{`"report_id":3`, `"locale":"de"`}},
		{name: "of a type that is no framework", as: 1, method: "POST", target: path + "/compliance", body: `{"type":"risk"}`, status: 422, want: []string{`"field":"type"`, "gdpr, nis2, iso27001, pci_dss, hipaa"}},
		{name: "of no type", as: 1, method: "POST", target: path + "/generate", body: `{}`, status: 422, want: []string{`"field":"report_type"`}},
		{name: "of a type of its own", as: 1, method: "POST", target: path + "/generate", body: `{"report_type":"x"}`, status: 422, want: []string{`"field":"report_type"`}},
		{name: "in no format there is", as: 1, method: "POST", target: path + "/generate", body: `{"report_type":"gdpr","format":"doc"}`, status: 422, want: []string{`"field":"format"`}},
		{name: "in no language there is", as: 1, method: "POST", target: path + "/generate", body: `{"report_type":"gdpr","locale":"fr"}`, status: 422, want: []string{`"field":"locale"`}},
		{name: "of no company", as: 1, method: "POST", target: path + "/generate", body: `{"report_type":"gdpr","company_id":0}`, status: 422, want: []string{`"field":"company_id"`}},
		{name: "by nobody", method: "POST", target: path + "/generate", body: `{"report_type":"gdpr"}`, status: 401},
		{name: "its status", as: 1, method: "GET", target: path + "/1/status", status: 200, want: []string{`"status":"queued"`}, headers: map[string]string{"Cache-Status": missed}},
		{name: "its status again", as: 1, method: "GET", target: path + "/1/status", status: 200, headers: map[string]string{"Cache-Status": "outpost; hit"}},
		{name: "the status of somebody else's", as: 2, method: "GET", target: path + "/1/status", status: 404, wantNot: []string{"gdpr"}},
		{name: "the status of no number", as: 1, method: "GET", target: path + "/x/status", status: 404},
		{name: "all of one's own", as: 1, method: "GET", target: path + "?fields=report_id,type", status: 200, want: []string{`"items":[{"report_id":2,"type":"risk"},{"report_id":1,`, `"total":2`}, wantNot: []string{"hipaa"}},
		{name: "the oldest first", as: 1, method: "GET", target: path + "?sort=created_at&fields=report_id", status: 200, want: []string{`[{"report_id":1},{"report_id":2}]`}},
		{name: "those in a state", as: 1, method: "GET", target: path + "?status=completed", status: 200, want: []string{`"items":[]`}},
		{name: "those in no state there is", as: 1, method: "GET", target: path + "?status=done", status: 422, want: []string{`"field":"status"`}},
		{name: "a document that is not there", as: 1, method: "GET", target: path + "/1", status: 409, want: []string{"queued"}},
		{name: "somebody else's document", as: 2, method: "GET", target: path + "/1", status: 404},
		{name: "somebody else's cancelled", as: 2, method: "DELETE", target: path + "/1", status: 404},
		{name: "cancelled", as: 1, method: "DELETE", target: path + "/2", status: 204},
		{name: "the status then", as: 1, method: "GET", target: path + "/2/status", status: 200, want: []string{`"status":"failed"`, `"error":"cancelled"`}},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	o.complete(1, []byte("%PDF-1.3 all of it"), day.Add(time.Hour))
	sum := o.reports[1].SHA256
	for _, s := range []scenario{
		{name: "expired by the clock", as: 1, method: "GET", target: path + "/1/status", status: 200, want: []string{`"status":"expired"`, `"download_url":null`, sum}},
		{name: "the document", as: 1, method: "GET", target: path + "/1", status: 200, want: []string{"%PDF-1.3 all of it"}, headers: map[string]string{
			"Content-Type": "application/pdf", "ETag": `"` + sum + `"`, "Cache-Control": "private, no-store", "Content-Length": "18",
			"Content-Disposition": `attachment; filename="gdpr-2026-11-23.pdf"`,
		}},
		{name: "the document that one has", as: 1, method: "GET", target: path + "/1", header: map[string]string{"If-None-Match": `"` + sum + `"`}, status: 304, headers: map[string]string{"ETag": `"` + sum + `"`}},
		{name: "its head", as: 1, method: "HEAD", target: path + "/1", status: 200, headers: map[string]string{"Content-Type": "application/pdf", "Content-Length": "18", "ETag": `"` + sum + `"`}},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
}

func TestAStatusChangesWithTheClock(t *testing.T) {
	var now atomic.Int64
	n, o := staffedOffice(t, func(d *Deps, n *node) {
		d.Now = func() time.Time { return time.Unix(0, now.Load()) }
		c, err := cache.New(cache.Options{MaxBytes: 8 << 20, Published: func() cache.At { return cache.At(n.world.published()) }, Now: d.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		c.Reset(1)
		d.Cache, n.world.cache = c, c
	})
	begun := time.Now()
	now.Store(begun.UnixNano())
	n.do("POST", "/api/v1/reports/compliance", n.as(1), `{"type":"nis2"}`)
	o.complete(1, []byte("x"), begun.Add(training.ReportLife))
	get := func() answered { return n.do("GET", "/api/v1/reports/1/status", n.as(1), "") }
	if a := get(); !strings.Contains(a.body, `"status":"completed"`) || !strings.Contains(a.body, `"download_url":"/api/v1/reports/1"`) {
		t.Errorf("it is %s", a.body)
	}
	now.Store(begun.Add(training.ReportLife).UnixNano())
	if a := get(); !strings.Contains(a.body, `"status":"expired"`) {
		t.Errorf("an hour later it is %s, %s", a.body, a.Header.Get("Cache-Status"))
	}
}

func TestAnEdgeSendsWhatThePrimarySends(t *testing.T) {
	primary, o := staffedOffice(t, nil)
	base := primary.listen()
	away := &office{reports: make(map[int64]training.Report)} // the edge does not follow
	edge := newEdge(t, base, func(d *Deps, n *node) { away.equip(d, n, nil) })
	url := edge.listen()
	if a := edge.do("POST", "/api/v1/reports/compliance", edge.as(1), `{"type":"gdpr","format":"csv"}`); a.StatusCode != 202 || a.Header.Get("Location") == "" {
		t.Fatalf("asking gives %d %s", a.StatusCode, a.body)
	}
	if a := edge.do("GET", "/api/v1/reports/1/status", edge.as(1), ""); a.StatusCode != 200 || a.Header.Get("Cache-Status") != "outpost; fwd=bypass" {
		t.Errorf("the status of a report that has not arrived is %d, %s", a.StatusCode, a.Header.Get("Cache-Status"))
	}
	if a := edge.do("GET", "/api/v1/reports/1", edge.as(1), ""); a.StatusCode != 409 || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("too early it is %d %v", a.StatusCode, a.Header)
	}
	content := bytes.Repeat([]byte("0123456789abcde\n"), 2<<20) // 32 MB, more than is ever held
	o.complete(1, content, day.Add(time.Hour))
	fetch := func(method string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, url+"/api/v1/reports/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = edge.as(1)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	response := fetch("GET")
	hash := sha256.New()
	if n, err := io.Copy(hash, response.Body); err != nil || n != int64(len(content)) || response.ContentLength != n {
		t.Errorf("%d of %d bytes came, %v", n, len(content), err)
	}
	response.Body.Close()
	if sum := hex.EncodeToString(hash.Sum(nil)); `"`+sum+`"` != response.Header.Get("ETag") {
		t.Errorf("the ETag is %s, the hash %s", response.Header.Get("ETag"), sum)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/csv; charset=utf-8; header=present", "Cache-Control": "private, no-store", "Outpost-Region": "syd",
		"Content-Disposition": `attachment; filename="gdpr-2026-11-23.csv"`,
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	head := fetch("HEAD")
	head.Body.Close()
	if head.StatusCode != 200 || head.ContentLength != int64(len(content)) {
		t.Errorf("its head says %d, %d bytes", head.StatusCode, head.ContentLength)
	}
	if a := edge.do("GET", "/api/v1/reports/1", edge.as(1, "If-None-Match", response.Header.Get("ETag")), ""); a.StatusCode != 304 || a.body != "" {
		t.Errorf("what one has is %d", a.StatusCode)
	}

	o.breaks.Store(true)
	response = fetch("GET")
	if n, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Errorf("%d bytes of a broken document look whole", n)
	}
	response.Body.Close()
	o.breaks.Store(false)

	// Whoever takes nothing gets no more than what the connections hold.
	before := o.given.Load()
	response = fetch("GET")
	if _, err := io.ReadFull(response.Body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	edge.world.change(func() {})
	if parts := o.given.Load() - before; int(parts)*smallPart >= len(content) {
		t.Errorf("all %d parts were read for a client that took 10 bytes", parts)
	}
	response.Body.Close()

	alone := newEdge(t, "http://127.0.0.1:1", nil)
	if a := alone.do("GET", "/api/v1/reports/1", alone.as(1), ""); a.StatusCode != 503 {
		t.Errorf("with the primary away it is %d", a.StatusCode)
	}
}

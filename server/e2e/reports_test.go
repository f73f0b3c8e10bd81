package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// reportStatus is how far a report is, as the API tells.
type reportStatus struct {
	ID       int64   `json:"report_id"`
	Scope    string  `json:"scope"`
	Status   string  `json:"status"`
	Error    *string `json:"error"`
	SHA256   *string `json:"sha256"`
	Bytes    *int64  `json:"bytes"`
	CheckURL string  `json:"check_url"`
	Download *string `json:"download_url"`
}

func (c *client) report(api string, body map[string]any) (r reportStatus) {
	c.t.Helper()
	c.must(http.StatusAccepted, http.MethodPost, api+"/api/v1/reports/generate", body).into(c.t, &r)
	return r
}

// follow asks a region, which need know nothing of the report yet, until it is in that state.
func (c *client) follow(api string, r reportStatus, status string) reportStatus {
	c.t.Helper()
	eventually(c.t, "the report is "+status, func() error {
		a, err := c.try(http.MethodGet, api+r.CheckURL, nil)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			return fmt.Errorf("asking for the status gives %d: %s", a.status, a.body)
		}
		if a.into(c.t, &r); r.Status != status {
			return fmt.Errorf("it is %s", r.Status)
		}
		return nil
	})
	return r
}

// fetch gets a completed report's document, and holds it against what its status says.
func (c *client) fetch(api string, r reportStatus) []byte {
	c.t.Helper()
	if r.Download == nil || r.SHA256 == nil || r.Bytes == nil {
		c.t.Fatalf("a completed report has no document: %+v", r)
	}
	a := c.get(api + *r.Download)
	sum := sha256.Sum256(a.body)
	if text := hex.EncodeToString(sum[:]); text != *r.SHA256 || int64(len(a.body)) != *r.Bytes || a.header.Get("ETag") != `"`+text+`"` {
		c.t.Errorf("%d bytes with the hash %s came, the status says %d and %s, the ETag %s", len(a.body), text, *r.Bytes, *r.SHA256, a.header.Get("ETag"))
	}
	return a.body
}

// TestReportsAreTheSameInEveryRegion asks for each format at an edge, as a learner and as a manager.
func TestReportsAreTheSameInEveryRegion(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	w.startInside(nil)
	learner, manager := w.login("syd", "user1@example.com"), w.login("syd", "manager@example.com")
	for _, format := range []string{"pdf", "csv", "json", "html"} {
		for scope, c := range map[string]*client{"user": learner, "company": manager} {
			r := c.report(w.api("syd"), map[string]any{"report_type": "gdpr", "format": format, "locale": "en"})
			if r.Scope != scope {
				t.Errorf("a report of scope %s is made, want %s", r.Scope, scope)
			}
			done := c.follow(w.api("syd"), r, "completed")
			there, here := c.fetch(w.api("syd"), done), c.fetch(w.api("fra"), done)
			if string(there) != string(here) {
				t.Errorf("%s, %s: the regions give different documents", scope, format)
			}
			if scope == "company" {
				learner.must(http.StatusNotFound, http.MethodGet, w.api("syd")+*done.Download, nil)
				learner.must(http.StatusNotFound, http.MethodGet, w.api("syd")+done.CheckURL, nil)
			}
		}
	}
}

// TestAKilledPrimaryLosesNoReport kills the primary while it makes one. Who asked for it, at an edge,
// gets it all the same, once and whole, from the primary that comes back.
func TestAKilledPrimaryLosesNoReport(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	primary := w.serve("fra")
	w.serve("syd")
	c := w.login("syd", "manager@example.com")
	pg := pgtest.Connect(t, w.url)
	// What is not yet complete cannot become so, but everything before can.
	lock, err := pg.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), `LOCK TABLE report_documents IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	r := c.report(w.api("syd"), map[string]any{"report_type": "nis2", "format": "pdf", "locale": "de"})
	waiting := pgtest.Connect(t, w.url)
	eventually(t, "the document is about to be kept", func() error {
		var n int
		err := waiting.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%InsertReportPart%'`).Scan(&n)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d documents are", n)
		}
		return err
	})
	c.follow(w.api("syd"), r, "processing")
	primary.kill()
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := c.follow(w.api("syd"), r, "processing"); again.Download != nil {
		t.Errorf("with the primary gone there is a document: %+v", again)
	}
	primary.start()
	primary.ready()
	done := c.follow(w.api("syd"), r, "completed")
	if body := c.fetch(w.api("syd"), done); len(body) < 1000 || string(body[:5]) != "%PDF-" {
		t.Errorf("the document has %d bytes", len(body))
	}
	var documents, reports, jobs int
	const count = `SELECT (SELECT count(DISTINCT report_id) FROM report_documents), (SELECT count(*) FROM reports WHERE state = 'completed' AND id = $1),
		(SELECT count(*) FROM river.river_job WHERE state <> 'completed')`
	if err := pg.QueryRow(t.Context(), count, r.ID).Scan(&documents, &reports, &jobs); err != nil {
		t.Fatal(err)
	}
	if documents != 1 || reports != 1 || jobs != 0 {
		t.Errorf("there are %d documents, %d of 1 report is completed, %d jobs are left", documents, reports, jobs)
	}
}

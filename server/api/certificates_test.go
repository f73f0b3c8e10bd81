package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// code is the n-th certificate's.
func code(n int) string { return fmt.Sprintf("7K3D-9XQ2-0000-1111-ABCD-EFGH-%04d", n) }

// issue puts certificate n of user 1 into the world.
func (w *world) issue(n int, expires *time.Time) change.Position {
	return w.change(func() {
		w.issued[code(n)] = training.Verification{
			Certificate: training.Certificate{
				ID: int64(n), CompanyID: 3, UserID: 1, EnrollmentID: 70, CourseID: 42, CourseSlug: "phishing", CourseTitle: "Phishing", Code: code(n),
				IssuedAt: day.Add(time.Duration(n) * time.Hour), ExpiresAt: expires, Version: 1,
			},
			Holder: "Üta <Eins>", Company: "Müller GmbH",
		}
	}, cache.Row("certificates", int64(n)), cache.Ref("certificates", "user_id", 1))
}

func (s state) Verify(_ context.Context, code, locale string) (training.Verification, error) {
	v, ok := s.issued[code]
	if !ok {
		return v, missing
	}
	v.Locale = locale
	return v, nil
}

func (s state) Certificates(_ context.Context, p training.Principal, f training.CertificateFilter) (training.Page[training.Certificate], error) {
	page := training.Page[training.Certificate]{Page: f.Page, Size: f.Size}
	for _, v := range s.issued {
		if v.UserID == p.UserID {
			page.Items = append(page.Items, v.Certificate)
		}
	}
	slices.SortFunc(page.Items, func(a, b training.Certificate) int {
		if f.Desc {
			a, b = b, a
		}
		return a.IssuedAt.Compare(b.IssuedAt)
	})
	page.Total = int64(len(page.Items))
	return page, nil
}

func (w *writer) RevokeCertificate(_ context.Context, _ training.Principal, code string) (change.LSN, error) {
	v, ok := w.issued[code]
	if !ok {
		return 0, missing
	}
	at := w.change(func() {
		v.RevokedAt = &day
		w.issued[code] = v
	}, cache.Row("certificates", v.ID), cache.Ref("certificates", "user_id", v.UserID))
	return at.LSN, nil
}

func TestCertificateScenarios(t *testing.T) {
	n := newNode(t, nil)
	later := day.AddDate(50, 0, 0)
	n.world.issue(1, &later)
	n.world.issue(2, &day)
	target := "/api/v1/certificates/" + code(1)
	for _, s := range []scenario{
		{
			name: "verified by nobody in particular", method: "GET", target: target, status: 200,
			want:    []string{`"code":"` + code(1) + `"`, `"valid":true`, `"status":"valid"`, `"full_name":"Üta <Eins>"`, `"company":"Müller GmbH"`, `"course_title":"Phishing"`, `"revoked_at":null`},
			wantNot: []string{"user1", "_id", "email", "score", "version"}, headers: map[string]string{"Cache-Status": missed},
		},
		{name: "verified with a bad token", method: "GET", target: target, header: map[string]string{"Authorization": "Bearer x"}, status: 200},
		{name: "typed as people do", method: "GET", target: "/api/v1/certificates/" + strings.ToLower(strings.ReplaceAll(code(1), "0", "o")), status: 200, headers: map[string]string{"Cache-Status": "outpost; hit"}},
		{name: "typed with blanks", method: "GET", target: "/api/v1/certificates/" + strings.ReplaceAll(code(1), "-", "%20"), status: 200},
		{name: "expired", method: "GET", target: "/api/v1/certificates/" + code(2), status: 200, want: []string{`"valid":false`, `"status":"expired"`}},
		{name: "unknown", method: "GET", target: "/api/v1/certificates/" + code(3), status: 404},
		{name: "no code", method: "GET", target: "/api/v1/certificates/1", status: 404},
		{name: "no code at all", method: "GET", target: "/api/v1/certificates/%ff%00%20", status: 404},
		{name: "the PDF of an unknown one", method: "GET", target: "/api/v1/certificates/" + code(3) + "/pdf", status: 404, headers: map[string]string{"Content-Disposition": ""}},
		{
			name: "own, the newest first", as: 1, method: "GET", target: "/api/v1/me/certificates", status: 200,
			want: []string{`"items":[{"code":"` + code(2) + `"`, `"enrollment_id":70`, `"status":"expired"`, `"total":2`},
		},
		{name: "own, the oldest first", as: 1, method: "GET", target: "/api/v1/me/certificates?sort=issued_at&fields=code", status: 200, want: []string{`"items":[{"code":"` + code(1) + `"},{`}},
		{name: "own of somebody who has none", as: 2, method: "GET", target: "/api/v1/me/certificates", status: 200, want: []string{`"items":[]`}},
		{name: "own in no order there is", as: 1, method: "GET", target: "/api/v1/me/certificates?sort=code", status: 422},
		{name: "own of nobody", method: "GET", target: "/api/v1/me/certificates", status: 401},
		{name: "revoked by a learner", as: 1, method: "DELETE", target: target, status: 403},
		{name: "revoked by nobody", method: "DELETE", target: target, status: 401},
		{name: "an unknown one revoked", as: 9, method: "DELETE", target: "/api/v1/certificates/" + code(3), status: 404},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	t.Run("revoking is seen at once", func(t *testing.T) {
		scenario{method: "GET", target: target + "/pdf", status: 200}.run(t, n)
		if a := n.do("DELETE", target, n.as(9), ""); a.StatusCode != 204 || a.body != "" {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		scenario{method: "GET", target: target, status: 200, want: []string{`"valid":false`, `"status":"revoked"`, `"revoked_at":"2026`}}.run(t, n)
		scenario{method: "GET", target: target + "/pdf", status: 404, want: []string{"was revoked"}}.run(t, n)
	})
}

func TestACertificatesDocument(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.PublicURL = "https://outpost.example/" })
	n.world.issue(1, nil)
	target := "/api/v1/certificates/" + code(1) + "/pdf"
	first := n.do("GET", target, http.Header{"Accept-Encoding": {"zstd, br, gzip"}}, "")
	if first.StatusCode != 200 || !strings.HasPrefix(first.body, "%PDF-") || first.Header.Get("Content-Type") != "application/pdf" || first.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", first.StatusCode, first.Header)
	}
	if got := first.Header.Get("Content-Disposition"); got != `inline; filename="certificate-`+code(1)+`.pdf"` {
		t.Error(got)
	}
	if !bytes.Contains([]byte(first.body), []byte("https://outpost.example/api/v1/certificates/"+code(1)+")")) {
		t.Error("the document has no link to its verification")
	}
	again := n.do("GET", target, nil, "")
	if again.Header.Get("Cache-Status") != "outpost; hit" || again.body != first.body || again.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("again: %v", again.Header)
	}
	if a := n.do("GET", target, http.Header{"If-None-Match": {first.Header.Get("ETag")}}, ""); a.StatusCode != http.StatusNotModified || a.body != "" {
		t.Errorf("with its ETag: %d", a.StatusCode)
	}
	n.Cache.PurgeAll()
	if a := n.do("GET", target, nil, ""); a.Header.Get("Cache-Status") != missed || a.Header.Get("ETag") != first.Header.Get("ETag") {
		t.Error("the same certificate has another ETag when it is written anew")
	}
	if a := n.do("GET", target+"?locale=de", nil, ""); a.Header.Get("ETag") == first.Header.Get("ETag") {
		t.Error("the German document has the English one's ETag")
	}
	n.world.change(func() {}, cache.Row("users", 1))
	if a := n.do("GET", target, nil, ""); a.Header.Get("Cache-Status") != missed {
		t.Errorf("after a change of the holder: %s", a.Header.Get("Cache-Status"))
	}
}

func TestAnEdgeAsksThePrimaryBeforeACertificateIsUnknown(t *testing.T) {
	primary := newNode(t, nil)
	base := primary.listen()
	edge := newEdge(t, base, nil)
	primary.world.issue(1, nil) // the edge does not follow
	for _, path := range []string{"", "/pdf"} {
		a := edge.do("GET", "/api/v1/certificates/"+code(1)+path, nil, "")
		if a.StatusCode != 200 || a.Header.Get("Cache-Status") != "outpost; fwd=bypass" || a.Header.Get("Outpost-Region") != "syd" {
			t.Errorf("%q: %d %v", path, a.StatusCode, a.Header)
		}
		if path == "/pdf" && (a.Header.Get("Content-Type") != "application/pdf" || a.Header.Get("Content-Disposition") == "") {
			t.Errorf("the document came as %v", a.Header)
		}
	}
	if a := edge.do("GET", "/api/v1/certificates/"+code(2), nil, ""); a.StatusCode != 404 {
		t.Errorf("one that nobody knows: %d", a.StatusCode)
	}
	before := primary.world.count()
	if a := edge.do("GET", "/api/v1/certificates/no-code", nil, ""); a.StatusCode != 404 || primary.world.count() != before {
		t.Errorf("what can be no code: %d, and the primary was asked: %v", a.StatusCode, primary.world.count() != before)
	}
	edge.world.issue(3, nil)
	if a := edge.do("GET", "/api/v1/certificates/"+code(3), nil, ""); a.StatusCode != 200 || a.Header.Get("Cache-Status") != missed {
		t.Errorf("one that the edge has: %d %v", a.StatusCode, a.Header)
	}
	alone := newEdge(t, "http://127.0.0.1:1", nil)
	if a := alone.do("GET", "/api/v1/certificates/"+code(1), nil, ""); a.StatusCode != 503 {
		t.Errorf("with the primary away an unknown one is %d", a.StatusCode)
	}
}

func TestVerifyingIsLimited(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.Limits.Rate = Rate{Count: 2, Per: time.Minute} })
	url := n.listen() + "/api/v1/certificates/" + code(1)
	var got []int
	for range 3 {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		got = append(got, response.StatusCode)
	}
	if !slices.Equal(got, []int{404, 404, 429}) {
		t.Errorf("%v", got)
	}
}

package api

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"outpost/server/training"
)

// auditing is a writer that has an audit log and notes how it was asked for.
type auditing struct {
	*writer
	asked []training.AuditFilter
}

func (w *auditing) AuditLog(_ context.Context, _ training.Principal, f training.AuditFilter) (training.AuditLog, error) {
	w.asked = append(w.asked, f)
	company, actor, name, email := int64(4), int64(9), "Ada", "ada@example.com"
	return training.AuditLog{NextAfter: "1.5", Entries: []training.AuditEntry{
		{ID: 6, CreatedAt: day, CompanyID: &company, ActorID: &actor, ActorName: &name, ActorEmail: &email, Action: "updateUser", Subject: "users", SubjectID: &actor, IP: "192.0.2.1", Details: json.RawMessage(`{"update": {"b": [1, 12345678901234567890], "a": null}}`)},
		{ID: 5, CreatedAt: day, Action: "insert", Subject: "courses", Details: json.RawMessage(`{}`)},
	}}, nil
}

func newAuditing(t *testing.T) (*node, *auditing) {
	t.Helper()
	w := new(auditing)
	n := newNode(t, func(d *Deps, n *node) {
		w.writer = n.writer
		d.Writer = w
		u := n.world.users[1]
		u.ID, u.Role = 6, training.Admin
		n.world.users[6] = u
	})
	return n, w
}

func TestTheAuditLog(t *testing.T) {
	n, w := newAuditing(t)
	const log = "/api/v1/audit-log"
	for _, s := range []scenario{
		{
			name: "the log", as: 6, method: "GET", target: log, status: 200,
			want: []string{
				`"size":20,"has_next":true,"next_after":"1.5"`, `"actor_name":"Ada"`, `"details":{"update":{"b":[1,12345678901234567890],"a":null}}`,
				`"actor_id":null`, `"actor_email":null`, `"subject_id":null`, `"company_id":null`, `"ip":""`, `"details":{}`,
			}, wantNot: []string{"total", `"page"`},
			headers: map[string]string{"Cache-Status": ""},
		},
		{name: "some fields", as: 6, method: "GET", target: log + "?fields=details,id", status: 200, want: []string{`{"details":{"update":{"b":`, `{"details":{},"id":5}`}, wantNot: []string{"actor"}},
		{name: "an unknown field", as: 6, method: "GET", target: log + "?fields=data_zone", status: 422, want: []string{`"field":"fields"`}},
		{name: "for a learner", as: 1, method: "GET", target: log, status: 403},
		{name: "for nobody", method: "GET", target: log, status: 401},
		{name: "another company's", as: 6, method: "GET", target: log + "?company_id=4", status: 404},
		{name: "one's own company's", as: 6, method: "GET", target: log + "?company_id=3", status: 200},
		{name: "in another order", as: 6, method: "GET", target: log + "?sort=action", status: 422, want: []string{`"field":"sort"`}},
		{name: "by page", as: 6, method: "GET", target: log + "?page=2", status: 422, want: []string{`"field":"page"`}},
		{
			name: "all that is wrong", as: 6, method: "GET", target: log + "?size=101&actor_id=-1&from=yesterday&to=2026-13-01T00:00:00Z&action=a%00b&subject=" + strings.Repeat("x", 101) + "&after=" + strings.Repeat("x", 513), status: 422,
			want: []string{`"field":"size"`, `"field":"actor_id"`, `"field":"from"`, `"field":"to"`, `"field":"action"`, `"field":"subject"`, `"field":"after"`},
		},
		{name: "a time that ends before it begins", as: 6, method: "GET", target: log + "?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", status: 422, want: []string{`"field":"to"`}},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	if len(w.asked) != 3 {
		t.Errorf("%d requests reached the primary", len(w.asked))
	}
}

func TestTheAuditLogIsAskedAsTheRequestSays(t *testing.T) {
	primary, w := newAuditing(t)
	edge := newEdge(t, primary.listen(), func(_ *Deps, e *node) { e.world.users = primary.world.users })
	for name, c := range map[string]struct {
		as   int64
		want training.AuditFilter
	}{
		"admin":          {6, training.AuditFilter{CompanyID: 3}},
		"platform admin": {9, training.AuditFilter{}},
	} {
		w.asked = nil
		a := edge.do("GET", "/api/v1/audit-log?action=updateUser&subject=users&actor_id=7&from=2026-11-01T02:00:00+02:00&to=2026-12-01T00:00:00Z&after=1.2&size=5", edge.as(c.as), "")
		c.want.Action, c.want.Subject, c.want.ActorID, c.want.After, c.want.Size = "updateUser", "users", 7, "1.2", 5
		if a.StatusCode != 200 || a.Header.Get("Outpost-Region") != "syd" || len(w.asked) != 1 {
			t.Fatalf("%s: %d, %+v", name, a.StatusCode, w.asked)
		}
		got := w.asked[0]
		if !got.From.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) || !got.To.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: from %v to %v", name, got.From, got.To)
		}
		got.From, got.To = time.Time{}, time.Time{}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

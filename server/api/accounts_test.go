package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/training"
)

// accounts is a writer that notes what reaches it.
type accounts struct {
	*writer
	invited  []training.Invitation
	listed   []training.Paging
	listedOf []int64 // companies
	accepted []training.Acceptance
	forgot   []string
	reset    []string
	changed  []training.PasswordChange
}

func (w *accounts) Invite(_ context.Context, _ training.Principal, i training.Invitation) (training.Invitation, change.LSN, error) {
	w.invited = append(w.invited, i)
	i.ID, i.InvitedBy, i.CreatedAt, i.ExpiresAt = 5, 9, day, day.AddDate(10, 0, 0)
	return i, 100, nil
}

func (w *accounts) Invitations(_ context.Context, company int64, p training.Paging) (training.Page[training.Invitation], error) {
	w.listed, w.listedOf = append(w.listed, p), append(w.listedOf, company)
	return training.Page[training.Invitation]{
		Items: []training.Invitation{{ID: 5, Email: "ada@example.org", Role: training.Learner, CreatedAt: day, ExpiresAt: day, AcceptedAt: &day}},
		Total: 3, Page: p.Page, Size: p.Size, NextAfter: "past.5",
	}, nil
}

func (w *accounts) WithdrawInvitation(_ context.Context, _ training.Principal, id int64) (change.LSN, error) {
	if id != 5 {
		return 0, missing
	}
	return 100, nil
}

func (w *accounts) AcceptInvitation(_ context.Context, a training.Acceptance) (training.Session, change.LSN, error) {
	w.accepted = append(w.accepted, a)
	if a.Token != "opi_x" {
		return training.Session{}, 0, training.InvalidField("token", "is not valid, or not any more")
	}
	return training.Session{Principal: w.principal(w.users[1]), RefreshToken: "refresh-1"}, 100, nil
}

func (w *accounts) InviteUser(_ context.Context, _ training.Principal, id int64) (change.LSN, error) {
	if id != 7 {
		return 0, missing
	}
	return 100, nil
}

func (w *accounts) ForgotPassword(_ context.Context, email string) (change.LSN, error) {
	w.forgot = append(w.forgot, email)
	return 100, nil
}

func (w *accounts) ResetPassword(_ context.Context, token, _ string) (change.LSN, error) {
	w.reset = append(w.reset, token)
	return 100, nil
}

func (w *accounts) ChangePassword(_ context.Context, _ training.Principal, c training.PasswordChange) (change.LSN, error) {
	w.changed = append(w.changed, c)
	if c.Current != "testpassword" {
		return 0, training.InvalidField("current_password", "is wrong")
	}
	return 100, nil
}

func newAccounts(t *testing.T, bend func(*Deps)) (*node, *accounts) {
	t.Helper()
	w := new(accounts)
	n := newNode(t, func(d *Deps, n *node) {
		w.writer = n.writer
		d.Writer = w
		if bend != nil {
			bend(d)
		}
	})
	return n, w
}

func TestAccounts(t *testing.T) {
	n, w := newAccounts(t, nil)
	const (
		invitations = "/api/v1/invitations"
		accept      = invitations + "/accept"
		password    = "/api/v1/auth/password"
		fine        = `"harbour lantern mosaic"`
	)
	long := strings.Repeat("x", 300)
	for _, s := range []scenario{
		{
			name: "invite", as: 9, method: "POST", target: invitations, body: `{"email":" ada@example.org ","full_name":"Ada","role":"admin","department":"IT","locale":"de"}`,
			status: 201, want: []string{`"id":5`, `"email":"ada@example.org"`, `"role":"admin"`, `"status":"open"`, `"invited_by":9`, `"accepted_at":null`}, wantNot: []string{"token"},
		},
		{name: "invite a learner", as: 9, method: "POST", target: invitations, body: `{"email":"ada@example.org"}`, status: 201, want: []string{`"role":"learner"`}},
		{
			name: "all that is wrong at once", as: 9, method: "POST", target: invitations, body: `{"email":"Ada <ada@example.org>","full_name":"A\nB","role":"platform_admin","department":"` + long + `","locale":"tlh"}`,
			status: 422, want: []string{`"field":"email"`, `"field":"full_name"`, `"field":"role"`, `"field":"department"`, `"field":"locale"`},
		},
		{name: "no address", as: 9, method: "POST", target: invitations, body: `{}`, status: 422, want: []string{`"field":"email"`}},
		{name: "an address of no domain", as: 9, method: "POST", target: invitations, body: `{"email":"ada"}`, status: 422, want: []string{`"field":"email"`}},
		{name: "a header in an address", as: 9, method: "POST", target: invitations, body: `{"email":"ada@example.org\r\nBcc: x@example.org"}`, status: 422, want: []string{`"field":"email"`}},
		{name: "a learner invites", as: 1, method: "POST", target: invitations, body: `{"email":"ada@example.org"}`, status: 403},
		{name: "nobody invites", method: "POST", target: invitations, body: `{"email":"ada@example.org"}`, status: 401},
		{
			name: "list", as: 9, method: "GET", target: invitations + "?size=1&page=2", status: 200, want: []string{`"status":"accepted"`, `"total":3`, `"pages":3`, `"next_after":"past.5"`, `"invited_by":null`},
			headers: map[string]string{"Cache-Control": "no-store", "Cache-Status": ""},
		},
		{name: "invite into another company", as: 9, method: "POST", target: invitations, body: `{"email":"first@example.org","role":"admin","company_id":4}`, status: 201},
		{name: "invite into none", as: 9, method: "POST", target: invitations, body: `{"email":"first@example.org","company_id":0}`, status: 422, want: []string{`"field":"company_id"`}},
		{name: "list another company's", as: 9, method: "GET", target: invitations + "?company_id=4", status: 200},
		{name: "list no company's", as: 9, method: "GET", target: invitations + "?company_id=x", status: 422, want: []string{`"field":"company_id"`}},
		{name: "list fields", as: 9, method: "GET", target: invitations + "?fields=id,email", status: 200, want: []string{`{"email":"ada@example.org","id":5}`}},
		{name: "list sorted", as: 9, method: "GET", target: invitations + "?sort=email", status: 422, want: []string{`"field":"sort"`}},
		{name: "list as a learner", as: 1, method: "GET", target: invitations, status: 403},
		{name: "withdraw", as: 9, method: "DELETE", target: invitations + "/5", status: 204},
		{name: "withdraw what is not there", as: 9, method: "DELETE", target: invitations + "/6", status: 404},
		{name: "withdraw nonsense", as: 9, method: "DELETE", target: invitations + "/x", status: 404},
		{name: "withdraw as a learner", as: 1, method: "DELETE", target: invitations + "/5", status: 403},
		{
			name: "accept", method: "POST", target: accept, body: `{"token":" opi_x\n","password":` + fine + `,"full_name":" Ada "}`, status: 201,
			want: []string{`"access_token":"ey`, `"refresh_token":"refresh-1"`, `"token_type":"Bearer"`, `"expires_in":900`}, headers: map[string]string{"Cache-Control": "no-store"},
		},
		{name: "accept with a dead token", method: "POST", target: accept, body: `{"token":"opi_y","password":` + fine + `}`, status: 422, want: []string{`"field":"token"`}, wantNot: []string{"opi_y"}},
		{name: "accept with a short password", method: "POST", target: accept, body: `{"token":"opi_x","password":"short"}`, status: 422, want: []string{`"field":"password"`, "from 10 to 1024 bytes"}},
		{name: "accept with nothing", method: "POST", target: accept, body: `{}`, status: 422, want: []string{`"field":"password"`, `"field":"token"`}},
		{name: "invite a user", as: 9, method: "POST", target: "/api/v1/users/7/invitation", status: 202, want: []string{"on its way"}},
		{name: "invite a user who is not there", as: 9, method: "POST", target: "/api/v1/users/8/invitation", status: 404},
		{name: "invite a user as a learner", as: 1, method: "POST", target: "/api/v1/users/7/invitation", status: 403},
		{name: "forgot", method: "POST", target: password + "/forgot", body: `{"email":"user1@example.com"}`, status: 202, want: []string{"If there is an account"}},
		{name: "forgot nothing", method: "POST", target: password + "/forgot", body: `{"email":""}`, status: 422, want: []string{`"field":"email"`}},
		{name: "reset", method: "POST", target: password + "/reset", body: `{"token":"opp_x","password":` + fine + `}`, status: 204},
		{name: "reset to what is too long", method: "POST", target: password + "/reset", body: `{"token":"opp_x","password":"` + strings.Repeat("x", 1025) + `"}`, status: 422, want: []string{`"field":"password"`}},
		{name: "change", as: 1, method: "POST", target: password, body: `{"current_password":"testpassword","new_password":` + fine + `}`, status: 204},
		{name: "change with a wrong one", as: 1, method: "POST", target: password, body: `{"current_password":"wrong","new_password":` + fine + `}`, status: 422, want: []string{`"field":"current_password"`}},
		{name: "change as nobody", method: "POST", target: password, body: `{"current_password":"testpassword","new_password":` + fine + `}`, status: 401},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	if i := w.invited[0]; i.Email != "ada@example.org" || i.FullName != "Ada" || i.Locale != "de" || len(w.invited) != 3 || w.invited[2].CompanyID != 4 {
		t.Errorf("invited %+v", w.invited)
	}
	if p := w.listed[0]; p.Page != 2 || p.Size != 1 || !slices.Equal(w.listedOf, []int64{3, 4, 3}) {
		t.Errorf("listed %+v of %v", w.listed, w.listedOf)
	}
	if a := w.accepted[0]; a.Token != "opi_x" || a.FullName != "Ada" || len(w.accepted) != 2 {
		t.Errorf("accepted %+v", w.accepted)
	}
	if log := n.logs.String(); strings.Contains(log, "opi_") || strings.Contains(log, "opp_") || strings.Contains(log, "harbour") {
		t.Errorf("the log holds a secret: %s", log)
	}
}

func TestGuessingAtAccountsIsLimited(t *testing.T) {
	n, w := newAccounts(t, func(d *Deps) {
		d.Limits.Login = Rate{Count: 2, Per: time.Hour}
		d.ClientIPHeader = "Client"
	})
	try := func(as int64, client, target, body string) int {
		header := http.Header{}
		if as != 0 {
			header = n.as(as)
		}
		header.Set("Client", client)
		return n.do("POST", target, header, body).StatusCode
	}
	const forgot, reset, accept, change = "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset", "/api/v1/invitations/accept", "/api/v1/auth/password"
	// One account, from many addresses and in whatever case.
	for i, client := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		want := map[int]int{0: 202, 1: 202, 2: 429}[i]
		if got := try(0, client, forgot, `{"email":"`+[]string{"a@example.com", "A@example.com", " a@Example.com"}[i]+`"}`); got != want {
			t.Errorf("forgot %d: %d", i, got)
		}
	}
	if got := try(0, "192.0.2.4", forgot, `{"email":"b@example.com"}`); got != 202 {
		t.Errorf("another account: %d", got)
	}
	// Each question has buckets of its own, so that none keeps anybody from logging in.
	for _, target := range []string{reset, accept} {
		for i := range 3 {
			want := map[int]int{0: 204, 1: 204, 2: 429}[i]
			if target == accept && want == 204 {
				want = 422
			}
			if got := try(0, "198.51.100.1", target, `{"token":"x","password":"harbour lantern mosaic"}`); got != want {
				t.Errorf("%s %d: %d, want %d", target, i, got, want)
			}
		}
	}
	if got := try(0, "198.51.100.1", "/api/v1/auth/login", `{"email":"user1@example.com","password":"testpassword"}`); got != 200 {
		t.Errorf("login: %d", got)
	}
	for i, client := range []string{"203.0.113.1", "203.0.113.2", "203.0.113.3"} {
		want := map[int]int{0: 422, 1: 422, 2: 429}[i]
		if got := try(1, client, change, `{"current_password":"wrong","new_password":"harbour lantern mosaic"}`); got != want {
			t.Errorf("change %d: %d, want %d", i, got, want)
		}
	}
	if len(w.forgot) != 3 || len(w.reset) != 2 || len(w.accepted) != 2 || len(w.changed) != 2 {
		t.Errorf("what reached the primary: %d, %d, %d, %d", len(w.forgot), len(w.reset), len(w.accepted), len(w.changed))
	}
}

func TestTheEdgeLeavesInvitationsToThePrimary(t *testing.T) {
	primary, w := newAccounts(t, nil)
	edge := newEdge(t, primary.listen(), nil)
	a := edge.do("GET", "/api/v1/invitations?page=3&size=1", edge.as(9), "")
	if a.StatusCode != 200 || len(w.listed) != 1 || w.listed[0].Page != 3 || a.Header.Get("Outpost-Region") != "syd" {
		t.Errorf("%d, %+v", a.StatusCode, w.listed)
	}
	if a := edge.do("GET", "/api/v1/invitations", edge.as(1), ""); a.StatusCode != 403 || len(w.listed) != 1 {
		t.Errorf("a learner got %d", a.StatusCode)
	}
}

func TestDevPagesAreThereInDevelopmentOnly(t *testing.T) {
	plain := newNode(t, nil)
	for _, target := range []string{"/dev/mail", "/dev/mail.json", "/dev/mail/1"} {
		if a := plain.do("GET", target, nil, ""); a.StatusCode != 404 {
			t.Errorf("%s is there: %d", target, a.StatusCode)
		}
	}
	dev := newNode(t, func(d *Deps, _ *node) {
		d.Dev = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(r.URL.Path + " " + r.URL.Query().Get("to")))
		})
	})
	for _, target := range []string{"/dev/mail", "/dev/mail.json", "/dev/mail/1"} {
		if a := dev.do("GET", target+"?to=x@example.com", nil, ""); a.StatusCode != 200 || a.body != target+" x@example.com" {
			t.Errorf("%s: %d %s", target, a.StatusCode, a.body)
		}
	}
}

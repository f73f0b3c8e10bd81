package e2e

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// aPerson is what the tests look at.
type aPerson struct {
	ID          int64
	Email       string
	FullName    string `json:"full_name"`
	Role        string
	Department  string
	IsActive    bool    `json:"is_active"`
	LastLoginAt *string `json:"last_login_at"`
	UpdatedAt   string  `json:"updated_at"`
	Version     int64
	Courses     int
	Company     struct{ ID int64 }
}

type peoplePage struct {
	Items     []aPerson
	Total     int64
	NextAfter string `json:"next_after"`
}

type bulkReport struct {
	Created, Failed int
	Rows            []struct {
		Row    int
		ID     int64
		Errors []struct{ Field, Message string }
	}
}

// TestPeopleThroughAnEdge manages people at one edge and looks at them at another.
func TestPeopleThroughAnEdge(t *testing.T) {
	w := newWorld(t, []string{"fra", "iad", "syd"})
	w.serve("fra")
	w.serve("iad")
	edge := w.serve("syd")
	for _, part := range []struct {
		name string
		test func(t *testing.T, w *world, admin *client)
	}{
		{"list", peopleAreListed},
		{"follow", changesAreFollowed},
		{"write", peopleAreWritten},
		{"rights", rightsReachSoFar},
		{"deactivate", whoIsDeactivatedIsRefused},
		{"login", loginsAreShown},
		{"dry run", peopleAreTriedFirst},
		{"bulk", peopleComeInBulk},
		{"language", languagesAreOnesOwn},
		{"audit log", theAuditLogIsRead},
	} {
		t.Run(part.name, func(t *testing.T) {
			admin := w.login("syd", "manager@example.com")
			admin.t = t
			part.test(t, w, admin)
		})
	}
	t.Run("export", func(t *testing.T) {
		admin := w.login("syd", "manager@example.com")
		admin.t = t
		theExportIsStreamed(t, w, admin, edge.cmd.Process.Pid)
	})
}

func (c *client) people(url string, headers ...string) (page peoplePage) {
	c.t.Helper()
	c.get(url, headers...).into(c.t, &page)
	return page
}

// walk reads a whole list by key.
func (c *client) walk(url string, headers ...string) (all []aPerson) {
	c.t.Helper()
	for after := ""; ; {
		page := c.people(url+"&size=100&after="+after, headers...)
		all = append(all, page.Items...)
		if after = page.NextAfter; after == "" {
			return all
		}
	}
}

func inPostgres[T any](t *testing.T, w *world, query string, args ...any) (v T) {
	t.Helper()
	if err := pgtest.Connect(t, w.url).QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func peopleAreListed(t *testing.T, w *world, admin *client) {
	users := w.api("syd") + "/api/v1/users"
	company := inPostgres[int64](t, w, `SELECT company_id FROM users WHERE email = 'manager@example.com'`)
	want := inPostgres[[]int64](t, w, `SELECT array_agg(id ORDER BY created_at DESC, id DESC) FROM users WHERE company_id = $1`, company)
	var got []int64
	for _, p := range admin.walk(users + "?sort=-created_at") {
		got = append(got, p.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list has %v, Postgres %v", got, want)
	}
	if page := admin.people(users + "?role=learner&is_active=true&size=1"); page.Total !=
		inPostgres[int64](t, w, `SELECT count(*) FROM users WHERE company_id = $1 AND role = 'learner' AND is_active`, company) {
		t.Errorf("%d active learners", page.Total)
	}
	if page := admin.people(users + "?q=user1%40example.com"); len(page.Items) == 0 || page.Items[0].Email == "" {
		t.Errorf("user1 is not found: %+v", page)
	}
	root := w.login("syd", "admin@example.com")
	root.t = t
	if page := root.people(users); page.Total != inPostgres[int64](t, w, `SELECT count(*) FROM users`) {
		t.Errorf("a platform administrator sees %d people", page.Total)
	}
	if page := root.people(fmt.Sprintf("%s?company_id=%d", users, company)); page.Total != int64(len(want)) {
		t.Errorf("a platform administrator sees %d of company %d", page.Total, company)
	}
	var one aPerson
	admin.get(fmt.Sprintf("%s/%d", users, want[0])).into(t, &one)
	if one.ID != want[0] || one.Company.ID != company {
		t.Errorf("the person is %+v", one)
	}
}

func changesAreFollowed(t *testing.T, w *world, admin *client) {
	users := w.api("syd") + "/api/v1/users"
	latest := admin.people(users + "?sort=-updated_at&size=1").Items[0]
	url := users + "?sort=updated_at&updated_since=" + latest.UpdatedAt
	seen := len(admin.walk(url)) // those of the same instant
	a := admin.must(http.StatusCreated, http.MethodPost, users, map[string]string{"email": "follow@example.com", "full_name": "Follow"})
	all := admin.walk(url, "Outpost-Position", a.position())
	if len(all) != seen+1 || all[seen].Email != "follow@example.com" {
		t.Errorf("since %s there are %+v", latest.UpdatedAt, all)
	}
}

func peopleAreWritten(t *testing.T, w *world, admin *client) {
	here, there := w.api("syd")+"/api/v1/users", w.api("iad")
	body := map[string]string{"email": "Ada@example.com", "full_name": "Ada Lovelace", "role": "manager"}
	a := admin.must(http.StatusCreated, http.MethodPost, here, body, "Idempotency-Key", "ada")
	var made, again aPerson
	a.into(t, &made)
	admin.must(http.StatusCreated, http.MethodPost, here, body, "Idempotency-Key", "ada").into(t, &again)
	if made.ID != again.ID {
		t.Errorf("the same key made %d and %d", made.ID, again.ID)
	}
	url := there + a.header.Get("Location")
	read := admin.get(url, "Outpost-Position", a.position())
	var seen aPerson
	read.into(t, &seen)
	if seen.Email != "Ada@example.com" || seen.Role != "manager" || seen.Version != 1 || read.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("at the other edge: %s with %s; made with %s", read.body, read.header.Get("ETag"), a.header.Get("ETag"))
	}
	var refused problem
	admin.must(http.StatusConflict, http.MethodPost, here, map[string]string{"email": "ADA@example.com", "full_name": "X"}).into(t, &refused)
	if len(refused.Errors) != 1 || refused.Errors[0].Field != "email" {
		t.Errorf("a taken address: %+v", refused)
	}
	mine := here + "/" + strconv.FormatInt(made.ID, 10)
	a = admin.must(http.StatusOK, http.MethodPatch, mine, map[string]any{"department": "Research"}, "If-Match", read.header.Get("ETag"))
	admin.must(http.StatusPreconditionFailed, http.MethodPatch, mine, map[string]any{"department": "Other"}, "If-Match", read.header.Get("ETag"))
	admin.must(http.StatusPreconditionFailed, http.MethodDelete, mine, nil, "If-Match", read.header.Get("ETag"))
	changed := admin.get(url, "Outpost-Position", a.position())
	changed.into(t, &seen)
	if seen.Department != "Research" || seen.Version != 2 || changed.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("after the change: %s with %s; changed with %s", changed.body, changed.header.Get("ETag"), a.header.Get("ETag"))
	}
	if audited := inPostgres[int64](t, w, `SELECT count(*) FROM audit_log WHERE subject = 'users' AND subject_id = $1`, made.ID); audited != 2 {
		t.Errorf("the audit log has %d entries", audited)
	}
}

func rightsReachSoFar(t *testing.T, w *world, admin *client) {
	users := w.api("syd") + "/api/v1/users"
	learner := w.login("syd", "user1@example.com")
	learner.t = t
	own := inPostgres[int64](t, w, `SELECT id FROM users WHERE email = 'user1@example.com'`)
	colleague := inPostgres[int64](t, w, `SELECT id FROM users WHERE email = 'manager@example.com'`)
	stranger := inPostgres[int64](t, w, `SELECT id FROM users WHERE company_id NOT IN (SELECT company_id FROM users WHERE email = 'user1@example.com') ORDER BY id DESC LIMIT 1`)
	learner.must(http.StatusForbidden, http.MethodGet, users, nil)
	learner.must(http.StatusForbidden, http.MethodGet, users+"/export", nil)
	learner.must(http.StatusForbidden, http.MethodPost, users, map[string]string{"email": "x@example.com", "full_name": "X"})
	learner.must(http.StatusForbidden, http.MethodPost, users+"/bulk", map[string]any{"users": []any{}})
	learner.get(fmt.Sprintf("%s/%d", users, own))
	for _, id := range []int64{colleague, stranger} {
		learner.must(http.StatusNotFound, http.MethodGet, fmt.Sprintf("%s/%d", users, id), nil)
		learner.must(http.StatusForbidden, http.MethodPatch, fmt.Sprintf("%s/%d", users, id), map[string]any{"full_name": "X"})
	}
	admin.must(http.StatusNotFound, http.MethodGet, fmt.Sprintf("%s/%d", users, stranger), nil)
	admin.must(http.StatusNotFound, http.MethodPatch, fmt.Sprintf("%s/%d", users, stranger), map[string]any{"full_name": "X"})
	admin.must(http.StatusNotFound, http.MethodDelete, fmt.Sprintf("%s/%d", users, stranger), nil)
	admin.must(http.StatusForbidden, http.MethodPatch, fmt.Sprintf("%s/%d", users, colleague), map[string]any{"role": "learner"})
	admin.must(http.StatusForbidden, http.MethodDelete, fmt.Sprintf("%s/%d", users, colleague), nil)
	admin.must(http.StatusUnprocessableEntity, http.MethodPatch, fmt.Sprintf("%s/%d", users, own), map[string]any{"role": "platform_admin"})
}

func whoIsDeactivatedIsRefused(t *testing.T, w *world, admin *client) {
	email := inPostgres[string](t, w, `SELECT u.email FROM users u JOIN users m USING (company_id)
		WHERE m.email = 'manager@example.com' AND u.email LIKE 'user%' AND u.role = 'learner' AND u.is_active AND u.email <> 'user1@example.com' ORDER BY u.id LIMIT 1`)
	id := inPostgres[int64](t, w, `SELECT id FROM users WHERE email = $1`, email)
	leaver := w.login("syd", email)
	leaver.t = t
	leaver.get(w.api("syd") + "/api/v1/me")
	url := fmt.Sprintf("%s/api/v1/users/%d", w.api("iad"), id)
	var gone answer
	for range 2 {
		gone = admin.must(http.StatusNoContent, http.MethodDelete, url, nil)
	}
	admin.get(w.api("syd")+"/api/v1/me", "Outpost-Position", gone.position()) // the edge has seen it
	leaver.must(http.StatusUnauthorized, http.MethodGet, w.api("syd")+"/api/v1/me", nil)
	leaver.must(http.StatusUnauthorized, http.MethodPost, w.api("syd")+"/api/v1/auth/login", map[string]string{"email": email, "password": password})
	a := admin.must(http.StatusOK, http.MethodPatch, url, map[string]any{"is_active": true})
	admin.get(w.api("syd")+"/api/v1/me", "Outpost-Position", a.position())
	leaver.must(http.StatusUnauthorized, http.MethodGet, w.api("syd")+"/api/v1/me", nil) // the session stays ended
	back := w.login("syd", email)
	back.t = t
	back.get(w.api("syd") + "/api/v1/me")
}

func loginsAreShown(t *testing.T, w *world, admin *client) {
	id := inPostgres[int64](t, w, `SELECT id FROM users WHERE email = 'user1@example.com'`)
	url := fmt.Sprintf("%s/api/v1/users/%d?fields=last_login_at", w.api("syd"), id)
	var before aPerson
	admin.get(url).into(t, &before)
	w.login("iad", "user1@example.com")
	eventually(t, "the login is shown", func() error {
		var now aPerson
		admin.get(url).into(t, &now)
		if now.LastLoginAt == nil || before.LastLoginAt != nil && *now.LastLoginAt <= *before.LastLoginAt {
			return errors.New("it is not")
		}
		return nil
	})
}

// peopleAreTriedFirst sends a file with all that can be wrong with one, dry, and looks for what it left.
func peopleAreTriedFirst(t *testing.T, w *world, admin *client) {
	bulk := w.api("syd") + "/api/v1/users/bulk"
	const file = "email,full_name,role\r\ntry1@example.com,One,\r\nnonsense,,\r\nTRY1@example.com,Twin,\r\nmanager@example.com,Taken,\r\n" +
		"try2@example.com\r\ntry3@example.com,Three,platform_admin\r\ntry4@example.com,Four,manager\r\n"
	state := func() string {
		return inPostgres[string](t, w, `SELECT concat_ws(' ', (SELECT count(*) FROM users), (SELECT count(*) FROM audit_log), (SELECT count(*) FROM outbox),
			(SELECT count(*) FROM idempotency_keys))`)
	}
	header := map[string]string{"Authorization": "Bearer " + admin.token, "Content-Type": "text/csv", "Idempotency-Key": "try"}
	before := state()
	for _, query := range []string{"?dry_run=true", "?dry_run=true&partial=true"} {
		a := admin.send(http.MethodPost, bulk+query, file, header)
		var report bulkReport
		a.into(t, &report)
		if a.status != http.StatusOK || report.Created != 0 || report.Failed != 5 || len(report.Rows) != 7 || state() != before {
			t.Fatalf("%s: %d %s; %s, before %s", query, a.status, a.body, state(), before)
		}
		for _, r := range report.Rows {
			if good := r.Row == 1 || r.Row == 7; r.ID != 0 || good == (len(r.Errors) > 0) {
				t.Errorf("%s: row %d: %+v", query, r.Row, r)
			}
		}
	}
	var report bulkReport // the same key is good for the real run
	admin.send(http.MethodPost, bulk+"?partial=true", file, header).into(t, &report)
	if report.Created != 2 || report.Failed != 5 || report.Rows[6].ID == 0 {
		t.Errorf("in earnest: %+v", report)
	}
}

// languagesAreOnesOwn has somebody choose a language at one edge, and reads at both.
func languagesAreOnesOwn(t *testing.T, w *world, _ *client) {
	learner := w.login("syd", "user1@example.com")
	learner.t = t
	me, key := w.api("syd")+"/api/v1/me", "Outpost-Position"
	title := func(region, position string) string {
		a := learner.get(w.api(region)+"/api/v1/courses/phishing", key, position, "Accept-Language", "en")
		var course struct{ Locale string }
		a.into(t, &course)
		return course.Locale
	}
	var position string
	for _, locale := range []any{"en", "de", "en", "de"} {
		before := learner.get(me, key, position)
		a := learner.must(http.StatusOK, http.MethodPatch, me, map[string]any{"locale": locale}, "If-Match", before.header.Get("ETag"))
		position = a.position()
		for _, region := range []string{"syd", "iad", "fra"} {
			if got := title(region, position); got != locale {
				t.Errorf("%s reads in %s, having chosen %s", region, got, locale)
			}
			if now := learner.get(w.api(region)+"/api/v1/me", key, position); string(now.body) != string(a.body) || now.header.Get("ETag") != a.header.Get("ETag") {
				t.Errorf("%s says %s with %s, the change %s with %s", region, now.body, now.header.Get("ETag"), a.body, a.header.Get("ETag"))
			}
		}
		if locale == "de" {
			learner.must(http.StatusPreconditionFailed, http.MethodPatch, me, map[string]any{"locale": "en"}, "If-Match", before.header.Get("ETag")).problem(t)
		}
	}
	a := learner.must(http.StatusOK, http.MethodPatch, me, map[string]any{"locale": nil})
	if got := title("iad", a.position()); got != "en" { // the browser's
		t.Errorf("without a language of one's own it is %s", got)
	}
	learner.must(http.StatusUnprocessableEntity, http.MethodPatch, me, map[string]any{"locale": "tlh"}).problem(t)
	learner.must(http.StatusUnprocessableEntity, http.MethodPatch, me, map[string]any{"full_name": "X"}).problem(t)
}

// theAuditLogIsRead walks the log through an edge: a change stands in it as soon as it is answered.
func theAuditLogIsRead(t *testing.T, w *world, admin *client) {
	log := w.api("syd") + "/api/v1/audit-log"
	id := inPostgres[int64](t, w, `SELECT id FROM users WHERE email = 'try1@example.com'`)
	admin.must(http.StatusOK, http.MethodPatch, fmt.Sprintf("%s/api/v1/users/%d", w.api("iad"), id), map[string]any{"department": "Audited"})
	type entry struct {
		ID         int64
		ActorEmail string `json:"actor_email"`
		Action     string
		SubjectID  int64 `json:"subject_id"`
		IP         string
		Details    struct{ Update map[string][]any }
	}
	type page struct {
		Items     []entry
		NextAfter string `json:"next_after"`
	}
	var newest page
	admin.get(log+"?size=1").into(t, &newest)
	if e := newest.Items[0]; e.ActorEmail != "manager@example.com" || e.Action != "updateUser" || e.SubjectID != id || e.IP != "127.0.0.1" ||
		fmt.Sprint(e.Details.Update["department"]) != "[ Audited]" {
		t.Errorf("the newest entry is %+v", e)
	}
	want := inPostgres[int64](t, w, `SELECT count(*) FROM audit_log WHERE action = 'createUsers' AND subject = 'users' AND subject_id < $1 + 3`, id)
	got, after := int64(0), ""
	for {
		var p page
		admin.get(log+"?action=createUsers&subject=users&size=100&to="+"2100-01-01T00:00:00Z&after="+after).into(t, &p)
		for _, e := range p.Items {
			if e.SubjectID < id+3 {
				got++
			}
		}
		if after = p.NextAfter; after == "" {
			break
		}
	}
	if got != want || want < 2 {
		t.Errorf("walked over %d, want %d", got, want)
	}
	learner := w.login("syd", "user1@example.com")
	learner.t = t
	learner.must(http.StatusForbidden, http.MethodGet, log, nil).problem(t)
	secrets := admin.get(log + "?subject=user_credentials").body
	if strings.Contains(string(secrets), "argon2") {
		t.Errorf("the log shows a password's hash: %s", secrets)
	}
}

func peopleComeInBulk(t *testing.T, w *world, admin *client) {
	bulk := w.api("syd") + "/api/v1/users/bulk"
	count := func() int64 { return inPostgres[int64](t, w, `SELECT count(*) FROM users`) }
	var file strings.Builder // as Excel writes it in German
	file.WriteString("\ufeffemail;full_name;department;role\r\n")
	for i := range 10_000 {
		fmt.Fprintf(&file, "csv%d@example.com;\"Müller; %s %d\";Vertrieb;\r\n", i, strings.Repeat("x", 120), i)
	}
	header := map[string]string{"Authorization": "Bearer " + admin.token, "Content-Type": "text/csv", "Idempotency-Key": "csv"}

	// A whole file of 10,000, larger than other bodies may be; the second time it is the first's outcome.
	before, body := count(), file.String()
	if len(body) < 1<<20 {
		t.Fatalf("the body has only %d bytes", len(body))
	}
	var report bulkReport
	var position string
	for range 2 {
		a := admin.send(http.MethodPost, bulk, body, header)
		if a.status != http.StatusCreated {
			t.Fatalf("it answered %d: %.500s", a.status, a.body)
		}
		report, position = bulkReport{}, a.position()
		a.into(t, &report)
		if report.Created != 10_000 || report.Failed != 0 || len(report.Rows) != 10_000 || count() != before+10_000 {
			t.Fatalf("%d created, %d failed, %d more", report.Created, report.Failed, count()-before)
		}
	}
	// So many take the replicas a while, in which the answer is 503.
	var page peoplePage
	eventually(t, "the other edge has them", func() error {
		a, err := admin.try(http.MethodGet, w.api("iad")+"/api/v1/users?q=csv9999", nil, "Outpost-Position", position)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			return fmt.Errorf("it answered %d", a.status)
		}
		a.into(t, &page)
		return nil
	})
	if page.Total != 1 || page.Items[0].ID != report.Rows[9999].ID || page.Items[0].Department != "Vertrieb" {
		t.Errorf("the last of them at the other edge: %+v", page)
	}

	// Bad rows: nothing at all, or all but they.
	users := []map[string]any{
		{"email": "json1@example.com", "full_name": "One"},
		{"email": "nonsense", "full_name": ""},
		{"email": "JSON1@example.com", "full_name": "Twin"},
		{"email": "csv1@example.com", "full_name": "Taken"},
		{"email": "json2@example.com", "full_name": "Two", "role": "platform_admin"},
		{"email": "json3@example.com", "full_name": "Three", "role": "manager"},
	}
	before = count()
	var refused struct {
		Errors []struct {
			Row   int
			Field string
		}
	}
	admin.must(http.StatusUnprocessableEntity, http.MethodPost, bulk, map[string]any{"users": users}).into(t, &refused)
	if got := fmt.Sprint(refused.Errors); got != "[{2 email} {2 full_name} {3 email} {4 email} {5 role}]" || count() != before {
		t.Errorf("refused for %s; %d more", got, count()-before)
	}
	report = bulkReport{}
	admin.must(http.StatusCreated, http.MethodPost, bulk, map[string]any{"users": users, "partial": true}).into(t, &report)
	if report.Created != 2 || report.Failed != 4 || count() != before+2 || report.Rows[0].ID == 0 || len(report.Rows[1].Errors) != 2 || report.Rows[5].ID == 0 {
		t.Errorf("in part: %+v; %d more", report, count()-before)
	}
	a := admin.send(http.MethodPost, bulk, strings.Repeat("x", 9<<20), header)
	if a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("9 MiB: %d", a.status)
	}
	a.problem(t)
}

// theExportIsStreamed exports very many people through an edge, slowly, and watches its memory.
func theExportIsStreamed(t *testing.T, w *world, admin *client, pid int) {
	people, want, bound := 20_000, int64(0), int64(50<<20)
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		people = 250_000
	}
	company := inPostgres[int64](t, w, `SELECT company_id FROM users WHERE email = 'manager@example.com'`)
	const batch = 10_000
	for from := 0; from < people; from += batch {
		pgtest.Exec(t, w.url, fmt.Sprintf(`SET outpost.audit = 'off';
			INSERT INTO users (company_id, data_zone, email, full_name)
			SELECT id, data_zone, 'export' || i || '@example.com', CASE WHEN i %% 2 = 0 THEN '=cmd|''/C calc''!A0' ELSE 'Zoë "Z", Nr. ' || i END
			FROM companies, generate_series(%d, %d) i WHERE id = %d`, from+1, from+batch, company))
		want = inPostgres[int64](t, w, `SELECT count(*) FROM users WHERE company_id = $1`, company)
		eventually(t, "the edge has them all", func() error {
			if n := admin.people(w.api("syd") + "/api/v1/users?size=1&fields=id").Total; n != want {
				return fmt.Errorf("it has %d of %d", n, want)
			}
			return nil
		})
	}
	export := func(look func(lines int64)) (lines int64) {
		t.Helper()
		request, err := http.NewRequest(http.MethodGet, w.api("syd")+"/api/v1/users/export", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+admin.token)
		response, err := admin.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Disposition") != `attachment; filename="users_export.csv"` {
			t.Fatalf("it answered %d with %v", response.StatusCode, response.Header)
		}
		reader := csv.NewReader(bufio.NewReaderSize(response.Body, 4<<10))
		reader.ReuseRecord = true
		for {
			record, err := reader.Read()
			if errors.Is(err, io.EOF) {
				return lines - 1 // the header
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(record[2], "=") {
				t.Fatalf("a formula: %q", record)
			}
			lines++
			look(lines)
		}
	}
	export(func(int64) {}) // warm: SQLite's pages, the pool's buffers
	before, highest := resident(t, pid), int64(0)
	lines := export(func(n int64) {
		if n%5000 == 0 {
			highest = max(highest, resident(t, pid))
		}
	})
	if lines != want {
		t.Errorf("%d of %d people were exported", lines, want)
	}
	t.Logf("%d people; the edge had %d MiB before and %d MiB at most meanwhile", lines, before>>20, highest>>20)
	if highest-before > bound {
		t.Errorf("the edge grew from %d to %d bytes", before, highest)
	}
}

// resident is how much memory a process has now.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

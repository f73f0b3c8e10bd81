package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
)

const (
	hit    = "outpost; hit"
	missed = "outpost; fwd=miss; stored"
)

// TestTheSecondReadIsAHitUntilTheRowChanges changes courses by plain SQL. The first read
// afterwards shows it: nothing is started anew, and no time has to pass.
func TestTheSecondReadIsAHitUntilTheRowChanges(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	w.startInside(nil)
	learner := w.login("syd", "user1@example.com")
	const changing, other = "passwords-and-passkeys", "phishing"
	read := func(region, slug, status, title string, headers ...string) answer {
		t.Helper()
		a := learner.get(w.api(region)+"/api/v1/courses/"+slug+"?locale=en", headers...)
		if got := a.header.Get("Cache-Status"); got != status {
			t.Errorf("%s in %s: Cache-Status is %q, want %q", slug, region, got, status)
		}
		var course struct{ Title string }
		if a.into(t, &course); title != "" && course.Title != title {
			t.Errorf("%s in %s is called %q, want %q", slug, region, course.Title, title)
		}
		return a
	}
	for _, region := range w.regions {
		before := read(region, changing, missed, "")
		if again := read(region, changing, hit, ""); string(again.body) != string(before.body) || again.header.Get("ETag") != before.header.Get("ETag") {
			t.Errorf("%s answers the second time\n%s\nthe first time\n%s", region, again.body, before.body)
		}
		read(region, other, missed, "")
	}
	rename := func(title string) {
		t.Helper()
		pgtest.Exec(t, w.url, fmt.Sprintf(`UPDATE course_translations SET title = '%s'
			WHERE locale = 'en' AND course_id = (SELECT id FROM courses WHERE slug = '%s')`, title, changing))
	}
	t.Run("without a position, once the replica has it", func(t *testing.T) {
		rename("Renamed")
		for _, region := range w.regions {
			w.caughtUp(t, region)
			read(region, changing, missed, "Renamed")
			read(region, changing, hit, "Renamed")
			read(region, other, hit, "") // a course that did not change
		}
	})
	t.Run("with the change's position, at once", func(t *testing.T) {
		for i := range 20 {
			title := "Renamed again, " + strconv.Itoa(i)
			rename(title)
			region := w.regions[i%2]
			read(region, changing, missed, title, "Outpost-Position", w.now(t, region))
			read(region, changing, hit, title)
		}
	})
	t.Run("in a list", func(t *testing.T) {
		const list = "/api/v1/courses?locale=en&fields=title"
		learner.get(w.api("syd") + list)
		if a := learner.get(w.api("syd") + list); a.header.Get("Cache-Status") != hit {
			t.Errorf("the second read: %s", a.header.Get("Cache-Status"))
		}
		rename("Listed")
		a := learner.get(w.api("syd")+list, "Outpost-Position", w.now(t, "syd"))
		if a.header.Get("Cache-Status") != missed || !strings.Contains(string(a.body), `"Listed"`) {
			t.Errorf("after the change: %s %s", a.header.Get("Cache-Status"), a.body)
		}
	})
}

// nothingIsDue waits until the primary has done what was due since midnight.
func nothingIsDue(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	eventually(t, "what was due since midnight has been done", func() error {
		var left int
		const due = `SELECT (SELECT count(*) FROM enrollments WHERE status = 'completed' AND expires_at <= now())
			+ (SELECT count(*) FROM assignment_runs WHERE next_at <= now())`
		if err := conn.QueryRow(t.Context(), due).Scan(&left); err != nil || left == 0 {
			return err
		}
		return fmt.Errorf("%d left", left)
	})
}

// TestALessonLeavesTheFiguresAlone changes an enrollment as a lesson does, and then as a completion does.
func TestALessonLeavesTheFiguresAlone(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	w.startInside(nil)
	conn := pgtest.Connect(t, w.url)
	nothingIsDue(t, conn)
	manager := w.login("syd", "manager@example.com")
	var id int64
	const open = `SELECT e.id FROM enrollments e WHERE e.status IN ('assigned', 'in_progress') AND e.company_id =
		(SELECT company_id FROM users WHERE email = 'manager@example.com') ORDER BY e.id LIMIT 1`
	if err := conn.QueryRow(t.Context(), open).Scan(&id); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/dashboard", "/api/v1/admin/analytics"} {
		w.caughtUp(t, "syd")
		manager.get(w.api("syd") + path)
		for _, c := range []struct{ change, status string }{
			{"lessons_done = lessons_done + 1", hit},
			{"status = 'completed', completed_at = now(), started_at = now()", missed},
			{"status = 'in_progress', completed_at = NULL", missed},
		} {
			pgtest.Exec(t, w.url, fmt.Sprintf("UPDATE enrollments SET %s WHERE id = %d", c.change, id))
			if got := manager.get(w.api("syd")+path, "Outpost-Position", w.now(t, "syd")).header.Get("Cache-Status"); got != c.status {
				t.Errorf("%s after %s: %q, want %q", path, c.change, got, c.status)
			}
		}
	}
}

// TestACompanysChangeLeavesAnothersEntriesValid counts what hits and what misses at an edge
// after one company's rows have changed.
func TestACompanysChangeLeavesAnothersEntriesValid(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	w.startInside(nil)
	conn := pgtest.Connect(t, w.url)
	nothingIsDue(t, conn)
	var email string
	const stranger = `SELECT u.email FROM users u JOIN enrollments e ON e.user_id = u.id
		WHERE u.role = 'learner' AND u.is_active AND u.company_id <> (SELECT company_id FROM users WHERE email = 'user1@example.com')
		ORDER BY u.id LIMIT 1`
	if err := conn.QueryRow(t.Context(), stranger).Scan(&email); err != nil {
		t.Fatal(err)
	}
	people := []*client{w.login("syd", "user1@example.com"), w.login("syd", email)}
	var own [2]int64 // an enrollment of each
	for i, c := range people {
		var page struct{ Items []struct{ ID int64 } }
		c.get(w.api("syd")+"/api/v1/me/enrollments").into(t, &page)
		if len(page.Items) == 0 {
			t.Fatal("a learner has no enrollments")
		}
		own[i] = page.Items[0].ID
	}
	// Each person's answers, and with that the endpoints that are counted.
	endpoints := []string{"/api/v1/me", "/api/v1/me/enrollments", "/api/v1/enrollments/{enrollment}"}
	readAll := func(i int, want string) {
		t.Helper()
		for _, endpoint := range endpoints {
			path := strings.ReplaceAll(endpoint, "{enrollment}", strconv.FormatInt(own[i], 10))
			if got := people[i].get(w.api("syd") + path).header.Get("Cache-Status"); want != "" && got != want {
				t.Errorf("%s for person %d: %q, want %q", path, i+1, got, want)
			}
		}
	}
	count := func(result string) (n int) {
		for _, endpoint := range endpoints {
			n += w.metric(t, "syd", fmt.Sprintf("outpost_cache_requests_total{endpoint=%q,result=%q}", endpoint, result))
		}
		return n
	}
	for i := range people {
		readAll(i, "") // the list was read above
		readAll(i, hit)
	}
	hits, misses := count("hit"), count("miss")
	stale := w.metric(t, "syd", `outpost_cache_misses_total{tag_table="users"}`)

	// Of the company a few people only: tags share counters, of which thousands of rows would raise many.
	const first = "(SELECT company_id FROM users WHERE email = 'user1@example.com')"
	const few = " IN (SELECT id FROM users WHERE company_id = " + first + " ORDER BY id LIMIT 10)"
	pgtest.Exec(t, w.url,
		"UPDATE companies SET name = 'Renamed' WHERE id = "+first,
		"UPDATE users SET full_name = 'Renamed' WHERE id"+few,
		"UPDATE enrollments SET due_at = now() + interval '30 days' WHERE user_id"+few,
		"INSERT INTO users (company_id, data_zone, email, full_name) SELECT id, data_zone, 'new@example.com', 'New' FROM companies WHERE id = "+first,
	)
	w.caughtUp(t, "syd")
	for range 3 {
		readAll(1, hit) // another company
	}
	if got := count("hit") - hits; got != 9 {
		t.Errorf("of nine reads of the other company's data %d were hits", got)
	}
	if got := count("miss") - misses; got != 0 {
		t.Errorf("of nine reads of the other company's data %d were misses", got)
	}
	readAll(0, missed)
	readAll(0, hit)
	if got := count("miss") - misses; got != 3 {
		t.Errorf("of three reads of what has changed %d were misses", got)
	}
	if got := w.metric(t, "syd", `outpost_cache_misses_total{tag_table="users"}`); got <= stale {
		t.Errorf("no miss was laid to the users: %d before, %d after", stale, got)
	}
	var me struct {
		Name    string `json:"full_name"`
		Company struct{ Name string }
	}
	if people[0].get(w.api("syd")+"/api/v1/me").into(t, &me); me.Name != "Renamed" || me.Company.Name != "Renamed" {
		t.Errorf("the change is shown as %+v", me)
	}
	if people[1].get(w.api("syd")+"/api/v1/me").into(t, &me); me.Name == "Renamed" || me.Company.Name == "Renamed" {
		t.Errorf("the other company shows %+v", me)
	}
}

// wal is how far Postgres' log goes now.
func (w *world) wal(t *testing.T) change.LSN {
	t.Helper()
	var text string
	if err := pgtest.Connect(t, w.url).QueryRow(t.Context(), "SELECT pg_current_wal_lsn()::text").Scan(&text); err != nil {
		t.Fatal(err)
	}
	lsn, err := change.ParseLSN(text)
	if err != nil {
		t.Fatal(err)
	}
	return lsn
}

// position is where a region's replica is. The answer comes from no cache.
func (w *world) position(t *testing.T, region string) change.Position {
	t.Helper()
	var all struct {
		Regions []struct{ Region, Position string }
	}
	nobody := &client{t: t, http: http.DefaultClient}
	nobody.get(w.api(region)+"/api/v1/status").into(t, &all)
	for _, r := range all.Regions {
		if r.Region == region {
			p, err := change.ParsePosition(r.Position)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	t.Fatalf("%s does not know itself", region)
	return change.Position{}
}

// now is the position of what Postgres has now.
func (w *world) now(t *testing.T, region string) string {
	t.Helper()
	return change.Position{Generation: w.position(t, region).Generation, LSN: w.wal(t)}.String()
}

// caughtUp waits until a region's replica has all that Postgres has now.
func (w *world) caughtUp(t *testing.T, region string) {
	t.Helper()
	want := w.wal(t)
	eventually(t, region+" has caught up", func() error {
		if p := w.position(t, region); p.LSN < want {
			return fmt.Errorf("it is at %s, Postgres at %s", p, want)
		}
		return nil
	})
}

// metric reads one figure of a region; 0 where it has not been counted yet.
func (w *world) metric(t *testing.T, region, name string) int {
	t.Helper()
	response, err := http.Get("http://" + w.env[region]["OUTPOST_ADMIN_ADDR"] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	return 0
}

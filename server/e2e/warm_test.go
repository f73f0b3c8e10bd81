package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

const warmed = "the cache has what was asked most before the restart"

// stop tells a region to stop and waits until it has.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
}

// warm starts a region again and waits until it has asked again what was asked before.
func (p *process) warm() {
	p.t.Helper()
	before := strings.Count(p.log.String(), warmed)
	p.start()
	p.ready()
	eventually(p.t, "region "+p.region+" is warm", func() error {
		if strings.Count(p.log.String(), warmed) == before {
			return errors.New("it does not say so")
		}
		return nil
	})
}

// TestARestartedRegionIsWarm stops and kills an edge after some traffic. What was asked before is a hit
// when it is asked first, as everything is by then, and nobody gets what is not theirs.
func TestARestartedRegionIsWarm(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	w.serve("fra")
	syd := w.serve("syd")
	base := w.api("syd") + "/api/v1"
	one, two, manager := w.login("syd", "user1@example.com"), w.login("syd", "user2@example.com"), w.login("syd", "manager@example.com")
	type read struct {
		who    *client
		target string
	}
	hot := []read{
		{one, "/me"},
		{one, "/me/enrollments?size=5&sort=-due_at"},
		{one, "/dashboard"},
		{one, "/courses?page=1&size=20&fields=title,slug"},
		{one, "/courses/phishing?locale=de"},
		{one, "/courses/passwords-and-passkeys?locale=en"},
		{manager, "/users?size=10&role=learner"},
	}
	for range 3 {
		for _, r := range hot {
			r.who.get(base + r.target)
		}
	}
	const typed = "verysecretword"
	one.get(base + "/courses?q=" + typed)
	one.get(base + "/courses?category=books&other=" + typed)
	manager.get(base + "/users?department=" + typed)
	one.get(base + "/me?access_token=" + typed)

	syd.stop()
	w.keptKeysOnly(t, typed, one.token, "example.com")
	pgtest.Exec(t, w.url, `UPDATE course_translations SET title = 'Renamed' WHERE locale = 'en' AND course_id = (SELECT id FROM courses WHERE slug = 'passwords-and-passkeys');
		UPDATE users SET role = 'learner' WHERE email = 'manager@example.com'`)
	syd.warm()
	if figures := one.get("http://" + w.env["syd"]["OUTPOST_ADMIN_ADDR"] + "/metrics"); strings.Contains(string(figures.body), "outpost_cache_requests_total{") {
		t.Error("asking again counts as traffic")
	}
	for _, r := range hot {
		if r.who == manager {
			r.who.must(http.StatusForbidden, http.MethodGet, base+r.target, nil)
			continue
		}
		a := r.who.get(base + r.target)
		if got := a.header.Get("Cache-Status"); got != hit {
			t.Errorf("%s: the first answer's Cache-Status is %q", r.target, got)
		}
		if strings.Contains(r.target, "passwords-and-passkeys") && !strings.Contains(string(a.body), `"Renamed"`) {
			t.Errorf("%s shows what was before the restart: %s", r.target, a.body)
		}
	}
	if a := two.get(base + "/me"); a.header.Get("Cache-Status") != missed || !strings.Contains(string(a.body), "user2@example.com") {
		t.Errorf("another learner gets %q: %s", a.header.Get("Cache-Status"), a.body)
	}

	// A region that is killed has what was kept before.
	syd.kill()
	syd.warm()
	if got := one.get(base + "/me").header.Get("Cache-Status"); got != hit {
		t.Errorf("after a kill the first answer's Cache-Status is %q", got)
	}

	syd.stop()
	file := w.warmFile()
	if err := os.WriteFile(file, []byte(`{"version":1,"sum":1,"asked":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	syd.start()
	syd.ready()
	eventually(t, "a damaged file is gone", func() error {
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("it is there: %w", err)
		}
		return nil
	})
	if !strings.Contains(syd.log.String(), "its checksum is wrong") {
		t.Error("nothing says that the file was damaged")
	}
}

func (w *world) warmFile() string { return filepath.Join(w.env["syd"]["OUTPOST_DATA"], "warm") }

// keptKeysOnly looks into what the edge keeps.
func (w *world) keptKeysOnly(t *testing.T, secrets ...string) {
	t.Helper()
	kept := readFile(t, w.warmFile())
	for _, secret := range secrets {
		if strings.Contains(kept, secret) {
			t.Errorf("the file holds %q: %s", secret, kept)
		}
	}
	info, err := os.Stat(w.warmFile())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v", info.Mode())
	}
}

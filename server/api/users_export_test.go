package api

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

func export1(t *testing.T, n *node, url string, user int64) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequest("GET", url+"/api/v1/users/export", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = n.as(user)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return http.DefaultClient.Do(request)
}

func TestTheExportIsCSVOfEverybody(t *testing.T) {
	asked := &crew{people: 2500}
	n := staffed(t, asked, nil)
	response, err := export1(t, n, n.listen(), 5)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for name, want := range map[string]string{
		"Content-Type": "text/csv; charset=utf-8; header=present", "Content-Disposition": `attachment; filename="users_export.csv"`,
		"Cache-Control": "no-store", "Outpost-Position": at(100), "Cache-Status": "",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	records, err := csv.NewReader(response.Body).ReadAll()
	if err != nil || len(records) != 2501 || asked.company != 3 {
		t.Fatalf("%d records of company %d: %v", len(records), asked.company, err)
	}
	if got := strings.Join(records[0], ","); got != "id,email,full_name,created_at" {
		t.Errorf("the header is %s", got)
	}
	for i, r := range records[1:] {
		if r[0] != strconv.Itoa(i+1) || r[2] != `'=Ada "Countess", née Byron` || r[3] != "2026-11-23T05:00:00Z" {
			t.Fatalf("record %d is %q", i+1, r)
		}
	}
}

func TestAnEmptyExportHasItsHeader(t *testing.T) {
	n := staffed(t, &crew{}, nil)
	if a := n.do("GET", "/api/v1/users/export", n.as(5), ""); a.StatusCode != 200 || a.body != "id,email,full_name,created_at\r\n" {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
	if a := n.do("HEAD", "/api/v1/users/export", n.as(5), ""); a.StatusCode != 200 || a.body != "" {
		t.Errorf("HEAD: %d %q", a.StatusCode, a.body)
	}
}

func TestAnExportThatBreaksIsNoticed(t *testing.T) {
	n := staffed(t, &crew{people: 5000, fail: 3000}, nil)
	response, err := export1(t, n, n.listen(), 5)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil {
		t.Errorf("half an export of %d bytes looks whole", len(body))
	}
	if lines := strings.Count(string(body), "\n"); lines > 3001 {
		t.Errorf("%d lines came", lines)
	}
	if !strings.Contains(n.logs.String(), "an export was broken off") {
		t.Error("the log does not say so")
	}
}

// TestASlowClientHoldsNoRead lets a client take nothing of an endless export. The export stops once
// the connection is full, and is broken off; all the while the replica can be written.
func TestASlowClientHoldsNoRead(t *testing.T) {
	asked := &crew{people: 1 << 40}
	n := staffed(t, asked, func(d *Deps, _ *node) { d.Limits.Stall = 300 * time.Millisecond })
	response, err := export1(t, n, n.listen(), 5)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for open := 1; open > 0; {
		select {
		case <-tick.C:
			n.world.change(func() {}) // waits for whoever reads
			n.mu.Lock()
			open = len(n.conns)
			n.mu.Unlock()
		case <-deadline:
			t.Fatal("the export goes on without anybody who takes it")
		}
	}
	if _, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Error("an export that stalled looks whole")
	}
}

func TestAnExportWaitsForItsPosition(t *testing.T) {
	n := staffed(t, &crew{}, nil)
	if a := n.do("GET", "/api/v1/users/export", n.as(5, "Outpost-Position", at(200)), ""); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("ahead of the replica: %d", a.StatusCode)
	}
	if a := n.do("GET", "/api/v1/users/export", n.as(5, "Outpost-Position", at(100)), ""); a.StatusCode != 200 {
		t.Errorf("at its position: %d", a.StatusCode)
	}
	if a := n.do("GET", "/api/v1/users/export", n.as(5, "Outpost-Position", "6:0/FFF"), ""); a.StatusCode != 200 {
		t.Errorf("of an older generation: %d", a.StatusCode)
	}
}

// TestAnExportIsForWhoMayStill asks with the position of a change by which the asker may not any more.
func TestAnExportIsForWhoMayStill(t *testing.T) {
	for want, demote := range map[int]func(*training.User){
		403: func(u *training.User) { u.Role = training.Learner },
		401: func(u *training.User) { u.IsActive = false },
	} {
		waits := make(chan struct{}, 1)
		n := staffed(t, &crew{people: 3}, func(d *Deps, n *node) {
			d.Limits.Wait = 10 * time.Second
			d.Wait = func(ctx context.Context, p change.Position) error {
				waits <- struct{}{}
				return n.world.wait(ctx, p)
			}
		})
		header := n.as(5)
		if a := n.do("GET", "/api/v1/users/export", header, ""); a.StatusCode != 200 {
			t.Fatalf("before the change: %d", a.StatusCode)
		}
		header.Set("Outpost-Position", at(101))
		exports := make(chan answered, 1)
		go func() { exports <- n.do("GET", "/api/v1/users/export", header, "") }()
		<-waits
		n.world.change(func() {
			u := n.world.users[5]
			demote(&u)
			n.world.users[5] = u
		}, cache.Row("users", 5))
		if a := <-exports; a.StatusCode != want {
			t.Errorf("%d, want %d: %s", a.StatusCode, want, a.body)
		}
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"Ada": "Ada", "": "", "a=b": "a=b", "'x": "'x", "é-mail": "é-mail", " Ada": " Ada",
		"=1+1": "'=1+1", "+49": "'+49", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx",
		"  =1": "'  =1", "\u00a0=1": "'\u00a0=1", "\u200b=1": "'\u200b=1", "\ufeff=1": "'\ufeff=1", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x",
		"\x00=1": "'\x00=1",
	} {
		if got := harmless(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}

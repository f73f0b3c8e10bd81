package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// TestAPageIsKeptUntilWhatItShowsChanges, and no longer.
func TestAPageIsKeptUntilWhatItShowsChanges(t *testing.T) {
	n := newSite(t, nil)
	b := newBrowser(n).as(1)
	look := func(status string, texts ...string) {
		t.Helper()
		a := b.get("/learn")
		a.shows(t, 200, texts...)
		if got := a.Header.Get("Cache-Status"); got != status {
			t.Errorf("the page is a %q, want %q", got, status)
		}
	}
	look(missed, "0 of 2 lessons", "Üta")
	look("outpost; hit", "0 of 2 lessons")
	n.world.change(func() { n.world.courses[1].Minutes++ }, cache.Row("courses", 43)) // which the page does not show
	look("outpost; hit", "0 of 2 lessons")
	n.world.learn(1)
	look(missed, "1 of 2 lessons", "!0 of 2 lessons")
	look("outpost; hit", "1 of 2 lessons")
	// The page's frame shows something, too.
	n.world.change(func() {
		u := n.world.users[1]
		u.FullName = "Zoe"
		n.world.users[1] = u
	}, cache.Row("users", 1))
	look(missed, "Zoe", "!Üta")
}

// learn is as many lessons of user 1 as are done.
func (w *world) learn(lessons int) {
	w.change(func() {
		e := w.enrolls[70]
		e.LessonsDone = lessons
		w.enrolls[70] = e
	}, cache.Row("enrollments", 70), cache.Ref("enrollments", "user_id", 1))
}

// TestAPageWaitsForThePositionThatTheBrowserHasSeen.
func TestAPageWaitsForThePositionThatTheBrowserHasSeen(t *testing.T) {
	n := newSite(t, nil)
	b := newBrowser(n).as(1)
	b.get("/learn").shows(t, 200, "0 of 2 lessons")
	next := n.world.published().Position
	next.LSN++
	b.cookies[cookiePosition] = next.String()
	shown := make(chan answered, 1)
	go func() { shown <- b.get("/learn") }()
	n.world.learn(2)
	(<-shown).shows(t, 200, "2 of 2 lessons")
}

// TestAPageIsNobodyElses: another person, language or query has another page.
func TestAPageIsNobodyElses(t *testing.T) {
	n := newSite(t, nil)
	german := newBrowser(n).as(1)
	first := newBrowser(n).as(1).get("/learn")
	first.shows(t, 200, "Üta", "My courses", `lang="en"`)
	for name, a := range map[string]answered{
		"another person": newBrowser(n).as(9).get("/learn"),
		"another query":  newBrowser(n).as(1).get("/learn?done=welcome"),
		"a language":     german.get("/learn?locale=de"),
	} {
		if got := a.Header.Get("Cache-Status"); a.StatusCode != 200 || got != missed {
			t.Errorf("%s: %d, %q", name, a.StatusCode, got)
		}
		if a.body == first.body || a.Header.Get("Etag") == first.Header.Get("Etag") {
			t.Errorf("%s gets the same page", name)
		}
		if vary := a.Header.Get("Vary"); vary != varyPages {
			t.Errorf("%s: Vary is %q", name, vary)
		}
	}
	newBrowser(n).as(9).get("/learn").shows(t, 200, "Root", "!Üta")
	german.get("/learn?locale=de").shows(t, 200, "Meine Kurse", `lang="de"`)
	nobody := newBrowser(n).get("/sign-in", "Accept-Language", "de")
	nobody.shows(t, 200, "Anmelden", "!Sign in")
	newBrowser(n).get("/sign-in", "Accept-Language", "en").shows(t, 200, "Sign in", "!Anmelden")
	newBrowser(n).get("/sign-in?done=password").shows(t, 200)
}

func TestALanguageIsRemembered(t *testing.T) {
	b := newBrowser(newSite(t, nil))
	b.post("/language", form("locale", "de", "next", "/sign-in")).leads(t, "/sign-in")
	b.get("/sign-in", "Accept-Language", "en").shows(t, 200, "Anmelden")
	b.post("/language", form("locale", "tlh")).shows(t, 422, "angebotenen Sprachen")
	b.get("/sign-in", "Accept-Language", "en").shows(t, 200, "Anmelden")
}

// TestAPageIsMadeOfItsParts: kept with the tags of all, as old as the oldest, as long as the shortest; and
// not at all where a part is not.
func TestAPageIsMadeOfItsParts(t *testing.T) {
	n := newSite(t, nil)
	published := cache.At(n.world.published())
	pos := func(lsn change.LSN) change.Position { return change.Position{Generation: generation, LSN: lsn} }
	part := func(lsn change.LSN, until time.Time, store bool, tags ...cache.Tag) insidePart {
		at := published
		at.Position = pos(lsn)
		return insidePart{&cache.Entry{Tags: tags, At: at, ValidUntil: until, Store: store}, pos(lsn)}
	}
	a, b, c := cache.Row("users", 1), cache.Row("users", 2), cache.Row("courses", 42)
	route := &route{namespace: "pages"}
	i := &inside{api: n.API, parts: []insidePart{part(99, day.Add(time.Hour), true, a, b), part(97, time.Time{}, true, b, c), part(98, day, true, c)}}
	f := i.filled(route, "1", []byte("page"), time.Time{})
	if !f.Store || f.At.Position != pos(97) || f.Newest != pos(99) || !f.ValidUntil.Equal(day) || !slices.Equal(f.Tags, []cache.Tag{a, b, c}) {
		t.Errorf("the page is %+v", f)
	}
	if f := i.filled(route, "1", []byte("page"), day.Add(-time.Hour)); !f.ValidUntil.Equal(day.Add(-time.Hour)) {
		t.Errorf("a page that changes sooner is good until %v", f.ValidUntil)
	}
	i.parts[1].entry.At.Incarnation++
	if f := i.filled(route, "1", nil, time.Time{}); f.Store {
		t.Error("parts of two replicas are kept together")
	}
	i = &inside{api: n.API, unkept: true, parts: []insidePart{part(99, time.Time{}, true, a)}}
	if f := i.filled(route, "1", nil, time.Time{}); f.Store {
		t.Error("a page with an answer that is not to be kept is kept")
	}
}

// TestAnEdgesPageWithAnAnswerOfThePrimary is not kept there: nobody tells the edge when it changes.
func TestAnAnswerFromElsewhereIsNotKept(t *testing.T) {
	n := newSite(t, nil)
	for name, k := range map[string]*call{
		"a write":   {route: &route{write: true}},
		"none":      {route: &route{}, stale: -1},
		"a passing": {route: &route{}, stale: -1, entry: &cache.Entry{Store: false}},
		"a stale":   {route: &route{}, stale: 3, entry: &cache.Entry{Store: true}},
	} {
		i := &inside{api: n.API, stale: -1}
		if i.note(k); !i.unkept {
			t.Errorf("%s answer is kept", name)
		}
	}
	i := &inside{api: n.API, stale: -1}
	if i.note(&call{route: &route{}, stale: -1, entry: &cache.Entry{Store: true}}); i.unkept {
		t.Error("an answer that may be kept is not")
	}
}

// TestAnEdgesFormIsCarriedOutByThePrimary: the person there gets the primary's cookies and position.
func TestAnEdgesFormIsCarriedOutByThePrimary(t *testing.T) {
	primary := newSite(t, nil)
	edge := newEdge(t, primary.listen(), func(d *Deps, _ *node) { d.Site = primary.Site })
	b := newBrowser(edge)
	b.post("/sign-in", form("email", "user1@example.com", "password", "testpassword", "next", "/learn")).leads(t, "/learn")
	b.get("/learn").shows(t, 200, "Üta")
	b.post("/sign-out", form()).leads(t, "/sign-in?done=signedout")
	if !primary.world.revoked[11] || edge.world.revoked[11] {
		t.Errorf("the session has ended at the primary %v, at the edge %v", primary.world.revoked, edge.world.revoked)
	}
	if got, want := b.cookies[cookiePosition], primary.world.published().Position.String(); got != want {
		t.Errorf("the browser is at %s, the write at %s", got, want)
	}
}

func TestWhatGoesWrongIsAPage(t *testing.T) {
	n := newSite(t, nil)
	b := newBrowser(n)
	b.get("/nothing/here").shows(t, 404, "There is nothing here", "/sign-in")
	b.get("/nothing/here", "Accept-Language", "de").shows(t, 404, "Hier ist nichts")
	b.as(1).post("/language", nil, "Content-Type", "application/json").shows(t, 415)
	n.writer.down = training.Errorf(training.Unavailable, "Not now.")
	newBrowser(n).post("/sign-in", form("email", "user1@example.com", "password", "testpassword")).shows(t, 503)
	for path, accept := range map[string]string{"/nothing/here": "application/json", "/api/v1/nothing": "text/html"} {
		if a := b.get(path, "Accept", accept); a.StatusCode != 404 || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s for %s: %d %s", path, accept, a.StatusCode, a.Header.Get("Content-Type"))
		}
	}
	// A script that sends a form reads JSON.
	if a := b.as(1).post("/language", form("locale", "xx"), "Accept", "application/json"); a.StatusCode != 422 || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a script gets %d %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
	if a := b.post("/sign-out", form(), "Accept", "application/json"); a.StatusCode != 200 || !strings.Contains(a.body, `"next":"/sign-in?done=signedout"`) {
		t.Errorf("a script gets %d %s", a.StatusCode, a.body)
	}
	if a := newBrowser(n).get("/learn", "Accept", "application/json"); a.StatusCode != 401 {
		t.Errorf("a script without a session gets %d", a.StatusCode)
	}
}

func TestAssetsAreKeptForever(t *testing.T) {
	b := newBrowser(newSite(t, nil))
	_, after, _ := strings.Cut(b.get("/sign-in").body, `<link rel="stylesheet" href="`)
	css, _, _ := strings.Cut(after, `"`)
	a := b.get(css, "Accept-Encoding", "br")
	if a.StatusCode != 200 || a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || a.Header.Get("Content-Encoding") != "br" || a.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%s: %d %v", css, a.StatusCode, a.Header)
	}
	if a := b.get("/assets/app.css"); a.StatusCode != 404 || strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("a file that is not there: %d %v", a.StatusCode, a.Header)
	}
}

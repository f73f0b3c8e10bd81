package web_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"outpost/server/api/openapi"
)

// TestALearnerGoesFromInvitationToCertificate: all of it by clicking, and all of it at the edge.
func TestALearnerGoesFromInvitationToCertificate(t *testing.T) {
	const slug, email, name = "wi-fi", "grace@example.com", "Grace Hopper"
	b := newcomer(t, email, name)
	b.takeUp(t, slug, "Wi-Fi")
	lessons := b.finishLessons(t, slug)

	// The first time everything is wrong. Why is told to who has passed, or has no attempt left.
	right, wrong := answersTo(t, slug)
	b.answer(t, wrong)
	b.shows(t, "#result .badge.bad", "")
	b.shows(t, "#result", "You have 3 attempts left")
	b.shows(t, ".graded .badge.bad", "")
	b.must(t, click("#result a.primary"))
	b.answer(t, right)
	b.shows(t, "#result .badge.good", "")
	b.shows(t, "#result", "This is your certificate")
	b.shows(t, ".graded .notice", "")
	b.isPDF(t, `#result a[href*="/pdf"]`)
	b.must(t, click(`#result a[href^="/verify/"]`))
	verify := b.path(t)
	b.shows(t, ".verified.good", name)
	b.isPDF(t, `.verified a[href*="/pdf"]`)

	// Everybody who has the address sees the same.
	stranger := newTab(t, shared.edge())
	stranger.mustOpen(t, verify)
	stranger.shows(t, ".verified.good h1", "valid")
	stranger.shows(t, ".verified.good", name)
	stranger.isPDF(t, `.verified a[href*="/pdf"]`)

	b.mustOpen(t, "/learn/"+slug)
	if done := mustAsk[int](t, b, `document.querySelectorAll(".lessons .n.done").length`); done != lessons+1 {
		t.Errorf("the course shows %d lessons as done, want %d and the quiz", done, lessons)
	}
	if e := enrolled(t, email, slug); e.CompletedAt == nil || e.Score == nil || *e.Score != 100 {
		t.Errorf("the API says of the enrollment: %+v", e)
	}
	b.silent(t)
	stranger.silent(t)
}

// finishLessons does all lessons before the quiz and says how many there were.
func (b *tab) finishLessons(t *testing.T, slug string) (lessons int) {
	t.Helper()
	for !mustAsk[bool](t, b, `document.querySelector(".quiz") !== null`) {
		lessons++
		b.isAt(t, fmt.Sprintf("/learn/%s/%d", slug, lessons), "going on")
		b.must(t, click("#done button"))
	}
	return lessons
}

// answersTo gives a quiz's right answers and, for each question, a wrong one. Only the primary knows them.
func answersTo(t *testing.T, course string) (right, wrong []string) {
	t.Helper()
	var source openapi.CourseSource
	get(t, platform, "/courses/"+course+"/source", &source)
	for _, q := range source.Lessons[len(source.Lessons)-1].Quiz.Questions {
		missed := false
		for _, o := range q.Options {
			field := fmt.Sprintf(`#quiz input[name="q%d"][value="%d"]`, *q.Id, *o.Id)
			if o.IsRight {
				right = append(right, field)
			} else if !missed {
				wrong, missed = append(wrong, field), true
			}
		}
	}
	return right, wrong
}

// answer begins an attempt, chooses and hands in.
func (b *tab) answer(t *testing.T, fields []string) {
	t.Helper()
	b.must(t, click(`button[value="start"]`))
	for _, field := range fields {
		b.must(t, chromedp.Click(chromedp.CSS(field)))
	}
	b.must(t, click(`#quiz button[value="submit"]`))
}

// enrolled is what the API says of a newcomer's enrollment.
func enrolled(t *testing.T, email, course string) openapi.EnrollmentSummary {
	t.Helper()
	base := shared.primary() + "/api/v1"
	var tokens openapi.Tokens
	if err := api(http.MethodPost, base+"/auth/login", "", openapi.LoginRequest{Email: &email, Password: ownPassword}, &tokens); err != nil {
		t.Fatal(err)
	}
	var mine openapi.EnrollmentPage
	if err := api(http.MethodGet, base+"/me/enrollments?size=100", tokens.AccessToken, nil, &mine); err != nil {
		t.Fatal(err)
	}
	for _, e := range mine.Items {
		if e.CourseSlug == course {
			return e
		}
	}
	t.Fatalf("%s has no enrollment in %s", email, course)
	return openapi.EnrollmentSummary{}
}

// TestALearnersDoneSurvivesACutNetworkAndAReload: it waits in the browser, says so, and is sent once.
func TestALearnersDoneSurvivesACutNetworkAndAReload(t *testing.T) {
	const slug, email = "travel", "amelia@example.com"
	b := newcomer(t, email, "Amelia Earhart")
	b.takeUp(t, slug, "Travel")
	lesson := b.path(t)
	b.silent(t)
	carriedOut := b.posts(t, lesson)

	b.cut(t, true)
	b.must(t, chromedp.Click(chromedp.CSS("#done button")), chromedp.WaitVisible(chromedp.CSS(`#outbox [data-state="waiting"]`)))
	if status, err := b.open(lesson); err == nil {
		t.Fatalf("a cut network answers with %d", status)
	}
	if n := carriedOut.Load(); n != 0 {
		t.Fatalf("%d forms have passed a cut network", n)
	}
	b.must(t, chromedp.Navigate("about:blank")) // the browser's own page would load the lesson as soon as it can
	b.heard()                                   // of what was cut

	b.cut(t, false)
	b.mustOpen(t, lesson)
	b.must(t, chromedp.WaitVisible(chromedp.CSS(`#outbox [data-state="saved"], a[rel="next"]`)))
	b.must(t, leave(chromedp.Reload()))
	if left := mustAsk[int](t, b, `document.querySelectorAll("#outbox [data-state]").length`); left != 0 {
		t.Errorf("%d notices say that something was not sent", left)
	}
	b.must(t, click(`a[rel="next"]`)) // which is there once the lesson is done
	b.isAt(t, "/learn/"+slug+"/2", "going on")
	// That it was, the enrollment says; which of the pages that this tab has had got it through does not matter.
	if n := carriedOut.Load(); n > 1 {
		t.Errorf("the server has carried it out %d times", n)
	}
	if e := enrolled(t, email, slug); e.LessonsDone != 1 {
		t.Errorf("%d lessons are done", e.LessonsDone)
	}
	b.silent(t)

	// Of the next lesson another tab sees to it, which reaches the server.
	lesson = b.path(t)
	carriedOut = b.posts(t, lesson)
	b.cut(t, true)
	b.must(t, chromedp.Click(chromedp.CSS("#done button")), chromedp.WaitVisible(chromedp.CSS(`#outbox [data-state="waiting"]`)))
	other := b.another(t)
	elsewhere := other.posts(t, lesson)
	other.mustOpen(t, "/learn")
	other.must(t, chromedp.WaitVisible(chromedp.CSS(`#outbox [data-state="saved"]`)))
	b.must(t, chromedp.WaitNotPresent(chromedp.CSS("#outbox [data-state]")))
	b.heard() // of what was cut
	b.cut(t, false)
	b.must(t, leave(chromedp.Reload()), click(`a[rel="next"]`))
	if here, there := carriedOut.Load(), elsewhere.Load(); here != 0 || there != 1 {
		t.Errorf("the server has carried it out for the first tab %d times, and for the other %d times", here, there)
	}
	if e := enrolled(t, email, slug); e.LessonsDone != 2 {
		t.Errorf("%d lessons are done", e.LessonsDone)
	}
	b.silent(t)
	other.silent(t)
}

// emulateNetwork is a command under its old name, which browsers of all ages know. It takes what the new one does.
var emulateNetwork = cdp.Command[network.OverrideNetworkStateParams, cdp.Empty]{Method: "Network.emulateNetworkConditions"}

// cut cuts the browser off from the network, or connects it again.
func (b *tab) cut(t *testing.T, off bool) {
	t.Helper()
	b.must(t, call(emulateNetwork, network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}))
}

// posts counts the forms of a page that are answered from now on.
func (b *tab) posts(t *testing.T, path string) *atomic.Int64 {
	t.Helper()
	var answered atomic.Int64
	sent := make(map[network.RequestID]bool) // events come one after the other
	err := chromedp.Listen(b.ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if e.Request.Method == "POST" && e.Request.URL == b.base+path {
				sent[e.RequestID] = true
			}
		case *network.EventResponseReceived:
			if sent[e.RequestID] {
				answered.Add(1)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return &answered
}

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp" // drives a real browser
)

// seen is within what time a page shows what has become of a region.
const seen = 2 * time.Second

// TestTheStatusPageShowsAnEdgeStoppedAndBack looks at the page of the primary while the process of an edge is
// killed and started again.
func TestTheStatusPageShowsAnEdgeStoppedAndBack(t *testing.T) {
	w := newWorld(t, []string{"fra", "iad"})
	w.serve("fra")
	iad := w.serve("iad")
	browser, done := openBrowser(t)
	defer done()
	err := chromedp.Do(browser,
		chromedp.Navigate(w.api("fra")+"/status"),
		chromedp.WaitVisible(`[data-region="iad"][data-state="ready"]`),
		chromedp.WaitVisible(`#live.good`),
	)
	if err != nil {
		t.Fatal(err)
	}
	watch(browser, t, "silent", iad.kill)
	watch(browser, t, "ready", func() {
		iad.start()
		iad.ready()
	})
}

// watch does something to iad, and holds that the page shows its state in time: by the page's own clock, from when
// that was done. Whatever the page says after that, it says in words, too.
func watch(browser context.Context, t *testing.T, state string, act func()) {
	t.Helper()
	const waiting = `new Promise((resolve) => {
		const card = () => document.querySelector('[data-region="iad"]');
		const look = () => card()?.dataset.state === %q && resolve([performance.timeOrigin + performance.now(), card().querySelector('[data-f=state]').textContent].join('|'));
		new MutationObserver(look).observe(document.getElementById('main'), { subtree: true, attributes: true, childList: true });
		look();
	})`
	type sight struct {
		text string
		err  error
	}
	sights := make(chan sight, 1)
	go func() {
		text, err := chromedp.Run(browser, chromedp.Evaluate[string](fmt.Sprintf(waiting, state), func(p *runtime.EvaluateParams) { p.AwaitPromise = new(bool); *p.AwaitPromise = true }))
		sights <- sight{text, err}
	}()
	act()
	acted := time.Now()
	s := <-sights
	if s.err != nil {
		t.Fatalf("waiting for the page to show that iad is %s: %v", state, s.err)
	}
	var at float64
	var word string
	if _, err := fmt.Sscanf(s.text, "%g|%s", &at, &word); err != nil {
		t.Fatalf("the page gave %q: %v", s.text, err)
	}
	took := time.UnixMicro(int64(at * 1000)).Sub(acted)
	t.Logf("iad is %s: shown %v after (%s)", state, took.Round(time.Millisecond), word)
	if took > seen {
		t.Errorf("the page showed that iad is %s after %v, want at most %v", state, took, seen)
	}
}

// openBrowser starts a browser of its own, which ends with the test and leaves nothing.
func openBrowser(t *testing.T) (context.Context, func()) {
	t.Helper()
	folder := t.TempDir()
	options := append(
		chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(folder), chromedp.Env("TMPDIR="+folder),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	browser, closeBrowser := chromedp.NewContext(allocator)
	browser, cancel := context.WithTimeout(browser, 90*time.Second)
	return browser, func() {
		cancel()
		closeBrowser()
		end()
	}
}

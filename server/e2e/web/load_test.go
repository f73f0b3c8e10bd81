package web_test

import (
	"slices"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestFirstLoadIsSmall: over a warm edge, a browser that was never there gets a page in less than 100 KB
// and shows the largest thing on it in less than half a second.
func TestFirstLoadIsSmall(t *testing.T) {
	const (
		loads    = 5
		maxBytes = 100_000
		maxPaint = 500 // ms
	)
	for _, l := range list() {
		if !l.first {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			cookies := signedIn(t, l.as)
			var paints, sizes []float64
			for range loads + 1 { // the first of them warms the edge
				b := newTab(t, shared.edge())
				b.must(t, cookies...)
				b.visit(t, l.page, 0)
				paints = append(paints, mustAsk[float64](t, b, largestPaint))
				b.mu.Lock()
				sizes = append(sizes, b.received)
				b.mu.Unlock()
			}
			paints = paints[1:]
			slices.Sort(paints)
			size, paint := slices.Max(sizes), paints[loads/2]
			t.Logf("%s: %.1f KB, largest contentful paint after %.0f ms", l.page, size/1000, paint)
			if size < 10_000 || size > maxBytes {
				t.Errorf("a first load of %s takes %.0f bytes, want at most %d", l.page, size, maxBytes)
			}
			if paint <= 0 || paint > maxPaint {
				t.Errorf("the largest contentful paint of %s is after %.0f ms, want at most %d: all were %.0f", l.page, paint, maxPaint, paints)
			}
		})
	}
}

// largestPaint is known when the fonts are there and a frame was drawn with them.
const largestPaint = `new Promise((done) => {
  new PerformanceObserver(async (list) => {
    let last = list.getEntries().at(-1);
    new PerformanceObserver((more) => { last = more.getEntries().at(-1); }).observe({type: "largest-contentful-paint", buffered: true});
    await document.fonts.ready;
    requestAnimationFrame(() => requestAnimationFrame(() => done(last.startTime)));
  }).observe({type: "largest-contentful-paint", buffered: true});
})`

// signedIn gives a tab the cookies of somebody's session, without a page that would fill its cache.
func signedIn(t *testing.T, as string) []void {
	t.Helper()
	if as == nobody {
		return nil
	}
	b := newTab(t, shared.edge())
	if err := b.signIn(as); err != nil {
		t.Fatal(err)
	}
	cookies, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		t.Fatal(err)
	}
	var set []void
	for _, c := range cookies.Cookies {
		set = append(set, call(network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: b.base, HTTPOnly: &c.HTTPOnly, SameSite: c.SameSite}))
	}
	return set
}

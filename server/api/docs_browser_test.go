package api

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp" // drives a real browser
)

// TestDocsInABrowser reads /docs in a real browser, signs in with a token under Authorize, and tries an
// operation out: the policy of the page forbids nothing that this needs, and nothing is asked of
// anybody else.
func TestDocsInABrowser(t *testing.T) {
	n := newNode(t, nil)
	base := n.listen()
	folder := t.TempDir() // of its profile, and of what it leaves among temporary files
	options := append(
		chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(folder), chromedp.Env("TMPDIR="+folder),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	defer end()
	browser, closeBrowser := chromedp.NewContext(allocator)
	defer closeBrowser()
	browser, cancel := context.WithTimeout(browser, 90*time.Second)
	defer cancel()

	var mu sync.Mutex
	var asked, complaints []string
	err := chromedp.Listen(browser, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			asked = append(asked, e.Request.URL)
		case *log.EventEntryAdded:
			complaints = append(complaints, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	const me = `#operations-me-me`
	documented := len(operations(t)) // each appears by and by
	var whole bool
	var status, body string
	err = chromedp.Do(
		browser,
		chromedp.Navigate(base+"/docs"),
		chromedp.WaitVisible(me),
		value(chromedp.Poll[bool](fmt.Sprintf(`document.querySelectorAll('.opblock').length === %d`, documented)), &whole),
		chromedp.Click(`.auth-wrapper .authorize`),
		chromedp.WaitVisible(`.auth-container input`),
		chromedp.SendKeys(`.auth-container input`, n.token(1)),
		chromedp.Click(`.auth-container .modal-btn.authorize`),
		chromedp.Click(`.auth-container .btn-done`),
		chromedp.Click(me+` .opblock-summary-control`),
		chromedp.Click(me+` .try-out__btn`),
		chromedp.Click(me+` .execute`),
		chromedp.WaitVisible(me+` .live-responses-table .response-col_status`),
		value(chromedp.Text(me+` .live-responses-table .response .response-col_status`), &status),
		value(chromedp.Text(me+` .live-responses-table .response .response-col_description`), &body),
	)
	mu.Lock()
	defer mu.Unlock()
	if err != nil {
		t.Fatalf("%v; asked for %q; the browser says %q", err, asked, complaints)
	}
	if !whole {
		t.Errorf("the page does not show all %d operations", documented)
	}
	if strings.TrimSpace(status) != "200" || !strings.Contains(body, "user1@example.com") {
		t.Errorf("trying out GET /api/v1/me shows %q: %s", status, body)
	}
	if len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
	host := strings.TrimPrefix(base, "http://")
	for _, request := range asked {
		if u, err := url.Parse(request); err != nil || u.Scheme != "data" && u.Host != host {
			t.Errorf("the page asked for %s", request)
		}
	}
}

// value keeps what an action gives.
func value[T any](a chromedp.Action[T], to *T) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) (err error) {
		*to, err = a(ctx, target)
		return err
	})
}

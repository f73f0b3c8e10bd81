package web_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"outpost/sql/seed"
)

// startBrowser starts a Chromium that reaches this machine and no other.
func startBrowser(parent context.Context, folder string) (_ context.Context, end func() error, err error) {
	options := append(
		chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(folder), chromedp.Env("TMPDIR="+folder), // of what it leaves among temporary files
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	)
	allocator, release := chromedp.NewExecAllocator(parent, options...)
	browser, _ := chromedp.NewContext(allocator) // ended by Cancel
	if err := chromedp.Do(browser); err != nil {
		release()
		return nil, nil, fmt.Errorf("starting the browser: %w", err)
	}
	return browser, func() error {
		defer release()
		ctx, cancel := context.WithTimeout(browser, patience)
		defer cancel()
		return chromedp.Cancel(ctx)
	}, nil
}

type void = chromedp.Action[chromedp.Void]

// tab is one of a browser that starts with no cookies and an empty cache. It remembers what it has asked
// for, and what the browser complained about.
type tab struct {
	ctx  context.Context
	base string // of the region that it looks at

	mu         sync.Mutex
	asked      []string
	complaints []string
	received   float64 // bytes, as they came over the wire
}

// openTab opens one; the context ends with the function that it gives.
func openTab(base string, options ...chromedp.ContextOption) (*tab, func(), error) {
	return openIn(shared.browser, base, append(options, chromedp.WithNewBrowserContext())...)
}

func openIn(parent context.Context, base string, options ...chromedp.ContextOption) (*tab, func(), error) {
	ctx, end := chromedp.NewContext(parent, options...)
	b := &tab{ctx: ctx, base: base}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		end()
		return nil, nil, fmt.Errorf("opening a tab: %w", err)
	}
	return b, end, nil
}

// newTab is openTab for as long as the test.
func newTab(t *testing.T, base string) *tab {
	t.Helper()
	b, end, err := openTab(base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return b
}

// another tab of the same browser: it shares the cookies.
func (b *tab) another(t *testing.T) *tab {
	t.Helper()
	other, end, err := openIn(b.ctx, b.base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return other
}

// note takes an event. Nothing may be asked of the browser in it.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	complain := func(format string, values ...any) {
		b.complaints = append(b.complaints, fmt.Sprintf(format, values...))
	}
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *network.EventResponseReceived:
		// The page's own status is expected or not by who asked for it.
		if e.Response.Status >= 400 && e.Type != network.ResourceTypeDocument {
			complain("%s is answered with %d", e.Response.URL, e.Response.Status)
		}
	case *network.EventLoadingFinished:
		b.received += e.EncodedDataLength
	case *network.EventLoadingFailed:
		if !e.Canceled {
			complain("a request has failed: %s %s", e.ErrorText, e.BlockedReason)
		}
	case *log.EventEntryAdded:
		loud := e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning
		if loud && e.Entry.Source != log.EntrySourceNetwork { // see above
			complain("%s: %s", e.Entry.Source, e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			complain("the console says %s", said(e.Args))
		}
	case *runtime.EventExceptionThrown:
		complain("%s %s", e.ExceptionDetails.Text, said([]*runtime.RemoteObject{e.ExceptionDetails.Exception}))
	}
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		if a != nil {
			words = append(words, cmp.Or(a.Description, string(a.Value)))
		}
	}
	return strings.Join(words, " ")
}

// heard gives the complaints since it was last asked. A request of another host is one.
func (b *tab) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	heard := b.complaints
	for _, request := range b.asked {
		if u, err := url.Parse(request); err != nil || u.Scheme != "data" && u.Scheme+"://"+u.Host != b.base {
			heard = append(heard, "another host is asked: "+request)
		}
	}
	b.complaints, b.asked = nil, nil
	slices.Sort(heard)
	return slices.Compact(heard)
}

// do takes steps, each of which waits for what it needs.
func (b *tab) do(steps ...void) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	err := chromedp.Do(ctx, steps...)
	if errors.Is(err, context.DeadlineExceeded) {
		shown, _ := ask[string](b, `location.href + "\n" + document.body.innerText.slice(0, 600)`) // only to explain
		err = fmt.Errorf("%w; the tab shows %s", err, shown)
	}
	return err
}

// must is do for a test.
func (b *tab) must(t *testing.T, steps ...void) {
	t.Helper()
	if err := b.do(steps...); err != nil {
		t.Fatal(err)
	}
}

// open goes to a page and gives its status.
func (b *tab) open(path string) (int64, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if strings.Contains(path, "#") { // from the same path it would be no navigation
		if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
			return 0, fmt.Errorf("leaving for %s: %w", path, err)
		}
	}
	response, err := chromedp.Run(ctx, chromedp.NavigateResponse(b.base+path))
	if err != nil {
		return 0, fmt.Errorf("going to %s: %w", path, err)
	}
	return response.Status, nil
}

// mustOpen is open of a page that is there.
func (b *tab) mustOpen(t *testing.T, path string) {
	t.Helper()
	if status, err := b.open(path); err != nil || status != 200 {
		t.Fatalf("%s is answered with %d: %v", path, status, err)
	}
}

// ask evaluates an expression in the page; a promise is awaited.
func ask[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return v, fmt.Errorf("asking the page: %w", err)
	}
	return v, nil
}

func mustAsk[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	v, err := ask[T](b, expression)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// path is where the tab is, without the host.
func (b *tab) path(t *testing.T) string {
	t.Helper()
	var now string
	b.must(t, value(chromedp.Location(), &now))
	return strings.TrimPrefix(now, b.base)
}

// signIn signs somebody in, as they would.
func (b *tab) signIn(email string) error {
	if _, err := b.open("/sign-in?next=/learn"); err != nil {
		return err
	}
	return b.do(
		chromedp.SetValue(chromedp.CSS("#f-email"), email),
		chromedp.SetValue(chromedp.CSS("#f-password"), seed.Password),
		leave(chromedp.Click(chromedp.CSS("main form button.primary"))),
		chromedp.WaitReady(chromedp.CSS(`form[action="/sign-out"]`)),
	)
}

// leave is an action by which the tab goes to another page, and waits until that has loaded.
func leave(action void) void {
	return func(ctx context.Context, target *chromedp.Target) (void chromedp.Void, err error) {
		_, err = chromedp.WaitEvent(page.LoadEventFired, nil, action)(ctx, target)
		return void, err
	}
}

// value keeps what an action gives.
func value[T any](a chromedp.Action[T], to *T) void {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) (err error) {
		*to, err = a(ctx, target)
		return err
	})
}

// call is a command of the browser's protocol.
func call[P, R any](command cdp.Command[P, R], params P) void {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

// look sets what the page is shown on: a width and a colour scheme, and nothing that moves.
func (b *tab) look(width int64, scheme string) error {
	return b.do(
		call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1}),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}),
	)
}

// settled waits until fonts and images are there.
func (b *tab) settled() error {
	_, err := ask[bool](b, `Promise.all([document.fonts.ready, ...[...document.images].map((i) => i.decode().catch(() => 0))]).then(() => true)`)
	return err
}

// script switches the page's scripts on or off.
func (b *tab) script(on bool) error {
	return b.do(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}))
}

package web_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestPagesAreAccessible looks at every page in both languages, widths and colour schemes: axe finds
// nothing that is against WCAG 2.2 AA, the browser has nothing to complain about, nothing is asked of
// another host, and nobody has to scroll sideways.
func TestPagesAreAccessible(t *testing.T) {
	began, pages := time.Now(), 0
	for who, theirs := range byPerson() {
		pages += len(theirs)
		t.Run(cmp.Or(who, "nobody"), func(t *testing.T) {
			b := newTab(t, shared.edge())
			if who != nobody {
				if err := b.signIn(who); err != nil {
					t.Fatal(err)
				}
			}
			for _, l := range theirs {
				t.Run(l.name, func(t *testing.T) {
					path, err := l.fill()
					if err != nil {
						t.Fatal(err)
					}
					for _, locale := range []string{"en", "de"} {
						b.visit(t, in(locale, path), l.status)
						wrong, err := b.inspect()
						if err != nil {
							t.Fatal(err)
						}
						for _, w := range wrong {
							t.Errorf("%s in %s: %s", path, locale, w)
						}
					}
				})
			}
		})
	}
	t.Logf("%d pages in %v", pages, time.Since(began).Round(time.Millisecond))
}

// byPerson is the list by who looks at the pages.
func byPerson() map[string][]listed {
	all := make(map[string][]listed)
	for _, l := range list() {
		all[l.as] = append(all[l.as], l)
	}
	return all
}

// in is a path in a language.
func in(locale, path string) string {
	before, fragment, marked := strings.Cut(path, "#")
	mark := "?"
	if strings.Contains(before, "?") {
		mark = "&"
	}
	before += mark + "locale=" + locale
	if marked {
		before += "#" + fragment
	}
	return before
}

// visit goes to a page, which has to have that status; 0 is 200.
func (b *tab) visit(t *testing.T, path string, want int64) {
	t.Helper()
	if want == 0 {
		want = http.StatusOK
	}
	got, err := b.open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("%s is answered with %d, want %d", path, got, want)
	}
}

// inspect gives what is wrong with the page that the tab shows.
func (b *tab) inspect() (wrong []string, err error) {
	axe, err := os.ReadFile("../../../.bin/web/node_modules/axe-core/axe.min.js")
	if err != nil {
		return nil, fmt.Errorf("%w: make .bin/web/installed", err)
	}
	if err := b.settled(); err != nil {
		return nil, err
	}
	if err := b.do(chromedp.Evaluate[chromedp.Void](string(axe))); err != nil {
		return nil, err
	}
	for _, width := range []int64{1440, 390} {
		for _, scheme := range []string{"light", "dark"} {
			if err := b.look(width, scheme); err != nil {
				return nil, err
			}
			rules := everything
			if scheme == "dark" {
				rules = colours // of what is there, the scheme changes nothing else
			}
			found, err := ask[[]string](b, fmt.Sprintf(inspection, rules))
			if err != nil {
				return nil, err
			}
			for _, f := range found {
				wrong = append(wrong, fmt.Sprintf("%d px, %s: %s", width, scheme, f))
			}
		}
	}
	return append(wrong, b.heard()...), nil
}

// What axe looks for.
const (
	everything = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]`
	colours    = `{type: "rule", values: ["color-contrast", "link-in-text-block"]}`
)

// inspection asks axe, and looks for what sticks out.
const inspection = `(async () => {
  const wrong = [];
  const found = await axe.run(document, {
    runOnly: %s, resultTypes: ["violations"], preload: false,
  });
  for (const v of found.violations) {
    for (const n of v.nodes) wrong.push(v.id + " at " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " "));
  }
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    const out = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
    const what = out.slice(0, 3).map((e) => e.outerHTML.slice(0, 120).replace(/\s+/g, " "));
    wrong.push("it is " + root.scrollWidth + " px wide: " + what.join(" … "));
  }
  return wrong;
})()`

// TestAnInspectionFinds what it looks for, lest it finds nothing on our pages because it is blind.
func TestAnInspectionFinds(t *testing.T) {
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "style-src 'unsafe-inline'; script-src 'unsafe-inline'")
		if r.URL.Path != "/bad" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, `<!doctype html><html><head><title>Bad</title><style>.pale{color:#ccc;background:#fff}.wide{width:900px}
@media (prefers-color-scheme: dark){.dim{color:#111;background:#000}}</style></head><body>
<img src="/missing.png"><p class="pale">pale</p><p class="dim">dim</p><div class="wide">wide</div><input>
<script>console.error("the console's"); setTimeout(() => { throw new Error("the exception's") });
const s = document.createElement("script"); s.src = "/forbidden.js"; document.head.append(s);</script>
<img src="http://another.example/x.png" alt="another"></body></html>`)
	}))
	defer bad.Close()
	b := newTab(t, bad.URL)
	b.visit(t, "/bad", 0)
	wrong, err := b.inspect()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(wrong, "\n")
	for _, want := range []string{
		"1440 px, light: html-has-lang", "image-alt", "label at input", "390 px, light: it is", "1440 px, light: color-contrast at .pale", "1440 px, dark: color-contrast at .dim",
		"missing.png is answered with 404", "the console says", "the exception's", "Content Security Policy", "another host is asked: http://another.example",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("it does not find %q in:\n%s", want, all)
		}
	}
	for _, never := range []string{"1440 px, light: it is", "light: color-contrast at .dim"} {
		if strings.Contains(all, never) {
			t.Errorf("it finds %q", never)
		}
	}
}

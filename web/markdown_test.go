package web

import (
	"regexp"
	"strings"
	"testing"
)

func TestMarkdownIsRendered(t *testing.T) {
	got, err := markdown("## Heading\n\nA *soft* and **strong** word, ~~none~~, `code`.\n\n3. three\n4. four\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n" +
		"[out](https://example.com/x) [in](/learn) [mail](mailto:a@example.com)\n\n> quoted\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<h2>Heading</h2>", "<em>soft</em>", "<strong>strong</strong>", "<del>none</del>", "<code>code</code>", `<ol start="3">`, "<th>a</th>", "<td>2</td>",
		`href="https://example.com/x"`, `rel="noreferrer"`, `href="/learn"`, `href="mailto:a@example.com"`, "<blockquote>",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("it lacks %s: %s", want, got)
		}
	}
}

// attacks are what a course could try.
var attacks = []string{
	"<script>alert(1)</script>", "hello <b onclick=\"alert(1)\">there</b>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))",
	"[x](data:text/html;base64,PHNjcmlwdD4=)", "[x](vbscript:x)", "![x](https://example.com/pixel.png)", "<style>*{display:none}</style>", "<iframe src=//example.com></iframe>",
	"<a href=\"javascript:alert(1)\">x</a>", "[x](&#106;avascript:alert(1))", "[x](<java\nscript:alert(1)>)", "<svg><script>alert(1)</script></svg>", "<!-- --><form action=/x><button>x</button></form>",
	"[x](https://example.com \"a\\\" onmouseover=alert(1) x=\\\"\")", "<javascript:alert(1)>", "[a]: javascript:alert(1)\n[a]", "[x](http://example.com)", "# one\n\n<h1 id=x class=y style=z>two</h1>",
}

// forbidden is what no lesson may have, however it is written.
var forbidden = regexp.MustCompile(`(?i)<(script|style|img|svg|iframe|form|button|input|link|meta|object|embed|base|h1)\b|<[^>]*\s(on\w+|style|class|id|src|srcset|formaction)\s*=|href="\s*(javascript|data|vbscript|http|file|blob):`)

func TestMarkdownIsSanitised(t *testing.T) {
	for _, attack := range attacks {
		got, err := markdown(attack)
		if err != nil {
			t.Fatal(err)
		}
		if found := forbidden.FindString(string(got)); found != "" {
			t.Errorf("%q gives %s: %s", attack, found, got)
		}
	}
}

// FuzzMarkdown looks for a source that gets through.
func FuzzMarkdown(f *testing.F) {
	for _, attack := range attacks {
		f.Add(attack)
	}
	f.Fuzz(func(t *testing.T, source string) {
		got, err := markdown(source)
		if err != nil {
			t.Fatal(err)
		}
		if found := forbidden.FindString(string(got)); found != "" {
			t.Errorf("%q gives %s: %s", source, found, got)
		}
	})
}

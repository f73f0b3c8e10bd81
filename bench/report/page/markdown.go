package page

import (
	"fmt"
	"regexp"
	"strings"

	"outpost/bench/report/result"
)

// Markdown is a run as a page.
func Markdown(r *result.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n%s.\n\n", r.Run.Scenario, outcome(r).Text, summary(r))
	markdownFacts(&b, facts(r))
	for _, t := range append(filled(thresholds(r)), tables(r)...) {
		t.markdown(&b)
	}
	return b.String()
}

func markdownFacts(b *strings.Builder, list []fact) {
	for _, f := range list {
		fmt.Fprintf(b, "- %s: %s\n", f.Name, escaped(f.Text))
	}
}

func (t table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n", t.Title)
	if t.Note != "" {
		fmt.Fprintf(b, "%s\n\n", t.Note)
	}
	line := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Head)
	rule := make([]string, len(t.Head))
	for i := range rule {
		rule[i] = "---"
		if i >= t.Names {
			rule[i] = "---:"
		}
	}
	line(rule)
	for _, row := range t.Rows {
		texts := make([]string, len(row))
		for i, c := range row {
			texts[i] = escaped(c.Text)
		}
		line(texts)
	}
}

// tag is how one would begin.
var tag = regexp.MustCompile(`<([a-zA-Z/!?])`)

// escaped keeps a name from ending a cell or beginning a tag.
func escaped(text string) string {
	return tag.ReplaceAllString(strings.NewReplacer("|", `\|`, "\n", " ").Replace(text), "&lt;$1")
}

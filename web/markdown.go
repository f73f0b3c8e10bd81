package web

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"github.com/microcosm-cc/bluemonday" // lets through a list of elements, whatever the renderer makes
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

var (
	// renderer leaves HTML in the source out.
	renderer = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough))
	sanitise = sanitiser()
)

// sanitiser allows what lessons are made of. Links lead away without telling from where.
func sanitiser() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "del", "code", "pre", "blockquote", "hr", "br",
		"table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(false)
	p.RequireNoReferrerOnFullyQualifiedLinks(true)
	return p
}

// markdown is a lesson's text as HTML.
func markdown(source string) (template.HTML, error) {
	var out bytes.Buffer
	if err := renderer.Convert([]byte(source), &out); err != nil {
		return "", fmt.Errorf("rendering Markdown: %w", err)
	}
	return template.HTML(sanitise.SanitizeBytes(out.Bytes())), nil //nolint:gosec // sanitised
}

// inline is a text of one paragraph as HTML that can stand in a label.
func inline(source string) (template.HTML, error) {
	html, err := markdown(source)
	text := strings.TrimSpace(string(html))
	if one, ok := strings.CutPrefix(text, "<p>"); ok && strings.Count(text, "<p>") == 1 {
		text = strings.TrimSuffix(one, "</p>")
	}
	return template.HTML(text), err //nolint:gosec // sanitised
}

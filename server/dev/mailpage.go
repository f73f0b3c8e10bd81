package dev

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

//go:embed mail.html
var mailHTML string

// mailPages shows what was caught: a list and each mail, to people as HTML and to programs as JSON.
// Everything in a mail is shown as text, its HTML too; only links that stand on a line of their own
// can be followed. Files are given to be saved, whatever they are.
type mailPages struct {
	catcher *catcher
	page    *template.Template
}

func newMailPages(c *catcher) (*mailPages, error) {
	page, err := template.New("mail").Parse(mailHTML)
	if err != nil {
		return nil, fmt.Errorf("reading the page that shows mail: %w", err)
	}
	return &mailPages{catcher: c, page: page}, nil
}

// line is a line of a mail's text.
type line struct {
	Text string
	Link bool
}

// ServeHTTP answers /dev/mail, /dev/mail.json, /dev/mail/{id} and /dev/mail/{id}/files/{n}; ?to= asks for
// one recipient's.
func (p *mailPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // a link holds a token
	if strings.Contains(r.URL.Path, "/files/") {
		p.serveFile(w, r.URL.Path)
		return
	}
	mails := p.catcher.list(r.URL.Query().Get("to"))
	var shown *Mail
	if id, one := strings.CutPrefix(r.URL.Path, "/dev/mail/"); one {
		for i := range mails {
			if strconv.Itoa(mails[i].ID) == id {
				shown = &mails[i]
			}
		}
		if shown == nil {
			http.Error(w, "There is no such mail, or not any more.", http.StatusNotFound)
			return
		}
	}
	if strings.HasSuffix(r.URL.Path, ".json") || strings.Contains(r.Header.Get("Accept"), "application/json") {
		var value any = map[string]any{"items": mails}
		if shown != nil {
			value = shown
		}
		answer(w, "application/json", func(b *bytes.Buffer) error { return json.NewEncoder(b).Encode(value) })
		return
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'")
	answer(w, "text/html; charset=utf-8", func(b *bytes.Buffer) error {
		return p.page.Execute(b, struct {
			Mails []Mail
			Shown *Mail
			Lines []line
		}{mails, shown, linesOf(shown)})
	})
}

func (p *mailPages) serveFile(w http.ResponseWriter, path string) {
	name, content, ok := p.catcher.file(path)
	if !ok {
		http.Error(w, "There is no such file, or not any more.", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	_, _ = w.Write(content) // whoever asked has gone
}

func linesOf(m *Mail) (lines []line) {
	if m == nil {
		return nil
	}
	for text := range strings.Lines(m.Text) {
		text = strings.TrimRight(text, "\n")
		web := strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
		lines = append(lines, line{Text: text, Link: web && !strings.ContainsAny(text, " \t\"'<>")})
	}
	return lines
}

func answer(w http.ResponseWriter, kind string, write func(*bytes.Buffer) error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		http.Error(w, "The page cannot be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(b.Bytes()) // whoever asked has gone
}

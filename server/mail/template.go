package mail

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"strings"
	text "text/template"
	"unicode"
)

//go:embed templates
var files embed.FS

// maxValue bounds what a name can do to a letter.
const maxValue = 200

// rendered is a letter in words.
type rendered struct {
	subject string
	text    string
	html    string
}

// templates are a letter's words by kind and language: a text whose first line is the subject,
// and one layout that makes HTML of the same paragraphs.
type templates struct {
	texts  map[string]*text.Template // by language and kind
	layout *html.Template
	public string // URL, without a slash at its end
}

func languages() []string { return []string{"de", "en"} }

func newTemplates(public string) (*templates, error) {
	t := &templates{texts: make(map[string]*text.Template), public: strings.TrimRight(public, "/")}
	for _, language := range languages() {
		for _, kind := range Kinds() {
			name := language + "/" + string(kind)
			content, err := files.ReadFile("templates/" + name + ".txt")
			if err != nil {
				return nil, fmt.Errorf("reading a mail template: %w", err)
			}
			if t.texts[name], err = text.New(name).Option("missingkey=error").Parse(string(content)); err != nil {
				return nil, fmt.Errorf("reading a mail template: %w", err)
			}
		}
	}
	var err error
	if t.layout, err = html.ParseFS(files, "templates/layout.html"); err != nil {
		return nil, fmt.Errorf("reading a mail template: %w", err)
	}
	return t, nil
}

// page is where the letter's link leads. The token travels in the fragment, which browsers send to
// no server, so that it stands in no log.
func (t *templates) page(l Letter) string {
	switch l.Kind {
	case Invitation:
		return t.public + "/invitation#token=" + l.Token
	case FirstPassword, PasswordReset:
		return t.public + "/password#token=" + l.Token
	case Reminder:
		return t.public + "/courses"
	case Report, ReportFailed:
		return t.public + "/reports"
	}
	return t.public
}

func (t *templates) render(l Letter) (rendered, error) {
	language := "en"
	if l.Locale == "de" || strings.HasPrefix(l.Locale, "de-") {
		language = "de"
	}
	template, ok := t.texts[language+"/"+string(l.Kind)]
	if !ok {
		return rendered{}, permanent("there is no mail of the kind %q", l.Kind)
	}
	values := wordsOf(language, t.page(l), l.Content)
	var b bytes.Buffer
	if err := template.Execute(&b, values); err != nil {
		return rendered{}, permanent("the template of %s cannot be filled in", l.Kind)
	}
	head, body, _ := strings.Cut(b.String(), "\n")
	subject, ok := strings.CutPrefix(head, "Subject: ")
	if !ok {
		return rendered{}, errors.New("a mail template does not begin with its subject")
	}
	out := rendered{subject: subject, text: strings.TrimSpace(body) + "\n"}
	var paragraphs [][]string // of lines
	for paragraph := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		paragraphs = append(paragraphs, strings.Split(paragraph, "\n"))
	}
	b.Reset()
	err := t.layout.Execute(&b, struct {
		Language, Subject, Link, Token string
		Paragraphs                     [][]string
	}{language, subject, values.Link, l.Token, paragraphs})
	if err != nil {
		return rendered{}, permanent("the HTML of %s cannot be made", l.Kind)
	}
	out.html = b.String()
	return out, nil
}

// oneLine keeps a name from becoming more than that: a paragraph, a header, a letter of its own.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxValue {
		s = string(runes[:maxValue]) + "…"
	}
	return s
}

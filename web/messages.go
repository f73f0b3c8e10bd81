package web

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed messages
var messageFiles embed.FS

// The API speaks English to whoever asks. Pages say in the viewer's language what it says to people.

// saying is one of the API's texts, with its blanks, in another language.
type saying struct {
	of      string // as the code has it
	pattern *regexp.Regexp
	to      string // with a %s for each blank
}

// verbs of fmt are the blanks that the API's texts have.
var verbs = regexp.MustCompile(`%(\.\d+)?[sdqv]`)

// loadMessages reads messages/*.yaml by language, the texts without blanks first: they fit better.
var loadMessages = sync.OnceValues(func() (map[string][]saying, error) {
	files, err := messageFiles.ReadDir("messages")
	if err != nil {
		return nil, err
	}
	all := make(map[string][]saying)
	for _, file := range files {
		content, err := messageFiles.ReadFile("messages/" + file.Name())
		if err != nil {
			return nil, err
		}
		var translated map[string]string
		if err := yaml.Unmarshal(content, &translated); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file.Name(), err)
		}
		var plain, open []saying
		for of, to := range translated {
			m := saying{of: of, to: to}
			parts := verbs.Split(of, -1)
			if len(parts)-1 != strings.Count(to, "%s") {
				return nil, fmt.Errorf("%s: the blanks of %q are not those of its translation", file.Name(), of)
			}
			for i := range parts {
				parts[i] = regexp.QuoteMeta(parts[i])
			}
			if m.pattern, err = regexp.Compile(`^` + strings.Join(parts, `(.+)`) + `$`); err != nil {
				return nil, err
			}
			if len(parts) == 1 {
				plain = append(plain, m)
			} else {
				open = append(open, m)
			}
		}
		// Of several that fit, the one with the most words of its own.
		slices.SortFunc(open, func(a, b saying) int { return len(b.of) - len(a.of) })
		all[strings.TrimSuffix(file.Name(), ".yaml")] = append(plain, open...)
	}
	return all, nil
})

// translate gives one of the API's texts in a language, and the text itself where there is none.
func translate(locale, said string) (string, error) {
	all, err := loadMessages()
	if err != nil {
		return "", err
	}
	for _, m := range all[locale] {
		if found := m.pattern.FindStringSubmatch(said); found != nil {
			given := make([]any, 0, len(found)-1)
			for _, blank := range found[1:] {
				given = append(given, blank)
			}
			return fill(m.to, given), nil
		}
	}
	return said, nil
}

// in gives p in a language.
func (p *Problem) in(locale string) (*Problem, error) {
	out := *p
	out.Fields = slices.Clone(p.Fields)
	var err error
	if out.Detail, err = translate(locale, p.Detail); err != nil {
		return nil, err
	}
	for i := range out.Fields {
		if out.Fields[i].Message, err = translate(locale, out.Fields[i].Message); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

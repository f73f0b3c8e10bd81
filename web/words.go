package web

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"outpost/server/training"
)

//go:embed text
var texts embed.FS

// text is one text in one language: of a number of things, one for a single thing and one for others.
type text struct {
	one, other string
}

// UnmarshalYAML reads a text, or {one: …, other: …}.
func (t *text) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return node.Decode(&t.other)
	}
	var forms struct{ One, Other string }
	if err := node.Decode(&forms); err != nil {
		return err
	}
	t.one, t.other = forms.One, forms.Other
	return nil
}

// words are the texts of one language by their names.
type words map[string]text

// loadWords reads text/*.yaml: of each name, the text in every language.
var loadWords = sync.OnceValues(func() (map[string]words, error) {
	all := make(map[string]words)
	for _, locale := range training.Locales() {
		all[locale] = make(words)
	}
	files, err := fs.Glob(texts, "text/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		content, err := texts.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var named map[string]map[string]text
		if err := yaml.Unmarshal(content, &named); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		for name, translations := range named {
			for locale, in := range all {
				t, ok := translations[locale]
				if _, twice := in[name]; !ok || twice {
					return nil, fmt.Errorf("%s: the text %s is not there once in %s", file, name, locale)
				}
				in[name] = t
			}
		}
	}
	return all, nil
})

// say is the text of that name with its blanks filled in.
func (w words) say(name string, blanks ...any) (string, error) {
	t, ok := w[name]
	if !ok {
		return "", fmt.Errorf("there is no text %s", name)
	}
	return fill(t.other, blanks), nil
}

// count is the text of that name for n things; its first blank is n, as shown.
func (w words) count(name string, n int64, shown string, blanks ...any) (string, error) {
	t, ok := w[name]
	if !ok {
		return "", fmt.Errorf("there is no text %s", name)
	}
	form := t.other
	if n == 1 && t.one != "" {
		form = t.one
	}
	return fill(form, append([]any{shown}, blanks...)), nil
}

func fill(form string, blanks []any) string {
	if !strings.Contains(form, "%s") && !strings.Contains(form, "%v") && !strings.Contains(form, "%[") {
		return strings.ReplaceAll(form, "%%", "%")
	}
	return fmt.Sprintf(form, blanks...)
}

// valuesOf are the values of an enumeration with their texts.
func (w words) valuesOf(of string) (list []choice) {
	for name, t := range w {
		if value, ok := strings.CutPrefix(name, of+"."); ok && !strings.Contains(value, ".") {
			list = append(list, choice{value, t.other})
		}
	}
	slices.SortFunc(list, func(a, b choice) int { return strings.Compare(a.Value, b.Value) })
	return list
}

// word is the text for one value of an enumeration: of "status" and "completed", status.completed. A value
// that has none, of a newer API say, is shown as it is.
func (w words) word(of string, value any) string {
	shown := fmt.Sprint(value)
	if t, ok := w[of+"."+shown]; ok {
		return t.other
	}
	return shown
}

// word is the text for one value of an enumeration, for what is made in Go.
func (r *Request) word(of string, value any) string {
	all, err := loadWords()
	if err != nil {
		panic(fmt.Sprintf("web: %v", err)) // a test reads the texts
	}
	return all[r.Locale].word(of, value)
}

// Package page makes pages of what load tests found out: Markdown, and HTML that is one file with its plots
// in it and asks for nothing else. The plots are SVG made here: a library of charts would either bring a
// script of a megabyte, or colours that know no dark.
package page

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"outpost/bench/report/result"
)

// Keep writes a run and its pages beside those of earlier runs: for a path of x.json to x-1.json, or with the
// first number that none of the three files has yet. It gives all three paths.
func Keep(r *result.Result, path string) ([]string, error) {
	base := strings.TrimSuffix(path, ".json")
	for n := 1; ; n++ {
		numbered := fmt.Sprintf("%s-%d", base, n)
		switch err := claim(numbered); {
		case err == nil:
			return Save(r, numbered+".json")
		case !errors.Is(err, fs.ErrExist):
			return nil, fmt.Errorf("keeping a result: %w", err)
		}
	}
}

// claim takes a name for a run, or says that it is taken: a page may have outlived its figures.
func claim(base string) error {
	for _, page := range []string{base + ".md", base + ".html"} {
		if _, err := os.Lstat(page); err == nil {
			return fs.ErrExist
		}
	}
	file, err := os.OpenFile(base+".json", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return file.Close()
}

// Save writes a run to a path that ends in .json, and its pages beside it. It gives all three paths.
func Save(r *result.Result, path string) ([]string, error) {
	if err := r.Write(path); err != nil {
		return nil, err
	}
	var html bytes.Buffer
	if err := HTML(&html, r); err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(path, ".json")
	if err := os.WriteFile(base+".md", []byte(Markdown(r)), 0o644); err != nil {
		return nil, fmt.Errorf("keeping a page: %w", err)
	}
	if err := os.WriteFile(base+".html", html.Bytes(), 0o644); err != nil {
		return nil, fmt.Errorf("keeping a page: %w", err)
	}
	return []string{path, base + ".md", base + ".html"}, nil
}

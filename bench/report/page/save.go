// Package page makes pages of what load tests found out: Markdown, and HTML that is one file with its plots
// in it and asks for nothing else. The plots are SVG made here: a library of charts would either bring a
// script of a megabyte, or colours that know no dark.
package page

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"outpost/bench/report/result"
)

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

package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

var fingerprinted = regexp.MustCompile(`^[A-Za-z0-9.-]+\.([0-9a-f]{16})\.[a-z0-9]+$`)

func TestAssetsAreNamedAfterTheirContent(t *testing.T) {
	all, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range all.byName {
		sum := sha256.Sum256(a.plain)
		if m := fingerprinted.FindStringSubmatch(name); m == nil || m[1] != hex.EncodeToString(sum[:8]) {
			t.Errorf("%s is not named after its content", name)
		}
	}
	url, err := all.url("app.css")
	if err != nil {
		t.Fatal(err)
	}
	css, ok, err := FindAsset(strings.TrimPrefix(url, Assets))
	if err != nil || !ok {
		t.Fatalf("%s is not there: %v", url, err)
	}
	// A file that names another has the name that it is served under: it changes when that one does.
	if !bytes.Contains(css.plain, []byte(`url("`+all.byFile["inter.woff2"]+`")`)) {
		t.Error("app.css does not name its font as it is served")
	}
	if _, ok, err := FindAsset("app.css"); ok || err != nil {
		t.Errorf("an asset is found without the hash in its name: %v", err)
	}
	if _, err := all.url("missing.css"); err == nil {
		t.Error("a template may name what is not there")
	}
}

// TestAssetsHaveForms: each decodes to the plain one and is smaller.
func TestAssetsHaveForms(t *testing.T) {
	all, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	decoders := map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"zstd": func(r io.Reader) (io.Reader, error) {
			d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			return d.IOReadCloser(), nil
		},
	}
	css := all.byName[all.byFile["app.css"]]
	for encoding, decode := range decoders {
		form, is, err := css.Form(encoding)
		if err != nil || is != encoding || len(form) >= len(css.plain)/2 {
			t.Fatalf("%s: %d bytes of %d in %q: %v", encoding, len(form), len(css.plain), is, err)
		}
		r, err := decode(bytes.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, css.plain) {
			t.Errorf("%s decodes to something else: %v", encoding, err)
		}
	}
	if form, is, err := css.Form("deflate"); err != nil || is != "" || !bytes.Equal(form, css.plain) {
		t.Errorf("an encoding that nobody has gives %q: %v", is, err)
	}
	font := all.byName[all.byFile["inter.woff2"]]
	if form, is, err := font.Form("br"); err != nil || is != "" || font.Compressible() || len(form) != len(font.plain) {
		t.Errorf("the font is compressed once more, as %q: %v", is, err)
	}
	small, err := newAsset("tiny.css", []byte("a{}"))
	if err != nil {
		t.Fatal(err)
	}
	if form, is, err := small.Form("gzip"); err != nil || is != "" || string(form) != "a{}" {
		t.Errorf("what grows by compression is sent as %q: %v", is, err)
	}
}

func TestAssetsThatCannotBeServedAreRefused(t *testing.T) {
	file := func(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"a circle":       {fstest.MapFS{"static/a.js": file(`import "./b.js"`), "static/b.js": file(`import { a } from "./a.js"`)}, "circle"},
		"a missing file": {fstest.MapFS{"static/a.css": file(`@font-face { src: url("b.woff2") }`)}, "b.woff2, which is not there"},
		"an odd type":    {fstest.MapFS{"static/a.exe": file("x")}, "no content type"},
	} {
		if _, err := readAssets(c.files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A name in a comment of a file that was minified elsewhere is none of ours.
	all, err := readAssets(fstest.MapFS{"static/a.min.js": file(`import "./b.js"`), "static/b.js": file("1"), "static/c.js": file(`import "./b.js"`)})
	if err != nil {
		t.Fatal(err)
	}
	c := string(all.byName[all.byFile["c.js"]].plain)
	if want := `import "./` + all.byFile["b.js"] + `"`; c != want {
		t.Errorf("c.js is %s, want %s", c, want)
	}
}

package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

//go:embed static
var static embed.FS

// Assets is where assets are served: an Asset's Name comes after it.
const Assets = "/assets/"

// Asset is a file of the pages. Its name has a hash of its content in it, so it never changes.
type Asset struct {
	Name  string // app.0123456789abcdef.css
	Type  string
	plain []byte
	forms map[string]func() ([]byte, error) // by encoding; empty for what is compressed inside
}

// Compressible says whether there are other forms than the plain one.
func (a *Asset) Compressible() bool { return len(a.forms) > 0 }

// Form is the content in an encoding, compressed as well as it goes when it is first asked for, or the
// plain one, with the encoding "", where that is no larger.
func (a *Asset) Form(encoding string) (content []byte, is string, err error) {
	compress, ok := a.forms[encoding]
	if !ok {
		return a.plain, "", nil
	}
	content, err = compress()
	if err != nil || len(content) >= len(a.plain) {
		return a.plain, "", err
	}
	return content, encoding, nil
}

// types do not depend on what the machine knows of them.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	".woff2": "font/woff2", ".png": "image/png", ".txt": "text/plain; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/manifest+json",
}

// assets are all there are.
type assets struct {
	byFile map[string]string // app.css → app.0123456789abcdef.css
	byName map[string]*Asset
}

// loadAssets reads the files, once.
var loadAssets = sync.OnceValues(func() (*assets, error) { return readAssets(static) })

// readAssets reads static/. Files that name others, in url(…) or import … from, come after those: they
// name them as they are served.
func readAssets(from fs.FS) (*assets, error) {
	all := &assets{byFile: make(map[string]string), byName: make(map[string]*Asset)}
	var files []string
	err := fs.WalkDir(from, "static", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(name, "static/"))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the assets: %w", err)
	}
	waiting := files
	for len(waiting) > 0 {
		var later []string
		for _, file := range waiting {
			done, err := all.add(from, file, files)
			if err != nil {
				return nil, fmt.Errorf("reading the asset %s: %w", file, err)
			}
			if !done {
				later = append(later, file)
			}
		}
		if len(later) == len(waiting) {
			return nil, fmt.Errorf("the assets %q name each other in a circle", later)
		}
		waiting = later
	}
	return all, nil
}

// named finds what a style or module names: url("inter.woff2"), from "./queue.js".
var named = regexp.MustCompile(`(url\("|from "\./|import "\./)([a-z0-9./-]+)"`)

// add reads a file; false when it names one that has not been read yet.
func (a *assets) add(from fs.FS, file string, files []string) (bool, error) {
	content, err := fs.ReadFile(from, "static/"+file)
	if err != nil {
		return false, err
	}
	kind := path.Ext(file)
	if kind == ".css" || kind == ".js" && !strings.Contains(file, ".min.") {
		missing := ""
		content = named.ReplaceAllFunc(content, func(found []byte) []byte {
			parts := named.FindSubmatch(found)
			name, ok := a.byFile[string(parts[2])]
			if !ok {
				missing = string(parts[2])
			}
			return slices.Concat(parts[1], []byte(name), []byte(`"`))
		})
		if missing != "" && slices.Contains(files, missing) {
			return false, nil
		}
		if missing != "" {
			return false, fmt.Errorf("it names %s, which is not there", missing)
		}
	}
	made, err := newAsset(file, content)
	if err != nil {
		return false, err
	}
	a.byFile[file], a.byName[made.Name] = made.Name, made
	return true, nil
}

func newAsset(file string, content []byte) (*Asset, error) {
	sum := sha256.Sum256(content)
	kind := path.Ext(file)
	name := strings.ReplaceAll(strings.TrimSuffix(file, kind), "/", "-") + "." + hex.EncodeToString(sum[:8]) + kind
	a := &Asset{Name: name, Type: types[kind], plain: content}
	if a.Type == "" {
		return nil, fmt.Errorf("no content type is known of %s", kind)
	}
	if kind == ".woff2" || kind == ".png" {
		return a, nil // compressed inside
	}
	a.forms = make(map[string]func() ([]byte, error), len(writers))
	for encoding, writer := range writers {
		a.forms[encoding] = sync.OnceValues(func() ([]byte, error) {
			var out bytes.Buffer
			w, err := writer(&out)
			if err == nil {
				_, err = w.Write(content)
			}
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				return nil, fmt.Errorf("compressing %s with %s: %w", file, encoding, err)
			}
			return bytes.Clone(out.Bytes()), nil
		})
	}
	return a, nil
}

// writers compress as well as they can: it is done once.
var writers = map[string]func(io.Writer) (io.WriteCloser, error){
	"br": func(w io.Writer) (io.WriteCloser, error) {
		return brotli.NewWriterLevel(w, brotli.BestCompression), nil
	},
	"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) },
	"zstd": func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	},
}

// FindAsset gives the asset that is served under a name.
func FindAsset(name string) (*Asset, bool, error) {
	all, err := loadAssets()
	if err != nil {
		return nil, false, err
	}
	a, ok := all.byName[name]
	return a, ok, nil
}

// url is where a file of static/ is served.
func (a *assets) url(file string) (string, error) {
	name, ok := a.byFile[file]
	if !ok {
		return "", fmt.Errorf("there is no asset %s", file)
	}
	return Assets + name, nil
}

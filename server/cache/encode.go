package cache

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// MinEncoded is the size of the smallest body that is compressed.
const MinEncoded = 1 << 10

// ErrNotEncoded is what Encoded answers for a body below MinEncoded.
var ErrNotEncoded = errors.New("the body is too small to be compressed")

const encodings = 3

// The order of preference among encodings of equal weight belongs to who negotiates.
func encoding(name string) int {
	switch name {
	case "zstd":
		return 0
	case "br":
		return 1
	case "gzip":
		return 2
	}
	return -1
}

type form struct {
	body []byte
	etag string
}

// Encodable says whether the body is large enough to be compressed.
func (e *Entry) Encodable() bool { return len(e.Body) >= MinEncoded }

// Encoded gives the body in the encoding zstd, br or gzip, made once and kept with the
// entry. "" and identity are the body itself.
func (e *Entry) Encoded(enc string) ([]byte, error) {
	if enc == "" || enc == "identity" {
		return e.Body, nil
	}
	f, err := e.form(enc)
	if err != nil {
		return nil, err
	}
	return f.body, nil
}

// ETagFor gives the ETag of the body in an encoding: another one for each, as a strong ETag
// promises equal bytes.
func (e *Entry) ETagFor(enc string) (string, error) {
	if enc == "" || enc == "identity" {
		return e.ETag, nil
	}
	f, err := e.form(enc)
	if err != nil {
		return "", err
	}
	return f.etag, nil
}

func (e *Entry) form(enc string) (*form, error) {
	i := encoding(enc)
	if i < 0 {
		return nil, fmt.Errorf("encoding a body: %q is none of zstd, br, gzip", enc)
	}
	if !e.Encodable() {
		return nil, ErrNotEncoded
	}
	if f := e.forms[i].Load(); f != nil {
		return f, nil
	}
	return e.encode(i, enc)
}

func (e *Entry) encode(i int, enc string) (*form, error) {
	e.encoding.Lock()
	defer e.encoding.Unlock()
	if f := e.forms[i].Load(); f != nil {
		return f, nil
	}
	body, err := e.owner.codec.encode(i, e.Body)
	if err != nil {
		return nil, fmt.Errorf("encoding a body with %s: %w", enc, err)
	}
	f := &form{body: body}
	if n := len(e.ETag); n > 0 {
		f.etag = e.ETag[:n-1] + "-" + enc + e.ETag[n-1:]
	}
	e.forms[i].Store(f)
	e.owner.grown(e)
	return f, nil
}

// codec holds the encoders for reuse: a new one costs more than most bodies.
type codec struct {
	zstd   *zstd.Encoder
	brotli sync.Pool
	gzip   sync.Pool
}

// A body is compressed once and sent often, hence not the fastest levels; and on the way of
// the first who asks, hence not the best.
const (
	brotliLevel = 5
	zstdWindow  = 512 << 10
)

func newCodec() (*codec, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("making a zstd encoder: %w", err)
	}
	return &codec{
		zstd:   z,
		brotli: sync.Pool{New: func() any { return brotli.NewWriterLevel(nil, brotliLevel) }},
		gzip:   sync.Pool{New: func() any { return gzip.NewWriter(nil) }},
	}, nil
}

// close ignores the error of a flush: nothing was ever streamed through the encoder.
func (c *codec) close() { _ = c.zstd.Close() }

type resetter interface {
	io.WriteCloser
	Reset(io.Writer)
}

func (c *codec) encode(i int, body []byte) ([]byte, error) {
	switch i {
	case 0:
		return bytes.Clone(c.zstd.EncodeAll(body, make([]byte, 0, len(body)/2))), nil
	case 1:
		return stream(&c.brotli, body)
	default:
		return stream(&c.gzip, body)
	}
}

func stream(pool *sync.Pool, body []byte) ([]byte, error) {
	w := pool.Get().(resetter)
	defer pool.Put(w)
	var out bytes.Buffer
	out.Grow(len(body) / 2)
	w.Reset(&out)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	// What is kept should hold no more memory than is accounted for.
	return bytes.Clone(out.Bytes()), nil
}

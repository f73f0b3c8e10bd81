package cache

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

var decoders = map[string]func(io.Reader) (io.Reader, error){
	"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
	"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
	"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
}

func TestEveryEncodingGivesTheBodyBack(t *testing.T) {
	c, r := start(t)
	body := strings.Repeat("Phishing is a letter from a stranger. ", 200)
	e := ask(t, c, "k", Miss, answer(r, body)).Entry
	etags := map[string]bool{e.ETag: true}
	for enc, decode := range decoders {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if _, err := e.Encoded(enc); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		encoded, _ := e.Encoded(enc)
		again, _ := e.Encoded(enc)
		if &encoded[0] != &again[0] {
			t.Errorf("%s was made twice", enc)
		}
		if len(encoded) > len(body)/4 {
			t.Errorf("%s: %d of %d bytes", enc, len(encoded), len(body))
		}
		reader, err := decode(bytes.NewReader(encoded))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(reader)
		if err != nil || string(plain) != body {
			t.Errorf("%s: another body, %v", enc, err)
		}
		etag, err := e.ETagFor(enc)
		if err != nil || etags[etag] || !strings.HasSuffix(etag, "-"+enc+`"`) {
			t.Errorf("%s: ETag %s, %v", enc, etag, err)
		}
		etags[etag] = true
	}
	if held, _, ok := c.Get([]byte("k"), c.now()); !ok || held != e {
		t.Error("the entry was lost when it grew")
	}
	for _, enc := range []string{"", "identity"} {
		if plain, err := e.Encoded(enc); err != nil || string(plain) != body {
			t.Errorf("%q: %v", enc, err)
		}
		if etag, err := e.ETagFor(enc); err != nil || etag != e.ETag {
			t.Errorf("%q: ETag %s, %v", enc, etag, err)
		}
	}
	if _, err := e.Encoded("deflate"); err == nil {
		t.Error("an unknown encoding was accepted")
	}
}

func TestAnEntryThatGrowsPastTheWholeCacheIsGivenUp(t *testing.T) {
	random := make([]byte, 8<<10) // takes as much room again when it is compressed
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	c, r := start(t, func(o *Options) { o.MaxBytes = 12 << 10 })
	e := ask(t, c, "k", Miss, answer(r, string(random))).Entry
	if held, _, ok := c.Get([]byte("k"), c.now()); !ok || held != e {
		t.Fatal("it was not kept as long as there was room")
	}
	if _, err := e.Encoded("gzip"); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := c.Get([]byte("k"), c.now()); ok || c.Stats().Bytes != 0 {
		t.Errorf("it is kept: %v, and %d bytes are held", ok, c.Stats().Bytes)
	}
	ask(t, c, "larger than all", Miss, answer(r, strings.Repeat("x", 13<<10)))
	if _, _, ok := c.Get([]byte("larger than all"), c.now()); ok || c.Stats().Bytes != 0 {
		t.Errorf("the larger one is kept: %v, and %d bytes are held", ok, c.Stats().Bytes)
	}
}

func TestSmallBodiesAreNotEncoded(t *testing.T) {
	c, r := start(t)
	small := ask(t, c, "small", Miss, answer(r, strings.Repeat("x", MinEncoded-1))).Entry
	if _, err := small.Encoded("br"); !errors.Is(err, ErrNotEncoded) || small.Encodable() {
		t.Errorf("%v", err)
	}
	if _, err := small.ETagFor("br"); !errors.Is(err, ErrNotEncoded) {
		t.Errorf("%v", err)
	}
	large := ask(t, c, "large", Miss, answer(r, strings.Repeat("x", MinEncoded))).Entry
	if _, err := large.Encoded("br"); err != nil || !large.Encodable() {
		t.Errorf("%v", err)
	}
}

func TestETagFollowsTheBodyUnlessGiven(t *testing.T) {
	c, r := start(t)
	a := ask(t, c, "a", Miss, answer(r, "same")).Entry
	b := ask(t, c, "b", Miss, answer(r, "same")).Entry
	other := ask(t, c, "c", Miss, answer(r, "other")).Entry
	if a.ETag == "" || a.ETag != b.ETag || a.ETag == other.ETag {
		t.Errorf("%s %s %s", a.ETag, b.ETag, other.ETag)
	}
	given := ask(t, c, "d", Miss, func(context.Context) (Filled, error) {
		return Filled{Body: []byte("x"), ETag: `"v7"`, At: r.published()}, nil
	}).Entry
	if given.ETag != `"v7"` {
		t.Errorf("%s", given.ETag)
	}
}

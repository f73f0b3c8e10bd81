package cache

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func filledCache(t testing.TB) (*Cache, []byte) {
	c, r := start(t)
	key := "GET /api/v1/courses/42?locale=de public"
	ask(t, c, key, Miss, answer(r, strings.Repeat("a lesson ", 500), Row("courses", 42), Ref("lessons", "course_id", 42), Table("course_translations")))
	return c, []byte(key)
}

func TestHitAllocatesNothing(t *testing.T) {
	c, key := filledCache(t)
	e, _, _ := c.Get(key, c.now())
	if _, err := e.Encoded("br"); err != nil {
		t.Fatal(err)
	}
	// The store's own buffer of reads allocates once in 64.
	if n := testing.AllocsPerRun(1000, func() {
		e, _, ok := c.Get(key, c.now())
		if !ok {
			t.Fatal("not a hit")
		}
		if _, err := e.Encoded("br"); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a hit", n)
	}
}

func BenchmarkGetHit(b *testing.B) {
	c, key := filledCache(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := c.Get(key, c.now()); !ok {
			b.Fatal("not a hit")
		}
	}
}

// BenchmarkGetHitParallel asks for many keys, as many users do.
func BenchmarkGetHitParallel(b *testing.B) {
	c, r := start(b)
	keys := make([][]byte, 64)
	for i := range keys {
		key := fmt.Sprintf("GET /api/v1/courses/%d?locale=de public", i)
		ask(b, c, key, Miss, answer(r, "a lesson", Row("courses", int64(i)), Ref("lessons", "course_id", int64(i)), Table("course_translations")))
		keys[i] = []byte(key)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, _, ok := c.Get(keys[i*31%len(keys)], c.now()); !ok {
				b.Error("not a hit")
				return
			}
		}
	})
}

// BenchmarkEncodedHit is finding a form that was made before, and its ETag.
func BenchmarkEncodedHit(b *testing.B) {
	c, key := filledCache(b)
	e, _, _ := c.Get(key, c.now())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.ETagFor("br"); err != nil {
			b.Fatal(err)
		}
		if _, err := e.Encoded("br"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncode makes the compressed forms of 8 KB of JSON, which each answer has done once.
func BenchmarkEncode(b *testing.B) {
	c, _ := start(b)
	var body []byte
	for i := range 90 {
		body = fmt.Appendf(body, `{"id":%d,"slug":"course-%d","title":"Phishing","description":"What it is about & why, %d."},`, i, i*7, i*31)
	}
	for _, name := range []string{"zstd", "br", "gzip"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.codec.encode(encoding(name), body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDoHit(b *testing.B) {
	c, key := filledCache(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Do(context.Background(), key, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDoMiss(b *testing.B) {
	c, r := start(b)
	fill := answer(r, "x", Table("t"))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := c.Do(context.Background(), []byte(fmt.Sprint(i)), fill); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecordRow(b *testing.B) {
	c, _ := start(b)
	r := NewRecorder(c)
	row := user(1, 7)
	b.ReportAllocs()
	for b.Loop() {
		r.Row(users, nil, row)
	}
}

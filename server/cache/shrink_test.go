package cache

import (
	"fmt"
	"strings"
	"testing"
)

func TestShrinkingGivesUpWhatCannotBeServedFirst(t *testing.T) {
	c, r := start(t)
	body := strings.Repeat("x", 4000)
	for i := range 100 {
		ask(t, c, fmt.Sprint(i), Miss, answer(r, body, Row("t", int64(i))))
	}
	full := c.Stats().Bytes
	for i := range 60 {
		c.Raise([]Tag{Row("t", int64(i))}, 11)
	}
	r.advance(11)
	c.Resize(full / 2)
	if held := c.Stats().Bytes; held > full/2 || held < full/3 {
		t.Errorf("of %d bytes %d are held, and half may be", full, held)
	}
	for i := 60; i < 100; i++ {
		if _, _, ok := c.Get([]byte(fmt.Sprint(i)), c.now()); !ok {
			t.Errorf("%d was good and is gone, while 60 were not", i)
		}
	}
	c.Resize(full / 10)
	if held := c.Stats().Bytes; held > full/10 || held == 0 {
		t.Errorf("%d bytes are held, and %d may be", held, full/10)
	}
	c.Empty()
	if held := c.Stats().Bytes; held != 0 || c.Bound() != full/10 {
		t.Errorf("emptied, it holds %d of %d bytes", held, c.Bound())
	}
	c.Resize(full)
	for i := range 90 {
		ask(t, c, fmt.Sprint(i), Miss, answer(r, body, Row("t", int64(i))))
		ask(t, c, fmt.Sprint(i), Hit, nil)
	}
}

func TestAShrunkCacheStaysWithinItsBound(t *testing.T) {
	c, r := start(t)
	body := strings.Repeat("x", 4000)
	const bound = 64 << 10
	c.Resize(bound)
	for i := range 300 {
		ask(t, c, fmt.Sprint(i), Miss, answer(r, body))
		if held := c.Stats().Bytes; held > bound {
			t.Fatalf("%d bytes are held", held)
		}
	}
	if c.Stats().Bytes == 0 {
		t.Error("nothing is kept any more")
	}
}

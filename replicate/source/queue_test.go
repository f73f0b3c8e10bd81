package source

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
)

func TestQueueKeepsOrderAndItsBound(t *testing.T) {
	const events, limit = 20_000, 10_000
	q := newQueue(limit)
	end := errors.New("end")
	go func() {
		for i := range events {
			size := 8 + i%500
			if i%5000 == 0 {
				size = 3 * limit // larger than the queue
			}
			data := make([]byte, size)
			binary.BigEndian.PutUint64(data, uint64(i))
			if !q.push(context.Background(), Event{Data: data}) {
				t.Error("push gave up")
			}
		}
		q.close(end)
	}()
	for i := 0; ; {
		q.mu.Lock()
		if q.bytes > limit && len(q.events)-q.head > 1 {
			t.Fatalf("%d bytes are queued", q.bytes)
		}
		q.mu.Unlock()
		e, ok, err := q.pop()
		if err != nil {
			if i != events || !errors.Is(err, end) {
				t.Errorf("%d events, then %v", i, err)
			}
			return
		}
		if !ok {
			<-q.filled
			continue
		}
		if got := binary.BigEndian.Uint64(e.Data); got != uint64(i) {
			t.Fatalf("got event %d, want %d", got, i)
		}
		i++
	}
}

func TestFullQueueLetsGoWithItsContext(t *testing.T) {
	q := newQueue(100)
	ctx, cancel := context.WithCancel(context.Background())
	if !q.push(ctx, Event{Data: make([]byte, 200)}) {
		t.Fatal("an empty queue took nothing")
	}
	cancel()
	if q.push(ctx, Event{Data: make([]byte, 1)}) {
		t.Error("a full queue took more")
	}
}

func TestArenaCopiesDoNotTouch(t *testing.T) {
	var a arena
	buffer := []byte("first")
	first := a.clone(buffer)
	copy(buffer, "xxxxx")
	second := a.clone([]byte("second"))
	_ = append(first, "overwritten"...)
	if string(first) != "first" || string(second) != "second" {
		t.Errorf("got %q and %q", first, second)
	}
	if large := a.clone(make([]byte, arenaBlock)); len(large) != arenaBlock {
		t.Errorf("a large one has %d bytes", len(large))
	}
	if a.clone(nil) != nil {
		t.Error("nil became something")
	}
}

func TestParseEventRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, b := range [][]byte{nil, {'w'}, make([]byte, 18), append([]byte{'k'}, make([]byte, 18)...), append([]byte{'x'}, make([]byte, 30)...)} {
		if e, err := parseEvent(b); err == nil {
			t.Errorf("%q was read as %+v", b, e)
		}
	}
}

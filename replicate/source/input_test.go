package source

import (
	"bytes"
	"io"
	"testing"
)

// TestReadsAreSeenBeforeTheyAreMade is what keeps an event from lying in the queue while
// the reader waits for the next one: whoever pops is woken before each read.
func TestReadsAreSeenBeforeTheyAreMade(t *testing.T) {
	q := newQueue(1 << 20)
	in := &input{before: q.wake}
	network, server := io.Pipe()
	in.network = network
	read := make(chan error, 1)
	go func() {
		if !q.push(t.Context(), Event{Data: []byte("I")}) {
			t.Error("there was no room")
		}
		_, err := in.Read(make([]byte, 1))
		read <- err
	}()
	<-q.filled
	if _, ok, err := q.pop(); !ok || err != nil {
		t.Errorf("woken for nothing: %v", err)
	}
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
}

func TestOnlyLargeTransactionsAreGathered(t *testing.T) {
	in := new(input)
	row := bytes.Repeat([]byte("I"), largeBytes/4)
	for i, want := range []struct {
		message []byte
		large   bool
	}{{row, false}, {row, false}, {row, false}, {row, false}, {row, true}, {nil, true}, {[]byte("C"), false}, {row, false}} {
		in.passed(want.message)
		if got := in.large > largeBytes; got != want.large {
			t.Errorf("after message %d: %v", i, got)
		}
	}
}

package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"outpost/replicate/change"
	"pgregory.net/rapid"
)

func samples() []Message {
	at := time.Date(2026, 11, 23, 5, 0, 0, 123456000, time.UTC)
	header := Header{Generation: 7, System: 1 << 60, Timeline: 3, Prev: 100, Sent: at}
	return []Message{
		{Header: header, Kind: Batch, Txs: []Tx{
			{End: 120, XID: 9, Time: at, Body: []byte("one")},
			{End: 140, XID: 10, Time: at, Body: []byte("two")},
		}},
		{Header: header, Kind: Piece, Part: Part{Attempt: 2, Number: 5, XID: 9, Body: []byte("middle")}},
		{Header: header, Kind: Piece, Part: Part{Attempt: 2, Number: 6, XID: 9, Body: []byte("end"), Last: true, End: 200, Time: at, Checksum: 42}},
		{Header: header, Kind: Heartbeat, Heartbeat: change.LSN(160)},
		{Header: header, Kind: Piece, Part: Part{Attempt: 1, XID: 9, Body: bytes.Repeat([]byte("a row like the others "), 1000)}},
	}
}

func TestMessageSurvivesTheWire(t *testing.T) {
	for _, want := range samples() {
		got, err := Decode(Encode(nil, &want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestContentIsPackedWhereThatHelps packs rows, and leaves alone what is short or random.
func TestContentIsPackedWhereThatHelps(t *testing.T) {
	random := make([]byte, 10_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random) // it never fails
	for name, c := range map[string]struct {
		body     []byte
		min, max int // of the message
	}{
		"rows":   {bytes.Repeat([]byte("a row like the others "), 1000), 0, 1000},
		"short":  {bytes.Repeat([]byte("a"), 100), 100, 200},
		"random": {random, len(random), len(random) + 100},
	} {
		m := Message{Kind: Piece, Part: Part{Body: c.body}}
		kept := []byte("what is there already")
		b := Encode(slices.Clip(kept), &m)
		if !bytes.HasPrefix(b, kept) {
			t.Errorf("%s: it begins with %q", name, b[:len(kept)])
		}
		b = b[len(kept):]
		if len(b) < c.min || len(b) > c.max {
			t.Errorf("%s: %d bytes became %d", name, len(c.body), len(b))
		}
		got, err := Decode(b)
		if err != nil || !bytes.Equal(got.Part.Body, c.body) {
			t.Errorf("%s: it came back as %d bytes, %v", name, len(got.Part.Body), err)
		}
	}
}

// TestDecodeRefusesABomb is a short message that says it becomes a long one.
func TestDecodeRefusesABomb(t *testing.T) {
	b := Encode(nil, &Message{Kind: Piece, Part: Part{Body: make([]byte, MaxMessage+1)}})
	if len(b) > MaxMessage/10 {
		t.Fatalf("it has %d bytes", len(b))
	}
	if _, err := Decode(b); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v", err)
	}
}

func TestDecodeRefusesEveryCut(t *testing.T) {
	for _, m := range samples() {
		whole := Encode(nil, &m)
		for n := range whole {
			if _, err := Decode(whole[:n]); err == nil {
				t.Errorf("kind %d: %d of %d bytes were accepted", m.Kind, n, len(whole))
			}
		}
		if _, err := Decode(append(whole, 0)); err == nil {
			t.Errorf("kind %d: a surplus byte was accepted", m.Kind)
		}
	}
}

func TestSplitterJoinsWhatWasCutAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 300), 0, 20).Draw(t, "records")
		var body []byte
		for _, r := range records {
			body = AppendRecord(body, r)
		}
		var s Splitter
		var got [][]byte
		for len(body) > 0 {
			n := rapid.IntRange(1, len(body)).Draw(t, "cut")
			if err := s.Write(body[:n], func(r []byte) error {
				got = append(got, bytes.Clone(r))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			body = body[n:]
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(records) {
			t.Fatalf("%d records came back of %d", len(got), len(records))
		}
		for i := range got {
			if !bytes.Equal(got[i], records[i]) {
				t.Fatalf("record %d differs", i)
			}
		}
	})
}

func TestRecordsRefusesACutBody(t *testing.T) {
	body := AppendRecord(nil, []byte("whole"))
	if err := Records(body[:3], func([]byte) error { return nil }); err == nil {
		t.Error("a cut body was accepted")
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range samples() {
		f.Add(Encode(nil, &m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(Encode(nil, &m))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Error(diff)
		}
		for _, tx := range m.Txs {
			_ = Records(tx.Body, func([]byte) error { return nil })
		}
	})
}

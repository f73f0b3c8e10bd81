package wire

import (
	"bytes"
	"testing"
)

// However a body is cut, the records are the same, and so is whether it is whole.
func FuzzSplitter(f *testing.F) {
	body := AppendRecord(AppendRecord(AppendRecord(nil, []byte("one")), nil), bytes.Repeat([]byte("long"), 100))
	f.Add(body, []byte{1})
	f.Add(body, []byte{2, 0, 200, 7})
	f.Add(body[:len(body)-1], []byte{3})
	f.Add([]byte{0x80, 0x00}, []byte{1})
	f.Add(bytes.Repeat([]byte{0xff}, 12), []byte{1})
	f.Fuzz(func(t *testing.T, body, cuts []byte) {
		var whole, parts [][]byte
		keep := func(to *[][]byte) func([]byte) error {
			return func(r []byte) error {
				*to = append(*to, bytes.Clone(r))
				return nil
			}
		}
		wholeErr := Records(body, keep(&whole))
		var s Splitter
		var err error
		for rest, i := body, 0; len(rest) > 0 && err == nil; i++ {
			n := len(rest)
			if len(cuts) > 0 {
				n = min(n, int(cuts[i%len(cuts)])+1)
			}
			err = s.Write(rest[:n], keep(&parts))
			rest = rest[n:]
		}
		if err == nil {
			err = s.Close()
		}
		if (err == nil) != (wholeErr == nil) {
			t.Fatalf("whole: %v, in parts: %v", wholeErr, err)
		}
		if len(whole) != len(parts) {
			t.Fatalf("whole: %d records, in parts: %d", len(whole), len(parts))
		}
		for i := range whole {
			if !bytes.Equal(whole[i], parts[i]) {
				t.Fatalf("record %d is %q, in parts %q", i, whole[i], parts[i])
			}
		}
		if err == nil {
			var again []byte
			for _, r := range whole {
				again = AppendRecord(again, r)
			}
			if len(again) > len(body) {
				t.Fatalf("%d bytes became %d", len(body), len(again))
			}
		}
	})
}

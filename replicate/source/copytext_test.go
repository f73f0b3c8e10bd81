package source

import (
	"bytes"
	"strings"
	"testing"

	"outpost/replicate/change"
)

// escape is what the server does.
var escape = strings.NewReplacer(
	"\\", `\\`, "\b", `\b`, "\f", `\f`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\v", `\v`)

func TestParseCopyReadsEveryEscape(t *testing.T) {
	text := "1\t\\N\t\n" + `\b\f\n\r\t\v\\` + "\t\\\\N\tä\n"
	values, err := parseCopy(nil, []byte(text), 3)
	if err != nil {
		t.Fatal(err)
	}
	want := `"1" n "" "\b\f\n\r\t\v\\" "\\N" "ä"`
	if got := show(values); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseCopyRefusesWhatIsMalformed(t *testing.T) {
	for _, text := range []string{"1", "1\n", "1\t2\t3\n", "1\t\\x41\n", "1\t\\\n", "\n", "1\t2\n3"} {
		if values, err := parseCopy(nil, []byte(text), 2); err == nil {
			t.Errorf("%q was read as %s", text, show(values))
		}
	}
}

func FuzzParseCopyReadsWhatWasEscaped(f *testing.F) {
	f.Add([]byte("plain"), []byte("a\tb\\c\nd"), true)
	f.Add([]byte("\\N"), []byte(""), false)
	f.Fuzz(func(t *testing.T, a, b []byte, null bool) {
		second, want := escape.Replace(string(b)), change.Value{Presence: change.Present, Data: b}
		if null {
			second, want = `\N`, change.Value{Presence: change.Null}
		}
		values, err := parseCopy(nil, []byte(escape.Replace(string(a))+"\t"+second+"\n"), 2)
		if err != nil || len(values) != 2 {
			t.Fatalf("%d values, error %v", len(values), err)
		}
		if !bytes.Equal(values[0].Data, a) || values[1].Presence != want.Presence || !bytes.Equal(values[1].Data, want.Data) {
			t.Fatalf("got %s", show(values))
		}
	})
}

// Whatever is read must be whole rows, and come out the same when it is written again.
func FuzzParseCopyOfAnything(f *testing.F) {
	f.Add([]byte("1\t2\n"), byte(2))
	f.Add([]byte("\\N\t\\\\N\n\\t\t\n"), byte(2))
	f.Add([]byte("\n\n"), byte(1))
	f.Add([]byte("\\"), byte(1))
	f.Add([]byte("1\t2\t3\n4"), byte(3))
	f.Fuzz(func(t *testing.T, text []byte, columns byte) {
		width := 1 + int(columns)%8
		lines := bytes.Count(text, []byte("\n"))
		values, err := parseCopy(nil, bytes.Clone(text), width)
		if err != nil {
			return
		}
		if len(values) != lines*width || len(text) > 0 && text[len(text)-1] != '\n' {
			t.Fatalf("%d values in %d rows of %d", len(values), lines, width)
		}
		var again []byte
		for i, v := range values {
			if v.Presence == change.Null {
				again = append(again, `\N`...)
			} else {
				again = append(again, escape.Replace(string(v.Data))...)
			}
			if (i+1)%width == 0 {
				again = append(again, '\n')
			} else {
				again = append(again, '\t')
			}
		}
		second, err := parseCopy(nil, again, width)
		if err != nil || show(second) != show(values) {
			t.Fatalf("got %s and then %s (%v)", show(values), show(second), err)
		}
	})
}

func BenchmarkParseCopy(b *testing.B) {
	line := []byte("12345\tsomebody@example.com\t\\N\tt\t2026-11-23 05:00:00.123456+00\n")
	text := bytes.Repeat(line, 1000)
	b.SetBytes(int64(len(text)))
	values := make([]change.Value, 0, 5000)
	for b.Loop() {
		if _, err := parseCopy(values[:0], text, 5); err != nil {
			b.Fatal(err)
		}
	}
}

package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"outpost/replicate/change"
	"outpost/replicate/direct"
	"outpost/replicate/source"
)

func TestLinesAreDrawnAgainInPlaceAndNeverWrap(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out}
	s.draw(20, []string{"one", strings.Repeat("界", 30), "a\x1b[2Jb\nc"})
	first := out.String()
	lines := strings.Split(strings.TrimSuffix(first, "\n"), "\n")
	if len(lines) != 3 || strings.Contains(first, "\x1b") {
		t.Fatalf("drawn is %q", first)
	}
	for _, line := range lines {
		if w := runewidth.StringWidth(line); w > 19 {
			t.Errorf("%q takes %d columns", line, w)
		}
	}
	out.Reset()
	if _, err := s.Write([]byte("a line of the log\n")); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "\x1b[3A\r\x1b[Ja line of the log\n" {
		t.Errorf("a line of the log writes %q", got)
	}
	out.Reset()
	s.draw(20, []string{"two"})
	s.draw(20, nil)
	if got := out.String(); got != "two\n\x1b[1A\r\x1b[J" {
		t.Errorf("then %q", got)
	}
}

func TestShowEndsWithAnEmptyScreen(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, width: func() int { return 40 }}
	drawn := make(chan struct{}, 100)
	done := s.show(func(int) []string {
		drawn <- struct{}{}
		return []string{"here"}
	})
	<-drawn
	<-drawn
	done()
	if got := out.String(); !strings.HasPrefix(got, "here\n") || !strings.HasSuffix(got, "\x1b[1A\r\x1b[J") {
		t.Errorf("it wrote %q", got)
	}
}

func TestProgressOfACopy(t *testing.T) {
	s := direct.Status{Phase: direct.Copying, Copied: source.Copied{Took: 10 * time.Second, Tables: []source.TableCopied{
		{Schema: "public", Name: "small", Rows: 10, Bytes: 1 << 10, OfRows: 10, OfBytes: 1 << 13, Done: true},
		{Schema: "public", Name: "large", Rows: 2_500_000, Bytes: 100 << 20, OfRows: 10_000_000, OfBytes: 400 << 20, Running: true},
		{Schema: "shop", Name: "next", OfRows: -1, OfBytes: 8192},
	}}}
	got := strings.Join(progress(s, 80), "\n")
	for _, want := range []string{"copying  25%", "2,500,010 rows", "100 MiB", "10 MiB/s", "table 2 of 3", "30s left", "[###..........]", "public.large", "of about 10,000,000 rows"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
}

func TestProgressOfFollowing(t *testing.T) {
	s := direct.Status{
		Phase: direct.CatchingUp, Position: change.Position{Generation: 7, LSN: 0x16B3748}, Behind: 3 << 20, Lag: 90 * time.Second,
		Rows: 12345, Transactions: 67, Uncommitted: 8192, Retained: 16 << 20,
	}
	got := strings.Join(progress(s, 80), "\n")
	for _, want := range []string{"catching up", "3.0 MiB behind", "1m30s", "12,345 rows", "67 transactions, 8,192 in an open one", "7:0/16B3748", "16 MiB of WAL"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
}

func TestNamesAreSplitAtCommasOutsideQuotes(t *testing.T) {
	for list, want := range map[string][]string{
		"": nil, "a": {"a"}, "a, b.c": {"a", "b.c"}, `"x,y",z."q""r,"`: {`"x,y"`, `z."q""r,"`},
	} {
		got, err := splitNames(list)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", list, got, err)
		}
	}
	for _, list := range []string{",", "a,,b", "a,", `"a`, `a,"b,c`} {
		if got, err := splitNames(list); err == nil {
			t.Errorf("%q is taken for %q", list, got)
		}
	}
}

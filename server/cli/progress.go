package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"outpost/replicate/direct"
	"outpost/replicate/source"
)

// shownTables is how many tables are shown at the same time: as many as are copied.
const shownTables = 4

// progress is what a person sees of a replication.
func progress(s direct.Status, width int) []string {
	switch s.Phase {
	case direct.Copying:
		return copyProgress(&s.Copied, width)
	case direct.Waiting:
		return []string{"waiting for Postgres"}
	case direct.Completing:
		return []string{"completing the copy"}
	}
	line := fmt.Sprintf("%-11s  %s behind, %s   %s rows in %s transactions", s.Phase, humanize.IBytes(uint64(max(0, s.Behind))),
		short(s.Lag), humanize.Comma(int64(s.Rows)), humanize.Comma(int64(s.Transactions)))
	if s.Uncommitted > 0 {
		line += ", " + humanize.Comma(int64(s.Uncommitted)) + " in an open one"
	}
	return []string{line, fmt.Sprintf("position %s   the slot holds back %s of WAL", s.Position, humanize.IBytes(uint64(max(0, s.Retained))))}
}

func copyProgress(c *source.Copied, width int) []string {
	line := fmt.Sprintf("copying %3.0f%%  %s rows  %s  %s/s  table %d of %d", 100*c.Part(), humanize.Comma(c.Rows()),
		humanize.IBytes(uint64(c.Bytes())), humanize.IBytes(uint64(c.PerSecond())), min(c.Done()+1, len(c.Tables)), len(c.Tables))
	if left, ok := c.Left(); ok {
		line += "  " + left.String() + " left"
	}
	lines := []string{line}
	var running []source.TableCopied
	for _, t := range c.Tables {
		if t.Running {
			running = append(running, t)
		}
	}
	slices.SortStableFunc(running, func(a, b source.TableCopied) int { return cmp.Compare(b.OfBytes, a.OfBytes) })
	for _, t := range running[:min(len(running), shownTables)] {
		of := ""
		if t.OfRows > 0 {
			of = " of about " + humanize.Comma(t.OfRows)
		}
		lines = append(lines, fmt.Sprintf("  %s %s.%s  %s%s rows", bar(t, width/6), t.Schema, t.Name, humanize.Comma(t.Rows), of))
	}
	return lines
}

func bar(t source.TableCopied, width int) string {
	done := int(t.Part() * float64(width))
	return "[" + strings.Repeat("#", done) + strings.Repeat(".", width-done) + "]"
}

// short is a duration as a person reads one.
func short(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	default:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
}

package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth" // how many columns a name takes: not as many as it has letters
	"golang.org/x/term"
)

// redrawn is how often a screen is drawn anew.
const redrawn = 100 * time.Millisecond

// screen keeps a few lines at the bottom of a terminal that are drawn again in place.
// What is written to it stands above them.
type screen struct {
	mu    sync.Mutex
	out   io.Writer
	width func() int
	drawn int // lines
}

// newScreen is false where there is no terminal, or one that cannot move its cursor.
func newScreen(file *os.File) (*screen, bool) {
	fd := int(file.Fd())
	if !term.IsTerminal(fd) || os.Getenv("TERM") == "dumb" {
		return nil, false
	}
	return &screen{out: file, width: func() int {
		width, _, err := term.GetSize(fd)
		if err != nil || width < 20 {
			return 80
		}
		return width
	}}, true
}

// show draws what lines gives, again and again, until the function that it gives is called.
func (s *screen) show(lines func(width int) []string) (done func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(redrawn)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				width := s.width()
				s.draw(width, lines(width))
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		s.draw(s.width(), nil)
	}
}

func (s *screen) draw(width int, lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	s.clear(&b)
	for _, line := range lines {
		// One column stays free: some terminals wrap a line that fills the last.
		fmt.Fprintln(&b, runewidth.Truncate(plain(line), width-1, "…"))
	}
	s.drawn = len(lines)
	// A terminal that is gone is no reason to stop replicating.
	_, _ = s.out.Write(b.Bytes())
}

// clear goes back to the first of the lines and removes them.
func (s *screen) clear(b *bytes.Buffer) {
	if s.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r\x1b[J", s.drawn)
	}
	s.drawn = 0
}

// Write writes above the lines, which come back when they are next drawn.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	s.clear(&b)
	b.Write(p)
	if _, err := s.out.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// plain replaces what would move the cursor: a table may be called anything.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

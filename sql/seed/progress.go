package seed

import (
	"log/slog"
	"sync"
	"time"
)

// copying is what is done while rows are counted.
const copying = "copying rows"

// progress tells how far the loading is.
type progress struct {
	log *slog.Logger
	of  int // users

	mu    sync.Mutex
	doing string
	table string // with which, if with one
	users int
	rows  int
	told  int       // rows, when it was last told
	at    time.Time // and when that was
}

func newProgress(o Options) *progress {
	return &progress{log: o.Log, of: o.Size.Users(), doing: "waiting for another run", at: time.Now()}
}

// begin says what is done from now on, and with which table.
func (p *progress) begin(doing, table string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing, p.table = doing, table
}

// copied counts rows.
func (p *progress) copied(table string, rows int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows += rows
	if table == "users" {
		p.users = min(p.users+rows, p.of) // those without a number are among them
	}
}

// tell writes a line every so often, until what it gives is called.
func (p *progress) tell(every time.Duration) (stop func()) {
	ticker := time.NewTicker(every)
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case now := <-ticker.C:
				p.line(now)
			case <-stopped:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(stopped)
		<-ended
	}
}

func (p *progress) line(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	doing := []any{"doing", p.doing}
	switch {
	case p.doing == copying:
		rate := float64(p.rows-p.told) / max(now.Sub(p.at).Seconds(), 0.001)
		doing = append(doing, "users", p.users, "of", p.of, "rows", p.rows, "rows_per_second", int(rate))
	case p.table != "":
		doing = append(doing, "table", p.table)
	}
	p.log.Info("demo data", doing...)
	p.told, p.at = p.rows, now
}

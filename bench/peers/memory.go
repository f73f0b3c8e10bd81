package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// resident is what an edge has in memory.
type resident struct {
	what  string
	limit float64 // MB
	all   float64 // MB
	files float64 // MB of it that are pages of files
}

func (r resident) String() string {
	verdict := "met"
	if r.all > r.limit {
		verdict = "NOT MET"
	}
	return fmt.Sprintf("resident     %s: %.1f MB resident, %.1f of them pages of files; goal below %.0f MB: %s\n", r.what, r.all, r.files, r.limit, verdict)
}

// idles is for how long an edge has nothing to do before it is looked at.
func (l *lab) idles() time.Duration {
	if l.quick {
		return time.Second
	}
	return 30 * time.Second
}

// memory starts an edge with the product's own settings on the demo of that size, which its
// primary serves, and looks at it once it has rested.
func (l *lab) memory(primary *node, size string, limit float64) (r resident, err error) {
	edge, err := l.serve("edge-"+size, func(*node) map[string]string {
		return map[string]string{"OUTPOST_PRIMARY_URL": "http://" + primary.api, "OUTPOST_HUB_URL": "nats://" + primary.hub}
	})
	if err != nil {
		return r, err
	}
	select {
	case <-time.After(l.idles()):
	case <-l.ctx.Done():
		return r, l.ctx.Err()
	}
	r = resident{what: "an idle edge with " + size + " data", limit: limit}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", edge.cmd.Process.Pid))
	if err != nil {
		return r, fmt.Errorf("reading what the edge uses: %w", err)
	}
	r.all, r.files = megabytes(string(status), "VmRSS:"), megabytes(string(status), "RssFile:")
	return r, edge.close()
}

// medium is a primary on the medium demo, which takes minutes to make.
func (l *lab) medium() (*node, error) {
	if err := l.demo("medium"); err != nil {
		return nil, err
	}
	return l.startPrimary("primary-medium", l.postgres.URL("medium"))
}

// megabytes finds a line of /proc/…/status such as "VmRSS:  1234 kB".
func megabytes(status, name string) float64 {
	for line := range strings.Lines(status) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			kilo, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				return 0
			}
			return kilo * 1024 / 1e6
		}
	}
	return 0
}

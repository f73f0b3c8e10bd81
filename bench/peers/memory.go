package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const medium = "medium"

// resident is what an edge has in memory.
type resident struct {
	what  string
	limit float64 // MB
	all   float64 // MB
	files float64 // MB of it that are pages of files
	most  float64 // MB that it ever had
}

func (r resident) String() string {
	verdict := "met"
	if r.all > r.limit {
		verdict = "NOT MET"
	}
	return fmt.Sprintf("resident     %s: %.1f MB, %.1f of them pages of files, %.1f at most; goal below %.0f MB: %s\n",
		r.what, r.all, r.files, r.most, r.limit, verdict)
}

// rests is for how long an edge has nothing to do before it is looked at, and works for how long it
// has as much as it can do.
func (l *lab) rests() time.Duration {
	if l.quick {
		return time.Second
	}
	return 30 * time.Second
}

// idle looks at an edge with the small demo that nobody asks.
func (l *lab) idle(found func(resident)) error {
	edge, err := l.ownEdge(l.primary, database)
	if err != nil {
		return err
	}
	select {
	case <-time.After(l.rests()):
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
	r, err := edge.resident()
	if err != nil {
		return err
	}
	r.what, r.limit = "an edge with small data, idle", 64
	found(r)
	return edge.close()
}

// loaded looks at an edge with the medium demo, which takes minutes to make, at the end of a while
// in which it had all that it could do.
func (l *lab) loaded(found func(resident)) error {
	l.say("making the medium demo")
	if err := l.demo(medium); err != nil {
		return err
	}
	primary, err := l.startPrimary(medium)
	if err != nil {
		return err
	}
	if err := l.draw(primary, medium); err != nil {
		return err
	}
	edge, err := l.ownEdge(primary, medium)
	if err != nil {
		return err
	}
	if _, err := l.wrk(&side{addr: edge.api}, int(l.rests().Seconds())); err != nil {
		return err
	}
	r, err := edge.resident()
	if err != nil {
		return err
	}
	r.what, r.limit = "an edge with medium data, under load", 150
	found(r)
	if err := edge.close(); err != nil {
		return err
	}
	return primary.close()
}

// ownEdge starts an edge with the product's own settings.
func (l *lab) ownEdge(primary *node, name string) (*node, error) {
	return l.serve("edge-"+name, func(*node) map[string]string {
		return map[string]string{"OUTPOST_PRIMARY_URL": "http://" + primary.api, "OUTPOST_HUB_URL": "nats://" + primary.hub}
	})
}

// resident is what a process has in memory. Linux only.
func (p *process) resident() (resident, error) {
	path := fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)
	status, err := os.ReadFile(path)
	if err != nil {
		return resident{}, fmt.Errorf("reading what %s uses: %w", p.name, err)
	}
	var r resident
	for name, value := range map[string]*float64{"VmRSS:": &r.all, "RssFile:": &r.files, "VmHWM:": &r.most} {
		if *value, err = megabytes(string(status), name); err != nil {
			return r, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	return r, nil
}

// megabytes finds a line of /proc/…/status such as "VmRSS:  1234 kB".
func megabytes(status, name string) (float64, error) {
	for line := range strings.Lines(status) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			kilo, err := strconv.ParseFloat(fields[1], 64)
			return kilo * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("%s is missing", name)
}

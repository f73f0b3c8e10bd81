package main

import (
	"context"
	"net"
	"path/filepath"
	"time"

	"outpost/bench/harness"
)

const (
	// patience is for whatever should take far less.
	patience = 2 * time.Minute
	// grace is for a process that is asked to end.
	grace = 10 * time.Second
)

// start starts a program. When it ends by itself the whole run has failed.
func (l *lab) start(name string, env []string, program string, args ...string) (*harness.Process, error) {
	p, err := harness.Start(l.fail, name, filepath.Join(l.folder, name+".log"), l.folder, env, program, args...)
	if err != nil {
		return nil, err
	}
	l.processes = append(l.processes, p)
	return p, nil
}

// listening waits until something takes connections there.
func (l *lab) listening(p *harness.Process, addr string) error {
	return wait(l.ctx, p.Name+" listens", func(ctx context.Context) (bool, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return false, nil // not yet
		}
		return true, c.Close()
	})
}

func wait(ctx context.Context, what string, condition func(context.Context) (bool, error)) error {
	return harness.Wait(ctx, patience, 5*time.Millisecond, what, condition)
}

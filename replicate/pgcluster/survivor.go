package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endSurvivor ends a postmaster that outlived its owner, and removes a pid file that
// speaks of a process which is not one: its number may have gone to a stranger, and
// Postgres would refuse to start beside it. The caller holds the folder's lock, so
// whatever still runs there has no owner.
func endSurvivor(ctx context.Context, data string) error {
	file := filepath.Join(data, "postmaster.pid")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading who ran the private Postgres: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 || !isPostmaster(pid, data) {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing a stale postmaster.pid: %w", err)
		}
		return nil
	}
	if err := kill(pid, syscall.SIGQUIT); err != nil {
		return fmt.Errorf("ending the private Postgres of an earlier run: %w", err)
	}
	if err := wait(ctx, 10*time.Second, func() bool { return !isPostmaster(pid, data) }); err == nil {
		return nil
	}
	if err := kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing the private Postgres of an earlier run: %w", err)
	}
	if err := wait(ctx, 10*time.Second, func() bool { return !isPostmaster(pid, data) }); err != nil {
		return fmt.Errorf("the private Postgres of an earlier run (process %d) does not end: %w", pid, err)
	}
	return nil
}

// waitGone waits for an orphan of a killed postmaster. They end by themselves when
// they next wait for something; one that is busy is killed.
func waitGone(pid int) error {
	gone := func() bool { return !alive(pid) }
	if wait(context.Background(), 3*time.Second, gone) == nil {
		return nil
	}
	if err := kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing a process of the cluster: %w", err)
	}
	if err := wait(context.Background(), 10*time.Second, gone); err != nil {
		return fmt.Errorf("process %d of the killed cluster does not end: %w", pid, err)
	}
	return nil
}

// kill sends a signal; a process that is gone is what was wanted.
func kill(pid int, s syscall.Signal) error {
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func wait(ctx context.Context, longest time.Duration, until func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	for !until() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

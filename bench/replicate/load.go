package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// writers is how many connections a paced load has: one waits for the disk at each
// commit, together they need not.
const writers = 16

// pace inserts rows 1 to n in a transaction each, evenly in time, and gives when each
// COMMIT had returned.
func (d *database) pace(n int64, rate int) ([]time.Time, error) {
	committed := make([]time.Time, n+1)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(d.lab.ctx)
	conns := make([]*pgx.Conn, writers)
	for i := range conns {
		var err error
		if conns[i], err = pgx.Connect(ctx, d.url); err != nil {
			return nil, fmt.Errorf("connecting to Postgres: %w", err)
		}
		defer conns[i].Close(context.WithoutCancel(ctx))
	}
	began := time.Now()
	for _, conn := range conns {
		group.Go(func() error {
			for {
				id := next.Add(1)
				if id > n {
					return nil
				}
				time.Sleep(time.Until(began.Add(time.Duration(id) * time.Second / time.Duration(rate))))
				if _, err := conn.Exec(ctx, "INSERT INTO bench (id, note, n) VALUES ($1, 'a note of about thirty letters', 7)", id); err != nil {
					return fmt.Errorf("inserting: %w", err)
				}
				committed[id] = time.Now()
			}
		})
	}
	return committed, group.Wait()
}

// latencies of the rows behind the first ones, in milliseconds.
func latencies(committed, seen []time.Time, warm int64) []float64 {
	var list []float64
	for id := warm + 1; id < int64(len(seen)); id++ {
		list = append(list, milliseconds(seen[id].Sub(committed[id])))
	}
	return list
}

// achieved is the rate at which rows were really committed.
func achieved(committed []time.Time) float64 {
	all := slices.Clone(committed[1:])
	slices.SortFunc(all, time.Time.Compare)
	return float64(len(all)-1) / all[len(all)-1].Sub(all[0]).Seconds()
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// pgbenchResult is one run of pgbench with the other end watched.
type pgbenchResult struct {
	tps     float64
	samples []sample
	caught  time.Duration // from its end until everything was at the other end
}

// sample is how long it took until the other end had what was committed at a moment.
type sample struct {
	at  time.Duration // since the start
	lag time.Duration
}

// pgbench inserts as fast as 8 clients can, and measures the lag twice a second.
func (d *database) pgbench(f *far, duration time.Duration) (pgbenchResult, error) {
	var result pgbenchResult
	program, err := findPgbench()
	if err != nil {
		return result, err
	}
	script := d.lab.path("insert.sql")
	const insert = "INSERT INTO bench (note, n) VALUES ('a note of about thirty letters', 7);\n"
	if err := os.WriteFile(script, []byte(insert), 0o600); err != nil {
		return result, fmt.Errorf("writing pgbench's script: %w", err)
	}
	group, ctx := errgroup.WithContext(d.lab.ctx)
	ended := make(chan struct{})
	group.Go(func() error {
		defer close(ended)
		cmd := exec.CommandContext(ctx, program, "-n", "-c", "8", "-j", "2",
			"-T", strconv.Itoa(int(duration.Seconds())), "-f", script, d.url)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("pgbench: %w\n%s", err, out)
		}
		match := regexp.MustCompile(`tps = ([0-9.]+)`).FindSubmatch(out)
		if match == nil {
			return fmt.Errorf("pgbench did not say how many transactions a second it reached:\n%s", out)
		}
		result.tps, err = strconv.ParseFloat(string(match[1]), 64)
		return err
	})
	group.Go(func() (err error) {
		result.samples, result.caught, err = d.lag(ctx, f, ended)
		return err
	})
	return result, group.Wait()
}

// lag samples until ended is closed, and then waits until the other end has everything.
func (d *database) lag(ctx context.Context, f *far, ended <-chan struct{}) (samples []sample, caught time.Duration, err error) {
	const every, pause = 500 * time.Millisecond, 2 * time.Millisecond
	type mark struct {
		at time.Time
		id int64
	}
	var pending []mark
	began, next := time.Now(), time.Now().Add(every)
	take := func(ctx context.Context) error {
		m := mark{}
		err := d.conn.QueryRow(ctx, "SELECT coalesce(max(id), 0) FROM bench").Scan(&m.id)
		m.at = time.Now()
		pending = append(pending, m)
		return err
	}
	var stopped time.Time
	err = wait(ctx, pause, "the other end has caught up", func(ctx context.Context) (bool, error) {
		select {
		case <-ended:
			if stopped.IsZero() {
				stopped = time.Now()
				if err := take(ctx); err != nil {
					return false, err
				}
			}
		default:
			if now := time.Now(); now.After(next) {
				next = now.Add(every)
				if err := take(ctx); err != nil {
					return false, err
				}
			}
		}
		at, err := f.newest(ctx)
		now := time.Now()
		for len(pending) > 0 && at >= pending[0].id {
			samples = append(samples, sample{pending[0].at.Sub(began), now.Sub(pending[0].at)})
			pending = pending[1:]
		}
		return !stopped.IsZero() && len(pending) == 0, err
	})
	if err != nil {
		return nil, 0, err
	}
	return samples, time.Since(stopped), d.complete(ctx, f)
}

// complete waits for what was committed shortly before the row with the greatest id, and
// finds out whether a row is missing.
func (d *database) complete(ctx context.Context, f *far) error {
	const tail = 1000
	var from, want int64
	const query = "SELECT coalesce(max(id), 0) - $1::bigint, (SELECT count(*) FROM bench WHERE id > (SELECT max(id) FROM bench) - $1::bigint) FROM bench"
	if err := d.conn.QueryRow(ctx, query, tail).Scan(&from, &want); err != nil {
		return fmt.Errorf("counting rows: %w", err)
	}
	return wait(ctx, time.Millisecond, "the newest rows are all at the other end", func(ctx context.Context) (bool, error) {
		ids, err := f.above(ctx, from)
		return int64(len(ids)) == want, err
	})
}

func findPgbench() (string, error) {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err != nil || len(found) == 0 {
		return "", errors.New("pgbench is not in PATH nor in /usr/lib/postgresql: install Postgres' server package")
	}
	return found[len(found)-1], nil
}

// growth is by how much the lag of the last third of the samples is above that of the
// first third, each by its median, in milliseconds.
func growth(samples []sample) float64 {
	third := len(samples) / 3
	lags := func(part []sample) float64 {
		var list []float64
		for _, s := range part {
			list = append(list, milliseconds(s.lag))
		}
		return median(list)
	}
	return lags(samples[len(samples)-third:]) - lags(samples[:third])
}

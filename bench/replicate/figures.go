package main

import (
	"errors"
	"fmt"
	"time"

	"outpost/bench/harness"
)

// figures is how many there are.
const figures = 7

// sizes are what the figures are taken with.
type sizes struct {
	copied, large, huge int64 // rows
	pgbench             time.Duration
	rate                int // transactions a second of figure 4
	fanRate             int // of figure 6
	paced, warm         time.Duration
	idle                time.Duration // for what a primary uses by itself
	replicas            int
}

func sizesOf(quick bool) sizes {
	if quick {
		return sizes{
			copied: 2000, large: 1000, huge: 5000, pgbench: time.Second, rate: 200, fanRate: 100,
			paced: time.Second / 2, warm: time.Second / 10, idle: time.Second / 10, replicas: 2,
		}
	}
	return sizes{
		copied: 1_000_000, large: 500_000, huge: 5_000_000, pgbench: 30 * time.Second, rate: 1000, fanRate: 500,
		paced: 20 * time.Second, warm: 2 * time.Second, idle: 3 * time.Second, replicas: 32,
	}
}

// How often the other end is looked at.
const (
	pollBulk  = time.Millisecond
	pollSmall = 300 * time.Microsecond
	pollMany  = 5 * time.Millisecond // where every replica is looked at, on the same cores
)

// measure takes the figures that are wanted, in order.
func (l *lab) measure(done func(*figure)) error {
	type step struct {
		figures []int
		take    func() ([]*figure, error)
	}
	for _, s := range []step{
		{[]int{1, 5}, l.copies},
		{[]int{2}, l.oneLarge},
		{[]int{3}, l.sustained},
		{[]int{4}, l.latency},
		{[]int{6}, l.fan},
		{[]int{7}, l.memory},
	} {
		wanted := false
		for _, n := range s.figures {
			wanted = wanted || l.only[n]
		}
		if !wanted {
			continue
		}
		taken, err := s.take()
		if err != nil {
			return fmt.Errorf("figure %d: %w", s.figures[0], err)
		}
		for _, f := range taken {
			f.note("the load was %s when it was finished, this run's own included", harness.Load())
			done(f)
		}
	}
	return nil
}

// turns runs both sides, the one and the other first in turns.
func (l *lab) turns(native, outpost func() error) error {
	for round := range l.rounds {
		order := []func() error{native, outpost}
		if round%2 == 1 {
			order[0], order[1] = order[1], order[0]
		}
		for _, side := range order {
			if err := side(); err != nil {
				return fmt.Errorf("round %d: %w", round+1, err)
			}
		}
	}
	return nil
}

func (l *lab) progress(format string, args ...any) {
	fmt.Fprintf(l.stdout, "  "+format+"\n", args...)
}

// with gives body a database of its own.
func (l *lab) with(body func(*database) error) (err error) {
	d, err := l.database()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.drop()) }()
	return body(d)
}

// native runs body with a subscriber that follows an empty table.
func (l *lab) native(body func(*database, *far) error) error {
	return l.with(func(d *database) (err error) {
		s, err := d.subscriber()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		if err := s.subscribe(); err != nil {
			return err
		}
		if err := s.synchronised(); err != nil {
			return err
		}
		if err := d.mark(s.far); err != nil {
			return err
		}
		return body(d, s.far)
	})
}

// edges runs body with a primary and edges that follow an empty table.
func (l *lab) edges(count int, body func(*database, *nodes) error) error {
	return l.with(func(d *database) (err error) {
		n, err := d.nodes()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, n.close()) }()
		if err := n.primary.loaded(empty); err != nil {
			return err
		}
		for range count {
			if _, err := n.edge(); err != nil {
				return err
			}
		}
		for _, edge := range n.edges {
			if err := edge.loaded(empty); err != nil {
				return err
			}
			if err := edge.ready(); err != nil {
				return err
			}
		}
		for _, edge := range n.edges {
			if err := d.mark(edge.far); err != nil {
				return err
			}
		}
		return body(d, n)
	})
}

// empty is the newest id of a table without rows; markers have greater ones, below 1.
const empty = -1000

// mark inserts a marker and waits until it is at the other end, which follows then.
func (d *database) mark(f *far) error {
	var id int64
	const insert = "INSERT INTO bench (id, note, n) SELECT coalesce(max(id), -1000) + 1, 'marker', 0 FROM bench RETURNING id"
	if err := d.conn.QueryRow(d.lab.ctx, insert).Scan(&id); err != nil {
		return fmt.Errorf("inserting a marker: %w", err)
	}
	if err := f.arrive(d.lab.ctx, id, pollBulk); err != nil {
		return err
	}
	return d.exec("CHECKPOINT")
}

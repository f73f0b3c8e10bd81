package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"outpost/bench/harness"
)

// side is one of those who answer.
type side struct {
	name, title string
	start       func(*lab, *side) error
	addr        string
	processes   []*harness.Process // whose CPU is counted
	postgres    bool               // and Postgres' with it
	validates   bool               // requests carry a tag, and the answer is 304
	from        *node              // Outpost: whose metrics say what was done
	origin      bool               // from is asked only for what the side does not have
	redis       string             // whose counts say what was done
	hot         bool               // it is compared with those that have the answer, and takes its turn next to them
	warm        bool               // it answers from what it keeps
	forgets     bool               // and has to be asked for everything before each turn
	empty       bool               // it keeps nothing
}

// allSides are in the order of the table.
func allSides() []*side {
	return []*side{
		{name: "fiber", title: "bare Fiber, bytes from memory (no checks)", start: (*lab).startBytes, hot: true},
		{name: "nginx", title: "nginx proxy_cache (no token, limiter or freshness)", start: (*lab).startNginx, hot: true, warm: true, origin: true},
		{name: "varnish", title: "Varnish (no token, limiter or freshness)", start: (*lab).startVarnish, hot: true, warm: true, origin: true},
		{name: "hit", title: "Outpost, hit", start: (*lab).startHit, hot: true, warm: true},
		{name: "304", title: "Outpost, 304", start: (*lab).startHit, hot: true, warm: true, validates: true},
		{name: "miss", title: "Outpost, miss", start: (*lab).startMiss, empty: true},
		{name: "far", title: "Outpost, miss, 80 ms from Postgres", start: (*lab).startFar, empty: true},
		{name: "sqlite", title: "bare Fiber over the same SQLite file (no checks)", start: (*lab).startSQLite},
		{name: "pgx", title: "Fiber and pgx, Postgres next door", start: (*lab).startPgx},
		{name: "aside-hit", title: "Fiber, Redis before Postgres, hit", start: (*lab).startAside, hot: true, warm: true, forgets: true},
		{name: "aside-miss", title: "Fiber, Redis before Postgres, miss", start: (*lab).startAside, empty: true},
	}
}

func sideNames() (names []string) {
	for _, s := range allSides() {
		names = append(names, s.name)
	}
	return names
}

// startSides starts those that are wanted, and holds them to Outpost's answers.
func (l *lab) startSides() error {
	for _, s := range allSides() {
		if !slices.Contains(l.only, s.name) {
			continue
		}
		l.say("starting %s, and comparing its answers", s.name)
		if err := s.start(l, s); err != nil {
			return fmt.Errorf("starting %s: %w", s.name, err)
		}
		if s.origin {
			s.from = l.primary
		}
		if err := l.same(s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		l.sides = append(l.sides, s)
	}
	return nil
}

// startHit needs no more than the primary, which is there.
func (l *lab) startHit(s *side) error {
	s.addr, s.processes, s.from = l.primary.api, []*harness.Process{l.primary.Process}, l.primary
	return nil
}

// same asks for every key, and wants the bytes that Outpost gave.
func (l *lab) same(s *side) error {
	return l.each(s, func(k *key, got answered) error {
		if !s.validates && !bytes.Equal(got.body, k.body) {
			return fmt.Errorf("GET %s is answered by\n%.600s\nwhere Outpost answers\n%.600s", k.path, got.body, k.body)
		}
		// A weak tag tells of a body that was packed, and is unpacked for each who asks.
		if etag := got.header.Get("Etag"); strings.HasPrefix(etag, "W/") {
			return fmt.Errorf("GET %s is answered with the weak tag %s", k.path, etag)
		}
		return nil
	})
}

// each asks a side for every key, as somebody who may.
func (l *lab) each(s *side, look func(*key, answered) error) error {
	group, ctx := errgroup.WithContext(l.ctx)
	group.SetLimit(4)
	for i, k := range l.load.keys {
		askers := l.people.of[k.company]
		token := l.people.asking[askers[i%len(askers)]].token
		group.Go(func() error {
			etag := ""
			if s.validates {
				etag = k.etag
			}
			got, err := ask(ctx, s.addr, k.path, token, etag, k.header.Get(headerPosition))
			if err != nil {
				return err
			}
			return look(k, got)
		})
	}
	return group.Wait()
}

// memoryFolder gives a folder on a disk in memory, where there is one.
func (l *lab) memoryFolder(name string) (string, error) {
	parent := l.folder
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "outpost-peers-"+name+"-")
	if err != nil {
		return "", fmt.Errorf("making a folder for %s: %w", name, err)
	}
	l.folders = append(l.folders, dir)
	return dir, nil
}

func split(addr string) (host, port string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		panic(err) // harness.Ports made it
	}
	return host, port
}

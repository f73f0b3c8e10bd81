package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Distances holds the round trip between pairs of regions; a pair that is not in it
// is next door.
type Distances map[[2]string]time.Duration

// ParseDistances reads fra-iad=90ms,fra-syd=260ms: the whole round trip, half each way.
func ParseDistances(text string, regions []string) (Distances, error) {
	d := make(Distances)
	if text == "" {
		return d, nil
	}
	known := make(map[string]bool)
	for _, r := range regions {
		known[r] = true
	}
	for _, item := range strings.Split(text, ",") {
		pair, value, ok := strings.Cut(strings.TrimSpace(item), "=")
		a, b, okPair := strings.Cut(pair, "-")
		rtt, err := time.ParseDuration(value)
		if !ok || !okPair || err != nil || rtt < 0 || rtt > 10*time.Second {
			return nil, fmt.Errorf("distance %q is not of the form fra-syd=260ms (at most 10s)", item)
		}
		if !known[a] || !known[b] || a == b {
			return nil, fmt.Errorf("distance %q does not name two of the regions %s", item, strings.Join(regions, ", "))
		}
		d[[2]string{a, b}], d[[2]string{b, a}] = rtt, rtt
	}
	return d, nil
}

// RoundTrip between two regions.
func (d Distances) RoundTrip(a, b string) time.Duration { return d[[2]string{a, b}] }

// Dialer connects as from one region to another: opening takes a round trip, and so
// does each question and answer. Without distance it is an ordinary dialer.
func Dialer(rtt time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	if rtt == 0 {
		return d.DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case <-time.After(rtt):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		far, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		near, end := net.Pipe()
		go join(end, far, rtt/2)
		return addressed{near, far}, nil
	}
}

// addressed lets a pipe's end tell the addresses of the connection behind it.
type addressed struct {
	net.Conn
	far net.Conn
}

func (a addressed) LocalAddr() net.Addr  { return a.far.LocalAddr() }
func (a addressed) RemoteAddr() net.Addr { return a.far.RemoteAddr() }

// Proxy lets clients talk to target as if they were a round trip away, until ctx ends.
func Proxy(ctx context.Context, l net.Listener, target string, rtt time.Duration) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // Accept's error tells
	defer stop()
	dial := Dialer(0)
	var open sync.WaitGroup
	defer open.Wait()
	for {
		near, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accepting on %s: %w", l.Addr(), err)
		}
		open.Add(1)
		go func() {
			defer open.Done()
			defer near.Close()
			closeNear := context.AfterFunc(ctx, func() { _ = near.Close() })
			defer closeNear()
			if !pause(ctx, rtt) {
				return
			}
			far, err := dial(ctx, "tcp", target)
			if err != nil {
				return // the client sees a closed connection, as it would of a dead server
			}
			join(near, far, rtt/2)
		}()
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// join copies both ways, each with a delay, until both directions ended.
func join(a, b net.Conn, delay time.Duration) {
	var wg sync.WaitGroup
	wg.Go(func() { delayed(a, b, delay) })
	wg.Go(func() { delayed(b, a, delay) })
	wg.Wait()
	_, _ = a.Close(), b.Close() // both have ended
}

type chunk struct {
	due  time.Time
	data []byte
}

// delayed copies from src to dst; each byte arrives delay after it was read. The
// line holds up to 16 MiB, then the sender waits.
func delayed(dst, src net.Conn, delay time.Duration) {
	line := make(chan chunk, 512)
	var wg sync.WaitGroup
	wg.Go(func() {
		for c := range line {
			time.Sleep(time.Until(c.due))
			if _, err := dst.Write(c.data); err != nil {
				_ = src.Close() // stops the reader
				for range line {
					continue
				}
				return
			}
		}
		closeWrite(dst)
	})
	for {
		buf := make([]byte, 32<<10)
		n, err := src.Read(buf)
		if n > 0 {
			line <- chunk{time.Now().Add(delay), buf[:n]}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_ = dst.Close() // a broken line is broken for both
			}
			break
		}
	}
	close(line)
	wg.Wait()
}

// closeWrite tells the other side that nothing more comes; a pipe can only close.
func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it is closed already when this fails
		return
	}
	_ = c.Close()
}

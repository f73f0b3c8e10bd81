// Package apitest gives benchmarks connections to an API without a network: what is measured is the way
// from the bytes of a request to those of its answer, and nothing of the kernel's.
package apitest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Server is an API.
type Server interface {
	Listen(ln net.Listener) error
}

// Listener hands connections to a server.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Listen lets s serve until the test ends.
func Listen(tb testing.TB, s Server) *Listener {
	tb.Helper()
	l := &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- s.Listen(l) }()
	tb.Cleanup(func() {
		_ = l.Close() // it has no error
		if err := <-done; err != nil {
			tb.Errorf("serving connections without a network: %v", err)
		}
	})
	return l
}

// Ask sends request on one connection, each time after the answer to the last, for as long as there is
// more, and wants each answered with that status line.
func (l *Listener) Ask(tb testing.TB, request []byte, line string, more func() bool) {
	tb.Helper()
	c := &conn{request: request, line: []byte(line), more: more, remote: address(), done: make(chan struct{})}
	l.conns <- c
	<-c.done
	if c.answered != c.asked {
		tb.Errorf("%d of %d requests were answered with %s, the last with: %.200s", c.answered, c.asked, line, c.last)
	}
}

// Accept gives the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, io.EOF
	}
}

// Close lets the server stop.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is nowhere.
func (l *Listener) Addr() net.Addr { return address() }

// conn is a connection whose other side throws the answers away. A server reads and writes one from a
// single goroutine.
type conn struct {
	request, line   []byte
	more            func() bool
	asked, answered int
	remote          net.Addr
	last            []byte
	once            sync.Once
	done            chan struct{}
}

// Read gives a request, and the end once there are no more.
func (c *conn) Read(b []byte) (int, error) {
	if !c.more() {
		return 0, io.EOF
	}
	if len(b) < len(c.request) {
		return 0, io.ErrShortBuffer
	}
	c.asked++
	return copy(b, c.request), nil
}

// Write takes an answer, or the first part of a long one and then the others.
func (c *conn) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
		if bytes.HasPrefix(b, c.line) {
			c.answered++
		} else {
			c.last = bytes.Clone(b)
		}
	}
	return len(b), nil
}

// Close says that the server is done with it.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

// LocalAddr is the same for all.
func (c *conn) LocalAddr() net.Addr { return c.remote }

// RemoteAddr is the same for all.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// Nothing here waits, so there are no deadlines.

// SetDeadline does nothing.
func (c *conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

func address() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50_000} }

package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

// listening is what is open.
type listening struct {
	mu        sync.Mutex
	stopped   bool
	listeners []net.Listener
	conns     map[*conn]struct{}
	closing   sync.WaitGroup // connections that are being closed in the background
}

// Listen serves requests from ln until Shutdown, then returns nil.
func (a *API) Listen(ln net.Listener) error {
	l := &listener{Listener: ln, api: a}
	a.mu.Lock()
	if a.stopped {
		a.mu.Unlock()
		return ln.Close()
	}
	a.listeners = append(a.listeners, l)
	a.mu.Unlock()
	if err := a.app.Listener(l); err != nil {
		return fmt.Errorf("serving the API: %w", err)
	}
	return nil
}

// Shutdown takes no more connections, lets the requests in flight finish but for streams, which it ends,
// and closes what is idle. When ctx ends first, what is still open is cut. Called again,
// it does nothing more.
func (a *API) Shutdown(ctx context.Context) error {
	a.mu.Lock()
	a.stopped = true
	listeners := a.listeners
	a.mu.Unlock()
	defer a.streams.end()()
	// Those that the server has not taken up yet it would not close.
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	if err := a.app.ShutdownWithContext(ctx); err != nil {
		errs = append(errs, fmt.Errorf("waiting for requests in flight: %w", err))
	}
	a.stop()
	a.mu.Lock()
	for c := range a.conns {
		errs = append(errs, c.cut())
	}
	a.mu.Unlock()
	a.closing.Wait()
	return errors.Join(errs...)
}

// listener wraps connections, and may be closed twice.
type listener struct {
	net.Listener
	api  *API
	once sync.Once
}

// Accept waits for a connection.
func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, api: l.api, client: addressOf(inner.RemoteAddr())}
	l.api.mu.Lock()
	defer l.api.mu.Unlock()
	if l.api.conns == nil {
		l.api.conns = make(map[*conn]struct{})
	}
	l.api.conns[c] = struct{}{}
	l.api.Metrics.Connections(1)
	return c, nil
}

// Close closes the listener, once.
func (l *listener) Close() (err error) {
	l.once.Do(func() { err = l.Listener.Close() })
	return err
}

// conn is a client's connection. A client must take bytes for as long as it is sent any, but
// a long download may take its time, so the deadline is set anew for each write. And the
// answer to a request that was not read to its end must arrive, so closing lingers.
type conn struct {
	net.Conn
	api      *API
	client   netip.Addr // whom it is with
	once     sync.Once
	deadline time.Time // of the last write
}

const (
	lingerTime  = 2 * time.Second
	lingerBytes = 64 << 20
)

// Write writes with a deadline of its own. The one before is left where it is while it has fifteen
// sixteenths of its time: to set one costs as much as to find an answer.
func (c *conn) Write(b []byte) (int, error) {
	stall := c.api.Limits.Stall
	if now := time.Now(); c.deadline.Sub(now) < stall-stall/16 {
		c.deadline = now.Add(stall)
		if err := c.Conn.SetWriteDeadline(c.deadline); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

// Read lets others run first. Right after an answer the next request is not there yet: to look for it
// at once is a call to the kernel in vain, and then a wait.
func (c *conn) Read(b []byte) (int, error) {
	runtime.Gosched()
	return c.Conn.Read(b)
}

// Close says that nothing more will come, and takes what the client is still sending for a
// little while: closed at once, the kernel would reset the connection, and the client lose
// the answer that says 413.
func (c *conn) Close() (err error) {
	c.once.Do(func() {
		c.api.mu.Lock()
		delete(c.api.conns, c)
		linger := !c.api.stopped // Shutdown waits for those that linger already, not for new ones
		if linger {
			c.api.closing.Add(1)
		}
		c.api.mu.Unlock()
		c.api.Metrics.Connections(-1)
		half, ok := c.Conn.(interface{ CloseWrite() error })
		if !ok || !linger || half.CloseWrite() != nil {
			if linger {
				c.api.closing.Done()
			}
			err = c.Conn.Close()
			return
		}
		go func() {
			defer c.api.closing.Done()
			// Whatever fails here, the connection is gone.
			_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
			_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
			_ = c.Conn.Close()
		}()
	})
	return err
}

// buffer bounds what the kernel takes of what the client does not. Where it does not do that, a
// client that takes nothing is cut later.
func (c *conn) buffer(bytes int) {
	if sized, ok := c.Conn.(interface{ SetWriteBuffer(int) error }); ok {
		_ = sized.SetWriteBuffer(bytes)
	}
}

// awaitEnd returns when the client has ended the connection, or it was closed here. It is for answers
// after which nothing more is read: what the client sends is thrown away, and if that is much it counts
// as its end.
func (c *conn) awaitEnd() {
	// Whatever fails here, the connection is of no use any more.
	_ = c.Conn.SetReadDeadline(time.Time{})
	_, _ = io.CopyN(io.Discard, c.Conn, headerBytes)
}

// cut ends a connection without lingering. The server's own Close of it comes later.
func (c *conn) cut() error {
	if err := c.Conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing a connection: %w", err)
	}
	return nil
}

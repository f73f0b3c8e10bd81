package hub

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy is an address that stays while the hub behind it ends and comes back, and whose
// connections can be broken.
type proxy struct {
	listener net.Listener
	done     sync.WaitGroup

	left atomic.Int64 // bytes from behind until everything is severed; 0 for never

	mu    sync.Mutex
	to    string // "" while nobody is there
	conns map[net.Conn]bool
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, conns: make(map[net.Conn]bool)}
	p.done.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close() // nothing depends on how it ends
		p.lead("")
		p.done.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// lead sends what comes from now on elsewhere, and breaks what there is.
func (p *proxy) lead(to string) {
	p.mu.Lock()
	p.to = to
	p.mu.Unlock()
	p.sever()
}

// sever breaks the connections.
func (p *proxy) sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // that is the purpose
	}
}

func (p *proxy) accept() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.mu.Lock()
		to := p.to
		p.mu.Unlock()
		behind, err := net.Dial("tcp", to)
		if to == "" || err != nil {
			_ = from.Close() // as if nobody listened
			continue
		}
		p.mu.Lock()
		p.conns[from], p.conns[behind] = true, true
		p.mu.Unlock()
		p.done.Go(func() { p.pass(torn{from, p}, behind) })
		p.done.Go(func() { p.pass(behind, from) })
	}
}

// tear severs the connections within what is sent to the edges, after n bytes.
func (p *proxy) tear(n int) { p.left.Store(int64(n)) }

// torn is a connection that tear breaks.
type torn struct {
	net.Conn
	p *proxy
}

func (t torn) Write(b []byte) (int, error) {
	left := t.p.left.Load()
	switch {
	case left == 0:
		return t.Conn.Write(b)
	case int64(len(b)) < left:
		t.p.left.Store(left - int64(len(b)))
		return t.Conn.Write(b)
	}
	t.p.left.Store(0)
	n, _ := t.Conn.Write(b[:left]) // the last there is
	t.p.sever()
	return n, net.ErrClosed
}

// pass copies until either side is closed, and closes the other.
func (p *proxy) pass(to, from net.Conn) {
	_, _ = io.Copy(to, from) // a broken connection is what it is for
	_ = to.Close()
	p.mu.Lock()
	if t, ok := to.(torn); ok {
		to = t.Conn
	}
	delete(p.conns, to)
	p.mu.Unlock()
}

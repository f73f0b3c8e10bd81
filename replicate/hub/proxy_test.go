package hub

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy is an address that stays while what is behind it ends and comes back, and whose
// connections can be broken.
type proxy struct {
	listener net.Listener
	done     sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // stall
	to      string     // "" while nobody is there
	conns   map[net.Conn]bool
	left    int64 // from behind, until the connection that brings it is cut; 0 for never
	stall   int64 // from behind, of one connection, after which it brings no more; 0 for never
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, conns: make(map[net.Conn]bool)}
	p.changed = sync.NewCond(&p.mu)
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
	p.changed.Broadcast()
}

// cut breaks whichever connection brings the n-th byte from now on, right before it.
func (p *proxy) cut(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = n
}

// uncut is how many bytes there are to come until then; 0 when it has happened.
func (p *proxy) uncut() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left
}

// stallAfter lets each connection bring no more than n bytes, until 0 lets all go on.
func (p *proxy) stallAfter(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stall = n
	p.changed.Broadcast()
}

// url leads through the proxy to where another URL does.
func (p *proxy) url(t *testing.T, to string) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	if p.to == "" {
		p.to = u.Host
	}
	p.mu.Unlock()
	u.Host = p.addr()
	return u.String()
}

// valve is the end of a connection to which the proxy's limits apply.
type valve struct {
	net.Conn
	proxy   *proxy
	brought int64
}

func (v *valve) Write(b []byte) (int, error) {
	p := v.proxy
	p.mu.Lock()
	for p.stall > 0 && v.brought >= p.stall && p.conns[v.Conn] {
		p.changed.Wait()
	}
	v.brought += int64(len(b))
	whole := len(b)
	cut := p.left > 0 && p.left <= int64(whole)
	if cut {
		b, p.left = b[:p.left-1], 0
	} else if p.left > 0 {
		p.left -= int64(whole)
	}
	p.mu.Unlock()
	n, err := v.Conn.Write(b)
	if err == nil && cut {
		err = net.ErrClosed
	}
	return n, err
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
		p.done.Go(func() { p.pass(&valve{Conn: from, proxy: p}, behind) })
		p.done.Go(func() { p.pass(behind, from) })
	}
}

// pass copies until either side is closed, and closes both.
func (p *proxy) pass(to, from net.Conn) {
	_, _ = io.Copy(struct{ io.Writer }{to}, from) // a broken connection is what it is for
	if v, ok := to.(*valve); ok {
		to = v.Conn
	}
	_ = to.Close()
	_ = from.Close()
	p.mu.Lock()
	delete(p.conns, to)
	delete(p.conns, from)
	p.changed.Broadcast()
	p.mu.Unlock()
}

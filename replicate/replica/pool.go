package replica

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"
)

// pool lets a bounded number of reads into one file, each on a connection of its own.
type pool struct {
	db      *sql.DB
	prepare prepare // may be nil
	places  chan struct{}

	mu   sync.Mutex
	idle []*session // the last one to have read is the next to: it has its pages at hand
}

// prepare is Options.Prepare.
type prepare func(ctx context.Context, conn *sql.Conn, first bool) (io.Closer, error)

func newPool(connector driver.Connector, readers int, prepare prepare) *pool {
	p := &pool{db: sql.OpenDB(connector), prepare: prepare, places: make(chan struct{}, readers)}
	p.db.SetMaxIdleConns(-1) // a session that is closed is gone
	return p
}

// open opens the first connection, before anybody reads.
func (p *pool) open(ctx context.Context) error {
	s, err := newSession(ctx, p.db, p.prepare, true)
	if err != nil {
		return err
	}
	p.idle = append(p.idle, s)
	return nil
}

// take gives a connection to one read. It waits for one while all are reading.
func (p *pool) take(ctx context.Context) (*session, error) {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s := p.pop(); s != nil {
		return s, nil
	}
	s, err := newSession(ctx, p.db, p.prepare, false)
	if err != nil {
		<-p.places
	}
	return s, err
}

func (p *pool) pop() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return s
}

// give takes it back, or closes one that could not end its transaction.
func (p *pool) give(s *session) (err error) {
	defer func() { <-p.places }()
	if s.broken {
		return s.close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
	return nil
}

// close closes the connections. Nobody reads any more.
func (p *pool) close() error {
	var errs []error
	for s := p.pop(); s != nil; s = p.pop() {
		errs = append(errs, s.close())
	}
	return errors.Join(append(errs, p.db.Close())...)
}

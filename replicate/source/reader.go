package source

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"outpost/replicate/change"
)

// read moves what Postgres sends into the queue until the connection ends.
func (st *Stream) read(ctx context.Context) {
	defer st.running.Done()
	err := st.readAll(ctx)
	st.mu.Lock()
	err = cmp.Or(st.cause, err)
	st.cause = err
	st.mu.Unlock()
	st.queue.close(err)
	st.stop()
}

func (st *Stream) readAll(ctx context.Context) error {
	var copies arena
	for {
		// Not under ctx, which would cost a watch for each message: interrupt ends it.
		m, err := st.conn.ReceiveMessage(context.Background())
		if err != nil {
			return err
		}
		var e Event
		switch m := m.(type) {
		case *pgproto3.CopyData:
			if e, err = parseEvent(m.Data); err != nil {
				return err
			}
			st.input.passed(e.Data)
			e.Data = copies.clone(e.Data)
		case *pgproto3.ErrorResponse:
			return pgconn.ErrorResponseToPgError(m)
		case *pgproto3.CopyDone, *pgproto3.CommandComplete, *pgproto3.ReadyForQuery:
			return errors.New("Postgres ended the replication")
		default:
			continue // notices and changed parameters
		}
		if err := st.note(e); err != nil {
			return err
		}
		if !st.queue.push(ctx, e) {
			return ctx.Err()
		}
		st.mu.Lock()
		st.heard, st.waiting = time.Now(), true
		st.mu.Unlock()
	}
}

// note keeps that something arrived, and answers a keepalive that asks for it.
func (st *Stream) note(e Event) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.waiting = false // until the queue has room for it
	st.received = max(st.received, e.WALStart, e.WALEnd)
	if !e.Reply {
		return nil
	}
	return st.send(false)
}

// keepAlive tells Postgres regularly that we are there, also while the queue is full
// and nothing is read, and finds out whether Postgres still is.
func (st *Stream) keepAlive(ctx context.Context) {
	defer st.running.Done()
	tick := time.NewTicker(st.beat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := st.pulse(); err != nil {
			st.interrupt(err)
			return
		}
	}
}

// pulse sends one status update. Of a Postgres that has been quiet it asks for an
// answer; an idle one would send nothing of its own accord.
func (st *Stream) pulse() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	quiet := time.Duration(0)
	if st.waiting {
		quiet = time.Since(st.heard)
	}
	if quiet > st.silence {
		return errSilent
	}
	return st.send(quiet > st.silence/4)
}

// parseEvent reads a message of the replication protocol. Data aliases b.
// https://www.postgresql.org/docs/current/protocol-replication.html
func parseEvent(b []byte) (Event, error) {
	lsn := func(at int) change.LSN { return change.LSN(binary.BigEndian.Uint64(b[at:])) }
	switch {
	case len(b) >= 25 && b[0] == 'w':
		return Event{WALStart: lsn(1), WALEnd: lsn(9), Data: b[25:]}, nil
	case len(b) == 18 && b[0] == 'k':
		return Event{WALEnd: lsn(1), Keepalive: true, Reply: b[17] == 1}, nil
	}
	return Event{}, fmt.Errorf("Postgres sent a replication message that is not understood (%d bytes, %.1q)", len(b), b)
}

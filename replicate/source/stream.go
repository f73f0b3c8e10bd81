package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"outpost/replicate/change"
)

var (
	errClosed = errors.New("the stream was closed")
	errSilent = errors.New("Postgres has been silent for too long: the connection is taken to be dead")
)

// Event is a message of pgoutput, or a keepalive.
type Event struct {
	// WALStart is the position of the change; of a Commit, its END.
	WALStart change.LSN
	// WALEnd is, in a keepalive, how far Postgres has read its WAL: everything that was
	// committed below has been sent.
	WALEnd    change.LSN
	Data      []byte // nil in a keepalive
	Keepalive bool
	Reply     bool // the keepalive asked for a reply; it has been given
}

// decodingMemory is how much of the changes that are not committed yet Postgres keeps in
// memory for a Stream; what is beyond it goes to its disk and comes from there at the
// commit, which takes about twice as long. The URL may say otherwise.
const decodingMemory = "256MB"

// Stream is a running replication. One goroutine may call Next and TryNext, another
// one Confirm.
//
// A goroutine of its own reads ahead, within a bound, and answers Postgres' keepalives
// however long the caller takes over an event: otherwise Postgres would cut the
// connection, and a transaction that takes long would start over for ever.
type Stream struct {
	conn  *pgconn.PgConn
	input *input
	slot  string
	queue *queue

	beat, silence time.Duration

	mu        sync.Mutex // held while sending
	confirmed change.LSN
	received  change.LSN // the newest position that Postgres has named
	heard     time.Time  // when something last arrived, or could have
	waiting   bool       // for Postgres, not for the caller
	cause     error      // why the reader was interrupted

	stop    context.CancelFunc // ends both goroutines
	running sync.WaitGroup
	closing sync.Once
}

// Stream begins where a copy or an earlier stream ended: everything that was committed
// after from arrives, in the order of the commits. It first ends whoever still streams
// from the slot. The errors that mean "not from there" are ErrNoSlot, ErrSlotLost and
// ErrSlotAhead. The context bounds the start only; end the stream with Close.
func (s *Source) Stream(ctx context.Context, from change.LSN) (*Stream, error) {
	admin, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closeConn(ctx, admin.PgConn())
	in := new(input)
	conn, err := s.connectReplication(ctx, 0, func(c *pgconn.Config) {
		c.BuildFrontend = in.frontend
		if c.RuntimeParams["logical_decoding_work_mem"] == "" {
			c.RuntimeParams["logical_decoding_work_mem"] = decodingMemory
		}
	})
	if err != nil {
		return nil, err
	}
	err = s.insist(ctx, func(ctx context.Context) error {
		// Asked each time: a predecessor may confirm until it is gone.
		if err := s.endPredecessor(ctx, admin); err != nil {
			return err
		}
		slot, err := s.slot(ctx, admin)
		switch {
		case err != nil:
			return err
		case !slot.Exists:
			return ErrNoSlot
		case slot.WALStatus == "lost":
			return ErrSlotLost
		case slot.Confirmed > from:
			return fmt.Errorf("%w (confirmed: %s)", ErrSlotAhead, slot.Confirmed)
		}
		return s.startReplication(ctx, conn, from)
	})
	if err != nil {
		closeConn(ctx, conn)
		return nil, fmt.Errorf("streaming from slot %s at %s: %w", s.Config.Slot, from, err)
	}
	running, stop := context.WithCancel(context.Background())
	st := &Stream{
		conn: conn, input: in, slot: s.Config.Slot, queue: newQueue(s.queueBytes),
		beat: s.beat, silence: s.silence,
		confirmed: from, received: from, heard: time.Now(), waiting: true,
		stop: stop,
	}
	in.before = st.queue.wake
	st.running.Add(2)
	go st.read(running)
	go st.keepAlive(running)
	return st, nil
}

func (s *Source) startReplication(ctx context.Context, conn *pgconn.PgConn, from change.LSN) error {
	publication := pgx.Identifier{s.Publication}.Sanitize()
	return pglogrepl.StartReplication(ctx, conn, pgx.Identifier{s.Config.Slot}.Sanitize(), pglogrepl.LSN(from),
		pglogrepl.StartReplicationOptions{PluginArgs: []string{
			"proto_version '1'",
			"publication_names '" + strings.ReplaceAll(publication, "'", "''") + "'",
			"messages 'true'",
		}})
}

// Next gives the next event, waiting for it if need be. After an error of the context
// it can be called again; after any other the stream is over. What had arrived before
// that is given first.
func (st *Stream) Next(ctx context.Context) (Event, error) {
	for {
		if e, ok, err := st.TryNext(); ok || err != nil {
			return e, err
		}
		select {
		case <-st.queue.filled:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// TryNext gives the next event if one has arrived.
func (st *Stream) TryNext() (Event, bool, error) {
	e, ok, err := st.queue.pop()
	if err != nil {
		err = fmt.Errorf("reading slot %s: %w", st.slot, err)
	}
	return e, ok, err
}

// Confirm tells Postgres that everything up to a position is safe: Postgres may forget
// it, and will not send it again. It is told at once. A position below an earlier one
// changes nothing; one that Postgres has not reached is an error, for it would skip
// what comes in between.
func (st *Stream) Confirm(lsn change.LSN) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if lsn <= st.confirmed {
		return nil
	}
	if lsn > st.received {
		return fmt.Errorf("confirming %s of slot %s: Postgres has sent nothing beyond %s", lsn, st.slot, st.received)
	}
	if st.cause != nil {
		return fmt.Errorf("confirming %s of slot %s: %w", lsn, st.slot, st.cause)
	}
	st.confirmed = lsn
	if err := st.send(false); err != nil {
		return fmt.Errorf("confirming %s of slot %s: %w", lsn, st.slot, err)
	}
	return nil
}

// Close ends the stream. What was confirmed has been sent; what was not arrives again
// in the next stream.
func (st *Stream) Close(ctx context.Context) error {
	st.closing.Do(func() {
		st.interrupt(errClosed)
		st.stop()
		st.running.Wait()
		closeConn(ctx, st.conn)
	})
	return nil
}

// send writes a status update; the caller holds mu. All three positions are set, for
// pglogrepl takes the written one for those that are not.
func (st *Stream) send(askReply bool) error {
	if err := st.conn.Conn().SetWriteDeadline(time.Now().Add(st.silence)); err != nil {
		return err
	}
	lsn := pglogrepl.LSN(st.confirmed)
	return pglogrepl.SendStandbyStatusUpdate(context.Background(), st.conn, pglogrepl.StandbyStatusUpdate{
		WALWritePosition: lsn, WALFlushPosition: lsn, WALApplyPosition: lsn,
		ClientTime: time.Now(), ReplyRequested: askReply,
	})
}

// interrupt makes the reader return, for a reason.
func (st *Stream) interrupt(cause error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.cause == nil {
		st.cause = cause
	}
	// A connection that is closed already has interrupted it.
	_ = st.conn.Conn().SetReadDeadline(time.Unix(1, 0))
}

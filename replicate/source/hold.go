package source

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// holdClass tells the advisory locks of slots from others.
const holdClass = 0x6f757473

var (
	errReleased = errors.New("the hold on the slot was given back")
	// ErrHoldLost says that the connection that held the slot has ended: Postgres is away,
	// or whoever waits for the slot found this process silent.
	ErrHoldLost = errors.New("the hold on the slot is lost")
)

// Hold is the right to read, drop and make the slot, of one process at a time. It is an
// advisory lock of a connection that says regularly that it is there, so it ends with the
// process, and can be taken from one that was paused or whose network is gone.
type Hold struct {
	patience time.Duration
	lost     context.Context // its cause says why
	lose     context.CancelCauseFunc
	done     chan struct{}

	answered atomic.Int64 // when Postgres last did, in nanoseconds since began
	began    time.Time

	mu   sync.Mutex // held while conn is used
	conn *pgx.Conn
}

// Holder is the process that has the slot.
type Holder struct {
	PID     int
	Address string // of the client; empty for a local one, and where this role may not see it
	Began   string // when it connected, by Postgres' clock; likewise
	said    string // when it was last heard of; empty where this role may not see it
}

// Hold waits until no other process holds the slot, and takes it. A holder that says
// nothing for the time of patience is taken for gone, and its connection is ended; it
// says something eight times as often. Nobody's clock is compared with another's.
// waiting is called once for each holder that is waited for.
func (s *Source) Hold(ctx context.Context, patience time.Duration, waiting func(Holder)) (*Hold, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.takeHold(ctx, conn, patience, waiting); err != nil {
		closeConn(ctx, conn.PgConn())
		return nil, err
	}
	h := &Hold{patience: patience, done: make(chan struct{}), conn: conn, began: time.Now()}
	h.lost, h.lose = context.WithCancelCause(context.Background())
	go h.keep()
	return h, nil
}

func (s *Source) takeHold(ctx context.Context, conn *pgx.Conn, patience time.Duration, waiting func(Holder)) error {
	const look, grace = 200 * time.Millisecond, time.Second // a predecessor that ends just now is not worth a word
	var last Holder
	var heard, met time.Time // by this process' monotonic clock
	told := false
	for {
		held, holder, err := s.tryHold(ctx, conn, patience)
		if held || err != nil {
			return err
		}
		if holder.PID != last.PID {
			met, told = time.Now(), false
		}
		if holder != last {
			last, heard = holder, time.Now()
		}
		if !told && time.Since(met) > min(grace, patience) {
			told = true
			waiting(holder)
		}
		if holder.said != "" && time.Since(heard) > patience {
			s.log.Warn("whoever holds the slot has been silent for too long: its connection is ended", "slot", s.Config.Slot, "process", holder.PID)
			if _, err := conn.Exec(ctx, "SELECT pg_terminate_backend($1)", holder.PID); err != nil {
				return fmt.Errorf("ending process %d, which holds slot %s and says nothing: %w", holder.PID, s.Config.Slot, err)
			}
			heard = time.Now() // it may take a while to end, and is not asked again at once
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryHold takes the lock, or tells who has it. A Postgres that does not answer in time is one
// to connect to anew.
func (s *Source) tryHold(ctx context.Context, conn *pgx.Conn, patience time.Duration) (held bool, h Holder, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2)", int32(holdClass), s.holdKey()).Scan(&held); err != nil {
		return false, Holder{}, fmt.Errorf("holding slot %s: %w", s.Config.Slot, err)
	}
	if !held {
		h, err = s.holder(ctx, conn)
	}
	return held, h, err
}

// holder finds who has the lock; the zero value if nobody does any more.
func (s *Source) holder(ctx context.Context, conn *pgx.Conn) (h Holder, err error) {
	const query = `
		SELECT l.pid, coalesce(host(a.client_addr), ''), coalesce(a.backend_start::text, ''), coalesce(a.state_change::text, '')
		FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	err = conn.QueryRow(ctx, query, uint32(holdClass), uint32(s.holdKey())).Scan(&h.PID, &h.Address, &h.Began, &h.said)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Holder{}, fmt.Errorf("asking who holds slot %s: %w", s.Config.Slot, err)
	}
	return h, nil
}

func (s *Source) holdKey() int32 {
	sum := fnv.New32a()
	sum.Write([]byte(s.Config.Slot))
	return int32(sum.Sum32())
}

// keep says that this process is there, until the connection ends.
func (h *Hold) keep() {
	defer close(h.done)
	tick := time.NewTicker(h.patience / 8)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-h.lost.Done():
			return
		}
		h.Check()
	}
}

// Check finds out now whether the hold is there still, and says so to whoever waits for it.
func (h *Hold) Check() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	ctx, cancel := context.WithTimeout(h.lost, h.patience)
	defer cancel()
	if err := h.conn.Ping(ctx); err != nil {
		h.lose(fmt.Errorf("%w: %w", ErrHoldLost, err))
		return false
	}
	h.answered.Store(int64(time.Since(h.began)))
	return h.lost.Err() == nil
}

// Answered says whether Postgres has answered lately. An idle one says nothing of its own
// accord, and one that cannot be reached any more says nothing either.
func (h *Hold) Answered() bool {
	return time.Since(h.began)-time.Duration(h.answered.Load()) < h.patience/3
}

// Lost ends when the hold does; its cause says why.
func (h *Hold) Lost() context.Context { return h.lost }

// Release gives the slot to whoever waits for it.
func (h *Hold) Release(ctx context.Context) {
	h.lose(errReleased)
	<-h.done
	closeConn(ctx, h.conn.PgConn())
}

package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgoutput"
)

// The errors that callers tell apart.
var (
	// ErrResync says that the replica cannot go on from where it is: only another file helps.
	ErrResync = errors.New("the replica must be loaded again")
	// ErrNotLoaded says that there is no file yet.
	ErrNotLoaded = errors.New("the replica is not loaded yet")
	// ErrClosed says that the replica was closed.
	ErrClosed = errors.New("the replica is closed")
	// ErrNoReplica says of a file that it is something else.
	ErrNoReplica = errors.New("the file is no replica")
)

func resync(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrResync}, args...)...)
}

// Options say where the file is and who takes part.
type Options struct {
	Path     string
	Log      *slog.Logger
	Observer Observer // may be nil
	Objects  []Object
	// Touched is the table of one of the Objects in which their triggers note what else has changed than
	// rows: something derived from them, or a part of one that matters to somebody. It has the columns
	// name TEXT, key TEXT, id INTEGER; before each commit it is told to the Observer and emptied. Without
	// an Observer it is left as it is.
	Touched string
	// Prepare is called for each connection that is opened for reading: the first one of a file at
	// once, one more to try a file that Swap is about to put in place. A file whose first one it refuses is not
	// used. Those that are opened later may meet tables that have changed since: what it refuses then is
	// every read through them, so that it had better leave out what does not fit any more. It may be nil.
	Prepare func(ctx context.Context, conn *sql.Conn, first bool) (io.Closer, error)
	// Readers is how many may read at the same time; if zero, two more than there are processors, but
	// 4 at least and 16 at most. More only make each other slower: see server/store/DESIGN.md.
	Readers int
	// WALBytes is the size of the write-ahead log past which a commit is followed by a
	// checkpoint that waits for readers; 64 MiB if zero. At four times that size the
	// applier stands still until the log could be emptied.
	WALBytes int64
	// Durable says that what Apply has committed survives a power cut, at the price of a
	// sync for each commit. Without, a power cut may take the last commits, which a replica
	// that follows a stream finds there again.
	Durable bool
	// Delay is called before each commit of the applier, if set: a slow replica to order.
	Delay func()
}

// Observer sees every row before SQLite commits it. It is called from the applying
// goroutine only; values alias buffers that are reused.
type Observer interface {
	// Row is one change: an insert has no old row, a delete no new one. An old row
	// holds what was sent, the identity's columns; an UPDATE may come without one.
	Row(t *change.Table, old, row change.Row)
	// Truncate says that all rows of t are gone.
	Truncate(t *change.Table)
	// Touched is a row of Options.Touched: what name stands for has changed, where its key is id.
	Touched(name, key string, id int64)
	// Commit comes directly before SQLite's COMMIT: tags are to be raised now.
	Commit(at change.Position)
	// Rollback says that what was seen since the last Commit did not happen, and, if
	// it comes directly after a Commit, that this did not happen either.
	Rollback()
	// Replaced says that other content is about to be visible: a new file, a TRUNCATE
	// or other tables. State() has the new incarnation already; no read sees its content yet.
	Replaced(incarnation uint64)
}

// Replica is one SQLite file with its writer, its readers and those who wait.
// Apply, Abandon and Swap exclude each other; everything else may run at any time.
type Replica struct {
	options Options
	log     *slog.Logger

	applying  sync.Mutex // held by whoever writes or exchanges the file
	tx        transaction
	decoder   pgoutput.Decoder
	snapshots snapshots

	gate    gate
	file    atomic.Pointer[file] // nil while there is none
	waiters waiters
	closed  atomic.Bool

	background     sync.WaitGroup // what looks at the file while it is open
	stopBackground context.CancelFunc

	rows, transactions atomic.Uint64
	uncommitted        atomic.Uint64 // rows of the open transaction
}

// Open opens the file at o.Path. Where there is none the replica is empty and not
// loaded; a damaged file is set aside as o.Path.damaged and logged. A file that this
// program cannot use (it is of another format, or Objects or Prepare fail on it) leaves
// the replica not loaded too, for another file is what mends that.
func Open(ctx context.Context, o Options) (*Replica, error) {
	if o.Readers == 0 {
		o.Readers = min(max(4, runtime.GOMAXPROCS(0)+2), 16)
	}
	if o.WALBytes == 0 {
		o.WALBytes = 64 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Replica{options: o, log: o.Log}
	r.waiters.published.Store(&State{})
	if err := r.open(ctx); err != nil {
		return nil, OnDisk(o.Path, err)
	}
	var life context.Context
	life, r.stopBackground = context.WithCancel(context.Background())
	r.background.Go(func() { r.watch(life) })
	r.background.Go(func() { r.examine(life) })
	return r, nil
}

func (r *Replica) open(ctx context.Context) error {
	o := &r.options
	if _, err := os.Stat(o.Path); errors.Is(err, os.ErrNotExist) {
		// A log without its file would be replayed into the next one.
		return removeJournals(o.Path)
	} else if err != nil {
		return fmt.Errorf("opening the replica: %w", err)
	}
	f, err := r.openFile(ctx, o.Path, true)
	switch {
	case err == nil:
		r.install(f)
	case ctx.Err() != nil:
		return err
	case isDamage(err):
		r.log.Error("the replica file is damaged; it is set aside and will be loaded again", "file", o.Path+damagedSuffix, "error", err)
		return setAside(o.Path)
	case errors.Is(err, errOtherFormat):
		r.log.Warn("the replica file was made by another version of this program; it will be loaded again", "file", o.Path, "error", err)
	case errors.Is(err, errUnusable):
		r.log.Error("the replica file does not fit this program; it will be loaded again", "error", err)
	default:
		return err
	}
	return nil
}

// install makes an opened file the current one. No reader may be inside.
func (r *Replica) install(f *file) {
	r.file.Store(f)
	r.waiters.publish(f.opened)
}

// Readers is how many may read at the same time.
func (r *Replica) Readers() int { return r.options.Readers }

// Loaded says whether there is a file to read: one that is not known to be damaged.
func (r *Replica) Loaded() bool {
	f := r.file.Load()
	return f != nil && f.damaged() == nil
}

// State is what readers may rely on: the position is published after its commit. It
// is zero while nothing was ever loaded.
func (r *Replica) State() State { return *r.waiters.published.Load() }

// Tables are the replicated tables, in the order in which they were loaded. They are
// not to be changed.
func (r *Replica) Tables() []*change.Table {
	if f := r.file.Load(); f != nil {
		return *f.tables.Load()
	}
	return nil
}

// Stats counts what was applied since Open, and what the log holds now.
type Stats struct {
	Rows         uint64
	Transactions uint64
	Uncommitted  uint64 // rows of the transaction that is open, to a thousand
	WALBytes     int64
}

// Stats gives the current figures.
func (r *Replica) Stats() Stats {
	return Stats{Rows: r.rows.Load(), Transactions: r.transactions.Load(), Uncommitted: r.uncommitted.Load(), WALBytes: fileSize(r.options.Path + "-wal")}
}

// closeWait bounds how long Close waits for readers.
const closeWait = 10 * time.Second

// Close ends everything; an open transaction is rolled back. Readers may finish.
func (r *Replica) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	r.stopBackground()
	r.background.Wait()
	r.applying.Lock()
	defer r.applying.Unlock()
	r.snapshots.stop()
	r.waiters.close()
	err := r.rollback()
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	if drained := r.gate.close(ctx); drained == nil {
		defer r.gate.open()
	} else {
		err = errors.Join(err, fmt.Errorf("closing the replica: a reader did not end: %w", drained))
	}
	if f := r.file.Swap(nil); f != nil {
		err = errors.Join(err, f.close())
	}
	return err
}

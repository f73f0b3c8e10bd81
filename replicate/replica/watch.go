package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// What is looked at while a file is open, for SQLite goes on reading and writing whatever
// its descriptors lead to.
const (
	// watchInterval is how long it may take until it is noticed that somebody else removed,
	// replaced, cut off or overwrote the open files. The applier looks too, before it writes.
	watchInterval = 2 * time.Second
	// examineInterval lies between two checks of the whole structure.
	examineInterval = 10 * time.Minute
	// examineTime bounds the check of one table: meanwhile the log cannot be emptied.
	examineTime = 10 * time.Second
	// After each table the check rests that many times as long as it took.
	examineRest = 9
)

// errMoved says that the open file is not the one at its path any more. What is read from
// it is right, but who opens the path gets something else.
var errMoved = errors.New("the replica file is not where it was")

// doubt is why a file is to be loaded again. Nothing is read from one that is damaged.
type doubt struct {
	err     error
	damaged bool
}

// seen is what the file system said of the open files when they were last known to be right.
type seen struct {
	mu    sync.Mutex
	busy  bool // a checkpoint changes them
	files [3]os.FileInfo
	log   int64 // bytes in the log, of which nothing but a checkpoint takes any away
}

var openSuffixes = [3]string{"", "-wal", "-shm"}

// remember takes the files as they are, but never others for those that were opened.
func (f *file) remember() error {
	s := &f.seen
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	for i, suffix := range openSuffixes {
		info, err := os.Stat(f.path + suffix)
		if err != nil {
			return fmt.Errorf("looking at the replica file: %w", err)
		}
		if s.files[i] == nil || os.SameFile(info, s.files[i]) {
			s.files[i] = info
		}
	}
	s.log = s.files[1].Size()
	return nil
}

// change says that the files will not be as they were until remember.
func (f *file) change() {
	f.seen.mu.Lock()
	defer f.seen.mu.Unlock()
	f.seen.busy = true
}

// logged says how large the log is after a commit.
func (f *file) logged(bytes int64) {
	f.seen.mu.Lock()
	defer f.seen.mu.Unlock()
	f.seen.log = bytes
}

// intact says whether the files are those that were opened and nobody else has written to
// them. SQLite writes to the file itself in checkpoints only, so its time tells.
func (f *file) intact() error {
	s := &f.seen
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return nil
	}
	for i, suffix := range openSuffixes {
		info, err := os.Stat(f.path + suffix)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("%w: %s was removed", errMoved, f.path+suffix)
		case err != nil:
			return fmt.Errorf("looking at the replica file: %w", err)
		case !os.SameFile(info, s.files[i]):
			return fmt.Errorf("%w: %s was replaced", errMoved, f.path+suffix)
		case i == 0 && (info.Size() != s.files[i].Size() || !info.ModTime().Equal(s.files[i].ModTime())):
			return fmt.Errorf("%w: somebody else wrote to %s", errDamaged, f.path)
		case i == 1 && info.Size() < s.log:
			return fmt.Errorf("%w: %s was cut off", errDamaged, f.path+suffix)
		}
	}
	return nil
}

// suspect remembers what an error says about the file, if anything, and logs it once.
func (f *file) suspect(err error, log *slog.Logger) {
	d := &doubt{err: err, damaged: isDamage(err)}
	old := f.doubt.Load()
	if !d.damaged && !errors.Is(err, errMoved) || old != nil && (old.damaged || !d.damaged) || !f.doubt.CompareAndSwap(old, d) {
		return
	}
	if d.damaged {
		log.Error("the replica file is damaged; nothing is read from it until another one has been loaded", "file", f.path, "error", err)
	} else {
		log.Error("the replica file was moved or removed while it was open; another one will be loaded", "file", f.path, "error", err)
	}
}

// damaged says that nothing of the file is to be believed.
func (f *file) damaged() error {
	if d := f.doubt.Load(); d != nil && d.damaged {
		return d.err
	}
	return nil
}

// doubtful is why the file is to be loaded again, after one more look at it.
func (f *file) doubtful(log *slog.Logger) error {
	if err := f.intact(); err != nil {
		f.suspect(err, log)
	}
	if d := f.doubt.Load(); d != nil {
		return d.err
	}
	return nil
}

// watch looks at the open files again and again.
func (r *Replica) watch(ctx context.Context) {
	for sleep(ctx, watchInterval) {
		f := r.file.Load()
		if f == nil {
			continue
		}
		// One that is being exchanged is not current any more when its names change hands.
		if err := f.intact(); err != nil && r.file.Load() == f {
			f.suspect(err, r.log)
		}
	}
}

// examine looks through the structure of the file again and again, slowly.
func (r *Replica) examine(ctx context.Context) {
	for sleep(ctx, examineInterval) {
		if err := r.examineTables(ctx); err != nil && ctx.Err() == nil {
			r.log.Debug("the replica file could not be looked through", "error", err)
		}
	}
}

func (r *Replica) examineTables(ctx context.Context) error {
	names, err := r.examineTable(ctx, "")
	for _, name := range names {
		began := time.Now()
		if _, err = r.examineTable(ctx, name); err != nil {
			break
		}
		if !sleep(ctx, examineRest*time.Since(began)) {
			break
		}
	}
	return err
}

// examineTable checks one table with its indexes, as far as it comes in time; with no name
// it lists them. It takes the turn of a snapshot, so that an exchange of the file ends it.
func (r *Replica) examineTable(ctx context.Context, name string) (names []string, err error) {
	ctx, end, err := r.snapshots.start(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	f := r.file.Load()
	if f == nil || f.doubtful(r.log) != nil {
		return nil, nil
	}
	defer func() {
		if err != nil {
			f.suspect(err, r.log)
		}
	}()
	c, err := openConn(dsn(f.path, "ro", "cache_size(-2048)"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if name != "" {
		return nil, quickCheck(ctx, c, name, examineTime)
	}
	rows, err := c.query(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
	for _, row := range rows {
		if name, ok := row[0].(string); ok {
			names = append(names, name)
		}
	}
	return names, err
}

// sleep is false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

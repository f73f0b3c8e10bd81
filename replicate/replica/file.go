package replica

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	"outpost/replicate/change"
)

// checkTime bounds the check of a file's structure; what a large one has not shown
// by then has to show when it is read.
const checkTime = 3 * time.Second

// errUnusable is wrapped where a sound file does not fit this program.
var errUnusable = errors.New("the replica file cannot be used")

// errOtherFormat is wrapped where a file was made by another version of this program.
var errOtherFormat = errors.New("the replica file has another format")

// file is an opened SQLite file: one writer, and a pool of readers.
type file struct {
	path   string
	tables atomic.Pointer[[]*change.Table]
	opened State // what it held when it was opened
	at     State // what it holds, committed

	writer                  *conn
	byOID                   map[uint32]*table
	begin, commit, rollback *statement
	save                    *statement
	touched                 *statement // nil: nothing is noted there

	pool *pool

	checkpointAt int64 // size of the log at which to make the next checkpoint
	mark         *mark
	seen         seen
	doubt        atomic.Pointer[doubt] // what speaks against it since it was opened
}

// openFile opens the file at path whole, or not at all. check looks for damage first.
func (r *Replica) openFile(ctx context.Context, path string, check bool) (_ *file, err error) {
	f := &file{path: path, byOID: make(map[uint32]*table), checkpointAt: r.options.WALBytes / 4}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if path == r.options.Path {
		if f.mark, err = openMark(path); err != nil {
			return nil, err
		}
	}
	if err := f.openWriter(ctx, r.options, check); err != nil {
		return nil, fmt.Errorf("opening the replica %s: %w", path, err)
	}
	if err := ensureObjects(ctx, f.writer, r.options.Objects); err != nil {
		return nil, unusable(ctx, path, err)
	}
	if t := r.options.Touched; t != "" {
		if f.touched, err = f.writer.prepare("DELETE FROM "+quote(t)+" RETURNING name, key, id", 0); err != nil {
			return nil, unusable(ctx, path, err)
		}
	}
	if err := f.remember(); err != nil {
		return nil, err
	}
	if err := f.openPool(ctx, r.options); err != nil {
		return nil, err
	}
	return f, nil
}

// unusable blames the program's own objects or queries for an error, unless the file or its
// disk is to blame.
func unusable(ctx context.Context, path string, err error) error {
	if err = OnDisk(path, err); ctx.Err() != nil || isDamage(err) || errors.Is(err, ErrDisk) {
		return err
	}
	return fmt.Errorf("%w: %w", errUnusable, err)
}

func (f *file) openWriter(ctx context.Context, o Options, check bool) (err error) {
	sync := "synchronous(NORMAL)"
	if o.Durable {
		sync = "synchronous(FULL)"
	}
	f.writer, err = openConn(dsn(f.path, "rw", "journal_mode(WAL)", sync, "foreign_keys(0)", "cache_size(-16384)", "wal_autocheckpoint(0)"))
	if err != nil {
		return err
	}
	if check {
		if err := quickCheck(ctx, f.writer, "", checkTime); err != nil {
			return err
		}
		// The check has filled the page cache with what nobody asked for.
		if err := f.writer.exec(ctx, "PRAGMA shrink_memory"); err != nil {
			return err
		}
	}
	if f.opened, err = readState(ctx, f.writer); err != nil {
		return err
	}
	if err := f.check(ctx); err != nil {
		return err
	}
	tables, err := readTables(ctx, f.writer)
	if err != nil {
		return err
	}
	f.tables.Store(&tables)
	for _, t := range tables {
		f.byOID[t.OID] = newTable(f.writer, t)
	}
	for _, s := range []struct {
		place      **statement
		sql        string
		parameters int
	}{{&f.begin, "BEGIN IMMEDIATE", 0}, {&f.commit, "COMMIT", 0}, {&f.rollback, "ROLLBACK", 0}, {&f.save, updateState, stateColumns}} {
		if *s.place, err = f.writer.prepare(s.sql, s.parameters); err != nil {
			return err
		}
	}
	// Nothing else writes, so from here on only checkpoints wait, for readers.
	return f.writer.exec(ctx, busyTimeout)
}

const busyTimeout = "PRAGMA busy_timeout(250)"

// quickCheck looks through the structure of the file, or of one table, as far as it comes
// in time.
func quickCheck(ctx context.Context, c *conn, table string, within time.Duration) error {
	timed, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	what := "1"
	if table != "" {
		what = quote(table)
	}
	rows, err := c.query(timed, "PRAGMA quick_check("+what+")")
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case timed.Err() != nil:
		return nil
	case err != nil:
		return err
	case len(rows) != 1 || rows[0][0] != "ok":
		return fmt.Errorf("%w: %v", errDamaged, rows)
	}
	return nil
}

func (f *file) openPool(ctx context.Context, o Options) (err error) {
	connector, err := sqlite.NewConnector(dsn(f.path, "ro", "query_only(1)", "temp_store(2)", "cache_size(-8192)"))
	if err != nil {
		return fmt.Errorf("opening the replica for reading: %w", err)
	}
	prepare := o.Prepare
	if prepare != nil {
		prepare = func(ctx context.Context, conn *sql.Conn, first bool) (io.Closer, error) {
			stmts, err := o.Prepare(ctx, conn, first)
			if err != nil {
				return nil, unusable(ctx, f.path, err)
			}
			return stmts, nil
		}
	}
	f.pool = newPool(readers{connector, f}, o.Readers, prepare)
	// What does not fit is to be known before anybody reads.
	if err := f.pool.open(ctx); err != nil {
		return fmt.Errorf("opening the replica for reading: %w", err)
	}
	return nil
}

// readers opens the pool's connections, as they are needed: the writer's file or none.
type readers struct {
	driver.Connector
	f *file
}

func (r readers) Connect(ctx context.Context) (driver.Conn, error) {
	// Before, too: for another file at the path SQLite would make the index of the log anew,
	// under those who use it.
	if err := r.f.intact(); err != nil {
		return nil, err
	}
	c, err := r.Connector.Connect(ctx)
	if err == nil {
		_, err = (&conn{c}).query(ctx, "PRAGMA schema_version") // it opens the log too
	}
	if other := r.f.intact(); other != nil {
		err = other // what it read meanwhile says nothing of ours
	}
	if err != nil && c != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, err
}

// close ends the readers first: the last connection to go, the writer's, then empties
// the log into the file and removes it.
func (f *file) close() error {
	var errs []error
	if f.pool != nil {
		errs = append(errs, f.pool.close())
	}
	for _, t := range f.byOID {
		errs = append(errs, t.close())
	}
	for _, s := range []*statement{f.begin, f.commit, f.rollback, f.save, f.touched} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	emptied := false
	if f.mark != nil && f.at != (State{}) {
		// What keeps it from being emptied keeps the log, and the mark, for the next to open it.
		emptied, _ = f.emptyLog(context.Background(), false)
	}
	if f.writer != nil {
		errs = append(errs, f.writer.close())
	}
	errs = append(errs, f.mark.close(f.path, emptied && fileSize(f.path+"-wal") == 0))
	return errors.Join(errs...)
}

// damagedSuffix names what was set aside.
const damagedSuffix = ".damaged"

// setAside moves a damaged file away with its log, for someone to look at; an older
// one is overwritten.
func setAside(path string) error {
	for _, suffix := range []string{"", "-wal"} {
		to := path + damagedSuffix + suffix
		if err := os.Rename(path+suffix, to); errors.Is(err, os.ErrNotExist) {
			if err := removeFile(to); err != nil {
				return err
			}
		} else if err != nil {
			return fmt.Errorf("setting a damaged replica aside: %w", err)
		}
	}
	return removeJournals(path)
}

func removeJournals(path string) error {
	return errors.Join(removeFile(path+"-wal"), removeFile(path+"-shm"), removeFile(path+"-journal"), removeFile(path+markSuffix))
}

// removeFile removes a file that may not be there.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// moveInto renames from to path so that a power cut leaves one or the other, whole.
func moveInto(from, path string) error {
	if err := syncPath(from); err != nil {
		return err
	}
	if err := os.Rename(from, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// syncPath makes a file's content, or a folder's names, durable.
func syncPath(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

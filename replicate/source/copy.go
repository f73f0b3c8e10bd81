package source

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"outpost/replicate/change"
)

// copiers is how many tables are copied at the same time, at most.
const copiers = 4

// errAltered means that a table is not any more what it was when the slot began.
var errAltered = errors.New("its tables were altered at the same moment: try again")

// Copy makes the slot, and hands over every published row as it was at the instant at
// which the slot begins: a Stream from the position that is returned continues it.
// The slot must not exist.
//
// begin is called once, before the first row; row for each row, never two at a time
// (rows of different tables are mixed). A row is valid during its call only. An error
// of either ends the copy. Whenever Copy fails, the slot it made is dropped.
func (s *Source) Copy(
	ctx context.Context,
	begin func(tables []*change.Table) error,
	row func(t *change.Table, r change.Row) error,
) (lsn change.LSN, err error) {
	began := time.Now()
	at, err := s.freeze(ctx)
	for errors.Is(err, errAltered) && time.Since(began) < s.lockTimeout {
		at, err = s.freeze(ctx)
	}
	if err != nil {
		return 0, err
	}
	defer func() {
		at.release(ctx)
		if err != nil {
			err = errors.Join(err, s.clean(ctx))
		}
	}()
	if err := begin(tables(at.found)); err != nil {
		return 0, err
	}
	progress, err := s.startCopying(ctx, at.workers[0], at.found)
	if err != nil {
		return 0, err
	}
	defer s.copying.Store(nil)
	if err := s.whileKept(ctx, func(ctx context.Context) error { return copyAll(ctx, at.workers, at.found, progress, row) }); err != nil {
		return 0, err
	}
	s.log.Debug("publication copied", "publication", s.Publication, "tables", len(at.found), "at", at.lsn, "took_ms", time.Since(began).Milliseconds())
	return at.lsn, nil
}

// instant is where a slot begins, and transactions that see it.
type instant struct {
	lsn     change.LSN
	found   []Published
	workers []*pgx.Conn
}

func (i *instant) release(ctx context.Context) {
	for _, conn := range i.workers {
		closeConn(ctx, conn.PgConn())
	}
}

// freeze makes the slot, and keeps the published tables from being rewritten until the
// workers are done with them.
//
// The order matters. Every worker takes the slot's snapshot before anything else is asked
// on the slot's connection, for the next command there ends it. The tables are locked only
// after the slot is made: making it waits for every transaction that has written, which one
// that waits for such a lock has, and Postgres cannot see that the two wait for each other.
// So a table may be rewritten before it is locked, and would read as empty under the
// snapshot: the catalogue, as it was and as it is, tells.
func (s *Source) freeze(ctx context.Context) (at instant, err error) {
	now, err := s.connect(ctx)
	if err != nil {
		return instant{}, err
	}
	defer closeConn(ctx, now.PgConn())
	listed, err := s.replicable(ctx, now)
	if err != nil {
		return instant{}, err
	}
	// It waits for locks, while it may have some already, but never for long.
	if err := exec(ctx, now, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL lock_timeout = '300ms'; SAVEPOINT unlocked"); err != nil {
		return instant{}, fmt.Errorf("copying publication %s: %w", s.Publication, err)
	}
	made := false
	defer func() {
		if err == nil {
			return
		}
		at.release(ctx)
		if !made {
			return
		}
		if failed := s.clean(ctx); failed != nil {
			err = fmt.Errorf("%w (after: %s)", failed, err.Error()) // whatever it was, it is not tried again
		}
	}()
	for range min(copiers, max(1, len(listed))) {
		worker, err := s.connect(ctx)
		if err != nil {
			return at, err
		}
		at.workers = append(at.workers, worker)
		if err := exec(ctx, worker, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
			return at, fmt.Errorf("copying publication %s: %w", s.Publication, err)
		}
	}
	slot, err := s.createSlot(ctx)
	if code(err) == codeExists {
		return at, fmt.Errorf("%w: drop it first", err)
	}
	// From here a slot may exist, even where its creation failed: the connection may
	// have broken while Postgres went on.
	made = true
	if err != nil {
		return at, err
	}
	at.lsn = slot.lsn
	defer closeConn(ctx, slot.conn)
	if err := attach(ctx, at.workers, slot.snapshot); err != nil {
		return at, err
	}
	if err := s.lock(ctx, append([]*pgx.Conn{now}, at.workers...), references(listed)); err != nil {
		return at, err
	}
	if at.found, err = s.catalogue(ctx, at.workers[0]); err != nil {
		return at, err
	}
	if !slices.Equal(references(at.found), references(listed)) {
		return at, s.altered()
	}
	current, err := s.catalogue(ctx, now)
	if c := code(err); c == codeLocked || c == codeDeadlock { // one with a row filter is new
		return at, s.altered()
	}
	if err != nil {
		return at, err
	}
	if !reflect.DeepEqual(tables(at.found), tables(current)) {
		return at, s.altered()
	}
	return at, problems(at.found)
}

func (s *Source) altered() error {
	return fmt.Errorf("copying publication %s: %w", s.Publication, errAltered)
}

// attach lets the workers see what the snapshot sees, and marks where they hold no lock.
func attach(ctx context.Context, workers []*pgx.Conn, snapshot string) error {
	for _, worker := range workers {
		if err := exec(ctx, worker, "SET TRANSACTION SNAPSHOT '"+strings.ReplaceAll(snapshot, "'", "''")+"'; SAVEPOINT unlocked"); err != nil {
			return fmt.Errorf("attaching to the slot's snapshot: %w", err)
		}
	}
	return nil
}

// lock locks the tables against being rewritten. Every connection holds the locks itself:
// behind an ALTER that waits for one of them, the others could not get them any more. Nor
// could they if it came while they take them, and then all let go and try again.
func (s *Source) lock(ctx context.Context, conns []*pgx.Conn, names []string) error {
	if len(names) == 0 {
		return nil
	}
	statement := "LOCK TABLE " + strings.Join(names, ", ") + " IN ACCESS SHARE MODE"
	for began := time.Now(); ; {
		err := tryLock(ctx, conns, statement)
		if err == nil {
			return nil
		}
		switch code(err) {
		case codeGone, codeNoSchema, codeForbidden, codeNoTable:
			return s.altered()
		case codeLocked, codeDeadlock:
		default:
			return fmt.Errorf("locking the published tables: %w", err)
		}
		if time.Since(began) >= s.lockTimeout {
			return fmt.Errorf("copying publication %s: its tables could not be locked within %s because of %s: wait for it, or end it: %w",
				s.Publication, s.lockTimeout, s.blocker(ctx, lockHolder), err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tryLock locks in the first connection, which may wait, and at once in the others; or in none.
func tryLock(ctx context.Context, conns []*pgx.Conn, statement string) error {
	err := exec(ctx, conns[0], statement)
	if err == nil {
		var group errgroup.Group
		for _, conn := range conns[1:] {
			group.Go(func() error { return exec(ctx, conn, statement+" NOWAIT") })
		}
		err = group.Wait()
	}
	if err == nil {
		return nil
	}
	for _, conn := range conns {
		if failed := exec(ctx, conn, "ROLLBACK TO unlocked"); failed != nil {
			return failed // the connection is broken
		}
	}
	return err
}

func exec(ctx context.Context, conn *pgx.Conn, statements string) error {
	_, err := conn.Exec(ctx, statements)
	return err
}

func references(found []Published) []string {
	names := make([]string, len(found))
	for i, p := range found {
		names[i] = p.reference()
	}
	return names
}

// reference names the table in SQL: a partitioned one with its partitions, others
// without their inheritance children, which are published by themselves or not at all.
func (p Published) reference() string {
	name := pgx.Identifier{p.Schema, p.Name}.Sanitize()
	if p.Partitioned {
		return name
	}
	return "ONLY " + name
}

// whileKept copies, and gives up once Postgres no longer keeps the slot: what is copied
// could not be continued, and may take hours still.
func (s *Source) whileKept(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		tick := time.NewTicker(s.look)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if err := s.kept(ctx); err != nil {
				cancel(err)
			}
		}
	}()
	err := do(ctx)
	lost := context.Cause(ctx)
	cancel(nil)
	<-looked
	if err != nil && lost != nil {
		return lost
	}
	return err
}

// kept says why the copy that runs cannot be continued. That Postgres does not answer now is
// for the copy itself to notice.
func (s *Source) kept(ctx context.Context) error {
	switch slot, err := s.Slot(ctx); {
	case err != nil:
		return nil
	case !slot.Exists:
		return fmt.Errorf("copying publication %s: %w any more: do not drop it", s.Publication, ErrNoSlot)
	case slot.WALStatus == "lost":
		return fmt.Errorf("copying publication %s: %w: raise max_slot_wal_keep_size, so that it holds what is written while a copy runs", s.Publication, ErrSlotLost)
	}
	return nil
}

// clean drops the slot of a copy that failed, also when ctx is the reason.
func (s *Source) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.DropSlot(ctx); err != nil {
		return fmt.Errorf("the copy failed, and its slot holds back WAL until it is dropped by hand: %w", err)
	}
	return nil
}

// copyTable writes a table's rows to w.
func copyTable(ctx context.Context, conn *pgconn.PgConn, p Published, w *copier) error {
	w.start(p.Table)
	if _, err := conn.CopyTo(ctx, w, p.copySQL()); err != nil {
		return fmt.Errorf("copying table %s.%s: %w", p.Schema, p.Name, err)
	}
	if err := w.finish(); err != nil {
		return fmt.Errorf("copying table %s.%s: %w", p.Schema, p.Name, err)
	}
	return nil
}

// copySQL reads the columns in the order of the Relation message.
func (p Published) copySQL() string {
	columns := make([]string, len(p.Columns))
	for i, c := range p.Columns {
		columns[i] = pgx.Identifier{c.Name}.Sanitize()
	}
	list := strings.Join(columns, ", ")
	from := fmt.Sprintf("%s (%s)", pgx.Identifier{p.Schema, p.Name}.Sanitize(), list)
	if p.Partitioned || p.generated || p.Filter != "" {
		from = fmt.Sprintf("(SELECT %s FROM %s", list, p.reference())
		if p.Filter != "" {
			from += " WHERE " + p.Filter
		}
		from += ")"
	}
	return "COPY " + from + " TO STDOUT (FORMAT text, ENCODING 'UTF8')"
}

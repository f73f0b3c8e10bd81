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

	"outpost/replicate/change"
)

// copiers is how many tables are copied at the same time, at most.
const copiers = 4

// Copy makes the slot, and hands over every published row as it was at the instant at
// which the slot begins: a Stream from the position that is returned continues it.
// The slot must not exist.
//
// begin is called once, before the first row; row for each row, never two at a time
// (rows of different tables are mixed). A row is valid during its call only. An error
// of either ends the copy. Whenever Copy fails, the slot it made is dropped.
//
// The order matters. Transactions take ACCESS SHARE on every table BEFORE the slot is
// made: a table rewritten between the slot's instant and its COPY would read as empty
// under the snapshot. And every one of them takes the snapshot before anything else is
// asked on the slot's connection, for the next command there ends it.
func (s *Source) Copy(
	ctx context.Context,
	begin func(tables []*change.Table) error,
	row func(t *change.Table, r change.Row) error,
) (lsn change.LSN, err error) {
	began := time.Now()
	locked, workers, err := s.guard(ctx)
	defer func() {
		for _, conn := range workers {
			closeConn(ctx, conn.PgConn())
		}
	}()
	if err != nil {
		return 0, err
	}
	slot, err := s.createSlot(ctx)
	if code(err) == codeExists {
		return 0, fmt.Errorf("%w: drop it first", err)
	}
	// From here a slot may exist, even where its creation failed: the connection may
	// have broken while Postgres went on.
	defer func() {
		if err != nil {
			err = errors.Join(err, s.clean(ctx))
		}
	}()
	if err != nil {
		return 0, err
	}
	err = attach(ctx, workers, slot.snapshot)
	closeConn(ctx, slot.conn)
	if err != nil {
		return 0, err
	}
	found, err := s.replicable(ctx, workers[0])
	if err != nil {
		return 0, err
	}
	if !reflect.DeepEqual(tables(found), tables(locked)) {
		return 0, fmt.Errorf("copying publication %s: it was changed at the same moment: try again", s.Publication)
	}
	if err := begin(tables(found)); err != nil {
		return 0, err
	}
	progress, err := s.startCopying(ctx, workers[0], found)
	if err != nil {
		return 0, err
	}
	defer s.copying.Store(nil)
	if err := s.whileKept(ctx, func(ctx context.Context) error { return copyAll(ctx, workers, found, progress, row) }); err != nil {
		return 0, err
	}
	s.log.Debug("publication copied", "publication", s.Publication, "tables", len(found), "at", slot.lsn, "took_ms", time.Since(began).Milliseconds())
	return slot.lsn, nil
}

// guard opens the transactions that will copy, and in each locks every published table
// against being rewritten. They write nothing, so they have no xid, and the slot does
// not wait for them. Each holds the locks itself: behind an ALTER that waits for one
// of them, the others could not get them any more. On an error the connections that
// were opened are returned too.
func (s *Source) guard(ctx context.Context) (found []Published, workers []*pgx.Conn, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer closeConn(ctx, conn.PgConn())
	if _, err := conn.Exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"); err != nil {
		return nil, nil, fmt.Errorf("locking the published tables: %w", err)
	}
	// While waiting for a lock the catalogue may change: look again until it did not.
	var names []string
	for {
		if found, err = s.replicable(ctx, conn); err != nil {
			return nil, nil, err
		}
		var more []string
		for _, p := range found {
			if name := p.reference(); !slices.Contains(names, name) {
				more = append(more, name)
			}
		}
		if more == nil {
			break
		}
		if err := s.lock(ctx, conn, more); err != nil {
			return nil, nil, err
		}
		names = append(names, more...)
	}
	for range min(copiers, max(1, len(found))) {
		worker, err := s.connect(ctx)
		if err != nil {
			return found, workers, err
		}
		workers = append(workers, worker)
		if _, err := worker.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
			return found, workers, fmt.Errorf("locking the published tables: %w", err)
		}
		if err := s.lock(ctx, worker, names); err != nil {
			return found, workers, err
		}
	}
	return found, workers, nil
}

func (s *Source) lock(ctx context.Context, conn *pgx.Conn, names []string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := conn.Exec(ctx, "LOCK TABLE "+strings.Join(names, ", ")+" IN ACCESS SHARE MODE")
	if code(err) == codeLocked {
		return fmt.Errorf("copying publication %s: its tables could not be locked within %s because of %s: wait for it, or end it: %w",
			s.Publication, s.lockTimeout, s.blocker(ctx, lockHolder), err)
	}
	if err != nil {
		return fmt.Errorf("locking the published tables: %w", err)
	}
	return nil
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

// attach lets the workers see what the snapshot sees.
func attach(ctx context.Context, workers []*pgx.Conn, snapshot string) error {
	for _, worker := range workers {
		if _, err := worker.Exec(ctx, "SET TRANSACTION SNAPSHOT '"+strings.ReplaceAll(snapshot, "'", "''")+"'"); err != nil {
			return fmt.Errorf("attaching to the slot's snapshot: %w", err)
		}
	}
	return nil
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

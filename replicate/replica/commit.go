package replica

import (
	"database/sql/driver"
	"errors"
	"fmt"
)

// begin opens the SQLite transaction if none is open.
func (a *applier) begin() error {
	tx := &a.r.tx
	if tx.open {
		return nil
	}
	if _, err := a.f.begin.exec(); err != nil {
		return fmt.Errorf("beginning to write the replica: %w", err)
	}
	*tx = transaction{open: true, next: a.r.State(), run: tx.run}
	return nil
}

// commit makes the open transaction true, in the order that keeps caches honest: the
// observer first, then SQLite, then whoever waits for the position.
func (a *applier) commit() error {
	r, tx := a.r, &a.r.tx
	if err := a.flush(); err != nil {
		return err
	}
	if r.options.Delay != nil {
		r.options.Delay()
	}
	if tx.replaced {
		tx.next.Incarnation++
	}
	for i, v := range tx.next.values() {
		a.f.save.args[i].Value = v
	}
	if _, err := a.f.save.exec(); err != nil {
		return fmt.Errorf("saving the replica's position: %w", err)
	}
	if o := r.options.Observer; o != nil {
		if err := a.tellTouched(o); err != nil {
			return err
		}
		o.Commit(tx.next.Position)
	}
	if tx.replaced {
		r.announce(tx.next.Incarnation)
	}
	if _, err := a.f.commit.exec(); err != nil {
		return fmt.Errorf("committing to the replica: %w", err)
	}
	done := *tx
	*tx = transaction{run: tx.run}
	r.uncommitted.Store(0)
	if err := a.f.install(done.altered); err != nil {
		return err
	}
	r.waiters.publish(done.next)
	r.rows.Add(done.rows)
	r.transactions.Add(done.transactions)
	return a.f.checkpoint(a.ctx, r, done.next)
}

// tellTouched tells what the objects' triggers have noted, and forgets it.
func (a *applier) tellTouched(o Observer) error {
	if a.f.touched == nil || a.r.tx.rows == 0 {
		return nil
	}
	err := a.f.touched.query(func(row []driver.Value) error {
		name, named := row[0].(string)
		key, keyed := row[1].(string)
		id, numbered := row[2].(int64)
		if !named || !keyed || !numbered {
			return fmt.Errorf("table %s holds %v where a name, a key (both TEXT) and an id (INTEGER) should be", a.r.options.Touched, row)
		}
		o.Touched(name, key, id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading what has changed besides rows: %w", err)
	}
	return nil
}

// announce publishes a new incarnation before its content is visible, so that nothing
// that was computed from the old one is believed while the observer forgets it. If
// the content does not become visible after all, the number stays used.
func (r *Replica) announce(incarnation uint64) {
	s := r.State()
	s.Incarnation = incarnation
	r.waiters.publish(s)
	if o := r.options.Observer; o != nil {
		o.Replaced(incarnation)
	}
}

// rollback undoes everything that is open.
func (r *Replica) rollback() error {
	if !r.tx.open {
		return nil
	}
	if t := r.tx.inserting; t != nil {
		t.inserts.drop()
	}
	f := r.file.Load()
	dropped := f.discard(r.tx.altered)
	r.tx = transaction{run: r.tx.run}
	r.uncommitted.Store(0)
	if o := r.options.Observer; o != nil {
		o.Rollback()
	}
	if _, err := f.rollback.exec(); err != nil {
		// Some failures, a full disk among them, SQLite has rolled back itself. Then,
		// and only then, a transaction can begin.
		if _, e := f.begin.exec(); e != nil {
			return fmt.Errorf("rolling the replica back: %w", errors.Join(err, e))
		}
		if _, e := f.rollback.exec(); e != nil {
			return fmt.Errorf("rolling the replica back: %w", errors.Join(err, e))
		}
	}
	return dropped
}

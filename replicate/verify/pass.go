package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/replica"
	"outpost/replicate/source"
)

// pass is one comparison of everything, within one generation of the replica.
type pass struct {
	*Verifier
	pg         *primary
	generation change.Generation
	// stuck is where the replica was when a wait for it was given up: until it moves
	// nobody waits again.
	stuck change.Position
	// passed is what the replica has reached: no read may see less, as one could of a file
	// that was exchanged.
	passed change.LSN
	report *Report
}

func (v *Verifier) pass(ctx context.Context) (_ Report, err error) {
	p := &pass{Verifier: v, report: &Report{Began: time.Now()}}
	defer v.began("")
	var all []*change.Table
	var at replica.State
	err = v.Replica.Read(ctx, func(view replica.View) error {
		at = view.At
		all, err = view.Tables(ctx)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	p.generation = at.Position.Generation
	tables, err := v.choose(all)
	if err != nil {
		return Report{}, err
	}
	if p.pg, err = connect(ctx, v.URL); err != nil {
		return Report{}, err
	}
	defer func() { p.pg.close(ctx) }()
	system, err := p.pg.system(ctx)
	if err != nil {
		return Report{}, err
	}
	if system != 0 && at.System != 0 && system != at.System {
		return Report{}, fmt.Errorf("the replica was made from another Postgres server (system identifier %d, this one's is %d): name the server that it follows", at.System, system)
	}
	if err := p.published(ctx, all); err != nil {
		return Report{}, err
	}
	for _, t := range tables {
		if err := p.table(ctx, t); err != nil {
			return Report{}, err
		}
	}
	p.report.Ended = time.Now()
	return *p.report, nil
}

// table compares one table, again if it was altered meanwhile.
func (p *pass) table(ctx context.Context, known *change.Table) error {
	var last error
	for attempt := range tableAttempts {
		out := Table{Schema: known.Schema, Name: known.Name}
		p.passed = 0
		p.began(out.String())
		gone, err := p.compare(ctx, known.OID, &out)
		if err == nil && gone {
			return nil
		}
		if err == nil {
			p.done(out)
			return nil
		}
		if !errors.Is(err, errChanged) && !altered(err) {
			return err
		}
		p.Log.Debug("a table was altered while it was compared; beginning it again", "table", out.String(), "reason", err)
		if !sleep(ctx, min(20*time.Millisecond<<attempt, time.Second)) {
			return ctx.Err()
		}
		last = err
	}
	if !errors.Is(last, errChanged) {
		return last
	}
	p.done(Table{Schema: known.Schema, Name: known.Name, Problem: "it was altered again and again while it was compared"})
	return nil
}

func (p *pass) done(t Table) {
	p.report.Tables = append(p.report.Tables, t)
	if p.Done != nil {
		p.Done(t)
	}
}

func (p *pass) compare(ctx context.Context, oid uint32, out *Table) (gone bool, err error) {
	t, problem, gone, err := p.agree(ctx, oid)
	if err != nil || gone {
		return gone, err
	}
	if problem != "" {
		out.Problem = problem
		return false, nil
	}
	out.Schema, out.Name = t.Schema, t.Name
	if len(t.Key) == 0 {
		err = p.bag(ctx, t, out)
	} else {
		err = p.keyed(ctx, t, out)
	}
	if err != nil {
		return false, fmt.Errorf("comparing table %s: %w", out, err)
	}
	return false, nil
}

// read is one short read of the replica, of t as it was when its comparison began.
func (p *pass) read(ctx context.Context, t *table, fn func(replica.View) error) error {
	return p.Replica.Read(ctx, func(v replica.View) error {
		if v.At.Position.Generation != p.generation {
			return errGeneration
		}
		if v.At.Position.LSN < p.passed {
			return errChanged
		}
		if t != nil {
			now, err := v.Table(ctx, t.OID)
			if err != nil {
				return err
			}
			if !same(now, t.Table) {
				return errChanged
			}
		}
		return fn(v)
	})
}

// catchUp waits until the replica has everything that the primary showed so far. It says
// false where that takes too long.
func (p *pass) catchUp(ctx context.Context) (bool, error) {
	lsn, err := p.pg.position(ctx)
	if err != nil {
		return false, err
	}
	at, err := p.at(ctx)
	if err != nil {
		return false, err
	}
	if at.LSN < lsn && at != p.stuck {
		timed, cancel := context.WithTimeout(ctx, p.Wait)
		err = p.Replica.Wait(timed, change.Position{Generation: p.generation, LSN: lsn})
		cancel()
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case errors.Is(err, replica.ErrAhead):
			return false, errGeneration
		case err != nil && timed.Err() == nil:
			return false, fmt.Errorf("waiting for the replica: %w", err)
		}
		if at, err = p.at(ctx); err != nil {
			return false, err
		}
	}
	if at.LSN >= lsn {
		p.passed = at.LSN
		return true, nil
	}
	p.stuck = at
	p.report.Behind = &Behind{Replica: at, Primary: lsn, ReplicaPosition: at.String(), PrimaryLSN: lsn.String()}
	return false, nil
}

// at is the replica's position now.
func (p *pass) at(ctx context.Context) (at change.Position, err error) {
	err = p.read(ctx, nil, func(v replica.View) error {
		at = v.At.Position
		return nil
	})
	return at, err
}

// published compares what is published with what the replica has.
func (p *pass) published(ctx context.Context, here []*change.Table) error {
	if p.Publication == "" || p.Tables != nil {
		return nil
	}
	lacking, err := p.lacking(ctx, here)
	if err != nil || len(lacking) == 0 {
		return err
	}
	if _, err := p.catchUp(ctx); err != nil {
		return err
	}
	err = p.read(ctx, nil, func(v replica.View) error {
		here, err = v.Tables(ctx)
		return err
	})
	if err != nil {
		return err
	}
	still, err := p.lacking(ctx, here)
	if err != nil {
		return err
	}
	for _, t := range still {
		if slices.Contains(lacking, t) {
			p.done(Table{Schema: t.schema, Name: t.name, Problem: t.problem})
		}
	}
	return nil
}

type lack struct{ schema, name, problem string }

// lacking lists tables and columns that are published and not in the replica.
func (p *pass) lacking(ctx context.Context, here []*change.Table) ([]lack, error) {
	there, err := source.New(source.Config{URL: p.URL, Publication: p.Publication}).Tables(ctx)
	if err != nil {
		return nil, err
	}
	var list []lack
	for _, t := range there {
		i := slices.IndexFunc(here, func(h *change.Table) bool { return h.OID == t.OID })
		if i < 0 {
			list = append(list, lack{t.Schema, t.Name, "it is published, and the replica does not have it"})
			continue
		}
		for _, c := range t.Columns {
			if here[i].Column(c.Name) < 0 {
				list = append(list, lack{t.Schema, t.Name, "its column " + c.Name + " is published, and the replica does not have it"})
			}
		}
		if here[i].Filter != t.Filter {
			list = append(list, lack{t.Schema, t.Name, "the publication's row filter is not the replica's"})
		}
	}
	return list, nil
}

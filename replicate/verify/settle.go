package verify

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// settleAttempts is how often a row may change under us.
	settleAttempts = 10
	// absences is how often in a row a row has to be found absent from the primary and
	// present in the replica: an absent row has no version that would prove that it was
	// absent all the time.
	absences = 5
	// unsure is how often in a row a row has to be found different while a transaction
	// runs that the replica may have seen the end of: see primary.overtaken.
	unsure = 2
)

// direction is the walk that candidates come from. Each reports only what the other one
// cannot meet, so that no row is reported twice.
type direction bool

const (
	forward  direction = true
	backward direction = false
)

// open is a candidate that is not settled.
type open struct {
	row
	rounds int // in which it was found to differ, in a row
}

// versionSQL names the version of a row: the same transaction, in the same place.
const versionSQL = "concat_ws(' ', tableoid, ctid, xmin)"

// settle finds out which candidates are real, and counts and lists those.
func (p *pass) settle(ctx context.Context, t *table, candidates []row, from direction, out *Table) error {
	if len(candidates) == 0 {
		return nil
	}
	left := make([]open, len(candidates))
	for i := range candidates {
		left[i].row = candidates[i]
	}
	for attempt := range settleAttempts {
		real, reached, err := p.round(ctx, t, &left, from)
		if err != nil {
			return err
		}
		if len(real) > 0 {
			// What was read may have been of another table than it began with.
			if err := p.unchanged(ctx, t); err != nil {
				return err
			}
		}
		for _, d := range real {
			if err := p.list(ctx, t, d, !reached, out); err != nil {
				return err
			}
		}
		if len(left) == 0 || !reached {
			break
		}
		if !sleep(ctx, jitter(attempt)) {
			return ctx.Err()
		}
	}
	out.Unsettled += int64(len(left))
	return nil
}

// jitter keeps the rounds out of step with whatever changes the rows.
func jitter(attempt int) time.Duration {
	most := min(5*time.Millisecond<<attempt, 100*time.Millisecond)
	return most/2 + rand.N(most/2)
}

// proven is a row that differs.
type proven struct {
	row
	kind Kind
}

// round reads the primary, the replica when it has followed, and the primary again. It
// leaves in left what has to be looked at once more. If the replica does not follow,
// what differs is given as it is.
func (p *pass) round(ctx context.Context, t *table, left *[]open, from direction) (differ []proven, reached bool, err error) {
	rows := rowsOf(*left)
	first, err := p.lookup(ctx, t, rows, versionSQL+", "+t.hash)
	if err != nil {
		return nil, false, err
	}
	if reached, err = p.catchUp(ctx); err != nil {
		return nil, false, err
	}
	here, err := p.hashes(ctx, t, rows)
	if err != nil {
		return nil, false, err
	}
	var suspects []open
	var kinds []Kind
	var versions []string
	var sums []*sum
	for i, o := range *left {
		kind, version, err := compare(first[i], here[i], from)
		if err != nil {
			return nil, false, err
		}
		if kind != "" {
			suspects, kinds, versions = append(suspects, o), append(kinds, kind), append(versions, version)
			sums = append(sums, here[i])
		}
	}
	if len(suspects) == 0 {
		*left = nil
		return nil, reached, nil
	}
	over, synchronous, err := p.pg.overtaken(ctx)
	if err != nil {
		return nil, false, err
	}
	again, err := p.lookup(ctx, t, rowsOf(suspects), versionSQL+", "+t.hash)
	if err != nil {
		return nil, false, err
	}
	*left = nil
	for i, o := range suspects {
		var version string
		if again[i] != nil {
			version = string(again[i].values[0])
			var now sum
			if err := now.read(again[i].values[1]); err != nil {
				return nil, false, err
			}
			if sums[i] != nil && *sums[i] == now {
				continue // the row went on changing, and the replica with it
			}
		}
		o.rounds++
		needed := 1
		switch {
		case !reached: // it is told as what it is: a difference to a replica that is behind
		case version == "":
			needed = absences
		case !over:
			needed = unsure
		}
		switch {
		case version != versions[i], reached && !over && synchronous:
			o.rounds = 0
			*left = append(*left, o)
		case o.rounds < needed:
			*left = append(*left, o)
		default:
			differ = append(differ, proven{o.row, kinds[i]})
		}
	}
	return differ, reached, nil
}

// compare gives the kind of a difference, "" for none that this walk reports, and the
// version of the primary's row, "" for none.
func compare(there *found, here *sum, from direction) (Kind, string, error) {
	switch {
	case there == nil && (here == nil || from == forward):
		return "", "", nil
	case there == nil:
		return Surplus, "", nil
	case from == backward:
		return "", "", nil
	case here == nil:
		return Missing, string(there.values[0]), nil
	}
	var hash sum
	if err := hash.read(there.values[1]); err != nil {
		return "", "", err
	}
	if hash == *here {
		return "", "", nil
	}
	return Different, string(there.values[0]), nil
}

func rowsOf(list []open) []row {
	rows := make([]row, len(list))
	for i := range list {
		rows[i] = list[i].row
	}
	return rows
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate" // a token bucket

	"outpost/replicate/change"
	"outpost/replicate/replica"
)

// Replica is the side that is checked: a *replica.Replica of this process, or a
// *replica.Reader of another's file.
type Replica interface {
	Read(ctx context.Context, fn func(replica.View) error) error
	Wait(ctx context.Context, p change.Position) error
}

var (
	_ Replica = (*replica.Replica)(nil)
	_ Replica = (*replica.Reader)(nil)
)

// Options say what to compare.
type Options struct {
	// URL is the primary's, for a role that may read the tables.
	URL     string
	Replica Replica
	// Publication, if given, is what the replica is made from: then a table or column
	// that it publishes and the replica lacks is noticed too.
	Publication string
	// Tables names those to compare, as schema.name, or as the replica calls them; nil
	// is all.
	Tables []string
	// Rate bounds the rows read per second, of both sides together; 0 is no bound.
	Rate int
	// Wait is how long the replica may take to reach a position; 30 seconds if zero.
	Wait time.Duration
	// List is how many differences are listed per table; 100 if zero.
	List int
	// Pause lies between the passes of Forever; a minute if zero.
	Pause time.Duration
	// Done is called with each table's outcome, if set.
	Done func(Table)
	Log  *slog.Logger
}

// Verifier compares. It runs one pass at a time; Status may be called meanwhile.
type Verifier struct {
	Options
	limit *rate.Limiter

	mu     sync.Mutex
	status Status
}

// Bounds.
const (
	pageRows = 1000 // of a page, and of candidates kept
	// passAttempts is how often a pass is begun again because the replica began a new
	// generation, and tableAttempts a table that was altered.
	passAttempts  = 5
	tableAttempts = 10
	// loadPause is between looks whether there is a replica yet, retryPause between
	// attempts that failed.
	loadPause  = time.Second
	retryPause = 10 * time.Second
)

// The reasons to begin again.
var (
	errGeneration = errors.New("the replica began a new generation")
	errChanged    = errors.New("the table was altered")
)

// New makes a Verifier. It does not connect.
func New(o Options) *Verifier {
	if o.Wait == 0 {
		o.Wait = 30 * time.Second
	}
	if o.List == 0 {
		o.List = 100
	}
	if o.Pause == 0 {
		o.Pause = time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	limit := rate.Inf
	if o.Rate > 0 {
		limit = rate.Limit(o.Rate)
	}
	return &Verifier{Options: o, limit: rate.NewLimiter(limit, pageRows)}
}

// Run makes one pass over every table. Its error says why the pass could not be
// finished; differences are in the report.
func (v *Verifier) Run(ctx context.Context) (Report, error) {
	for range passAttempts {
		report, err := v.pass(ctx)
		switch {
		case err == nil:
			v.finished(&report)
			return report, nil
		case ctx.Err() != nil:
			return Report{}, ctx.Err()
		case !errors.Is(err, errGeneration):
			return Report{}, err
		}
		v.Log.Info("the replica began a new generation; beginning the comparison again")
	}
	return Report{}, fmt.Errorf("the replica began a new generation %d times while it was compared: try again when it has settled", passAttempts)
}

// Forever makes one pass after another until ctx ends. What it finds is in Status, and
// logged, without values.
func (v *Verifier) Forever(ctx context.Context) error {
	for {
		pause := v.Pause
		report, err := v.Run(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, replica.ErrNotLoaded):
			pause = min(pause, loadPause)
		case err != nil:
			pause = min(pause, retryPause)
			v.Log.Warn("the replica could not be compared with Postgres; trying again", "error", err)
		default:
			v.tell(&report)
		}
		if !sleep(ctx, pause) {
			return nil
		}
	}
}

// tell logs what a pass found.
func (v *Verifier) tell(r *Report) {
	for i := range r.Tables {
		t := &r.Tables[i]
		if t.Problem != "" {
			v.Log.Error("a table of the replica is not Postgres'", "table", t.String(), "problem", t.Problem)
		}
		for _, d := range t.List {
			v.Log.Error("a row of the replica differs from Postgres", "table", t.String(), "key", d.Key, "kind", string(d.Kind), "behind", d.Behind)
		}
		if more := t.Differences() - int64(len(t.List)); t.Differences() > 0 {
			v.Log.Error("a table of the replica differs from Postgres", "table", t.String(),
				"missing", t.Missing, "surplus", t.Surplus, "different", t.Different, "not_listed", max(more, 0))
		}
		if t.Unsettled > 0 {
			v.Log.Warn("some rows changed whenever they were compared", "table", t.String(), "rows", t.Unsettled)
		}
	}
	if r.Behind != nil {
		v.Log.Warn("the replica did not reach the primary's position in time", "replica", r.Behind.ReplicaPosition, "primary", r.Behind.PrimaryLSN)
	}
	v.Log.Debug("the replica was compared with Postgres", "tables", len(r.Tables), "rows", r.Rows(),
		"differences", r.Differences(), "took_ms", r.Ended.Sub(r.Began).Milliseconds())
}

// choose gives the tables to compare.
func (v *Verifier) choose(all []*change.Table) ([]*change.Table, error) {
	if v.Tables == nil {
		return all, nil
	}
	var chosen []*change.Table
	for _, name := range v.Tables {
		i := slices.IndexFunc(all, func(t *change.Table) bool { return t.Schema+"."+t.Name == name || t.SQLite == name })
		if i < 0 {
			return nil, fmt.Errorf("the replica has no table %q: name it as schema.table", name)
		}
		if !slices.Contains(chosen, all[i]) {
			chosen = append(chosen, all[i])
		}
	}
	return chosen, nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

package node

import (
	"context"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/hub"
	"outpost/replicate/stream"
	"outpost/replicate/verify"
	"outpost/server/api"
	"outpost/server/auth"
	"outpost/server/cache"
	"outpost/server/config"
	"outpost/server/forward"
	"outpost/server/training"
	"outpost/web"
)

// openAPI gives the HTTP surface what it needs of the others.
func (n *Node) openAPI(ctx context.Context) (err error) {
	if n.config.CacheBytes > 0 {
		if n.hits, err = cache.NewHits[api.Again](warmWatched); err != nil {
			return err
		}
	}
	deps := api.Deps{
		Region: n.config.Region, Version: n.options.Version,
		Read: n.store.Read, ReadLong: n.store.ReadLong, Wait: n.replica.Wait, Cache: n.cache, Hits: n.hits, KeepNothing: n.config.CacheBytes == 0,
		Published: func() training.At {
			at := n.replica.State()
			return training.At{Position: at.Position, Incarnation: at.Incarnation}
		},
		Stale: n.follow.Stale, Away: n.away, Ready: n.Ready, Status: n.status, Changed: n.board.changed,
		History: func() ([]byte, error) { return n.board.past(n.config.Region) },
		Site:    web.NewSite(web.Options{Region: n.config.Region, Demo: n.options.Demo}),
		Dev:     n.options.Dev, ClusterKey: n.config.ClusterKey, ClientIPHeader: n.config.ClientIPHeader, PublicURL: n.config.PublicURL, Origins: n.config.Origins,
		Limits:  api.Limits{Wait: n.config.Wait, Rate: limit(n.config.RateLimit), Login: limit(n.config.LoginLimit)},
		Metrics: n.metrics, Tracer: n.tracer, Log: n.log,
	}
	if n.config.Primary() {
		err = n.openWriter(ctx, &deps)
	} else {
		err = n.openForwarder(&deps)
	}
	if err != nil {
		return err
	}
	n.api, err = api.New(deps)
	return err
}

// openAuthenticator takes what tells who API keys are.
func (n *Node) openAuthenticator(deps *api.Deps, identify func(context.Context, auth.KeyHash) (int64, change.Position, error)) (err error) {
	deps.Auth, err = auth.NewAuthenticator(auth.Options{
		Cache: n.cache, Read: n.store.Read, Keys: auth.KeySource{Identify: identify, Wait: n.replica.Wait},
	})
	return err
}

func (n *Node) openWriter(ctx context.Context, deps *api.Deps) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := n.primary.KeepSigningKeys(ctx); err != nil {
		return err
	}
	deps.Writer, deps.Tokens = n.primary, n.primary.Sign
	deps.Snapshot = func(ctx context.Context, region, refused string) (api.SnapshotFile, string, error) {
		d, err := n.hub.OpenSnapshot(ctx, region, refused)
		if err != nil {
			return nil, "", err
		}
		return d, d.Snapshot.ETag, nil
	}
	return n.openAuthenticator(deps, func(ctx context.Context, hash auth.KeyHash) (int64, change.Position, error) {
		id, lsn, err := n.primary.IdentifyAPIKey(ctx, hash)
		return id, change.Position{Generation: n.replica.State().Position.Generation, LSN: lsn}, err
	})
}

func (n *Node) openForwarder(deps *api.Deps) error {
	client, err := forward.New(forward.Config{
		Base: n.config.PrimaryURL, Key: n.config.ClusterKey, Region: n.config.Region,
		Transport: n.transport, Observe: n.metrics.Forward,
	})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, func() error {
		client.Close()
		return nil
	})
	deps.Forward = client
	return n.openAuthenticator(deps, api.Identify(client))
}

// away says that the primary region or its Postgres cannot be reached, so that nobody gets a new
// token.
func (n *Node) away() bool {
	if n.hub != nil {
		_, stale := n.follow.Stale()
		return stale
	}
	return n.board.away(n.config.PrimaryRegion)
}

// world is the answer of /api/v1/status.
type world struct {
	World
	Hub    *hubStatus    `json:"hub,omitempty"`
	Verify *verifyStatus `json:"verify,omitempty"`
}

// hubStatus is for those who run the platform.
type hubStatus struct {
	Streaming     bool          `json:"streaming"`         // connected to the slot
	Stalled       string        `json:"stalled,omitempty"` // why it is not
	Published     string        `json:"published_lsn"`
	RetainedBytes int64         `json:"slot_retained_bytes"`
	RetainedLimit int64         `json:"slot_limit_bytes,omitempty"` // 0: none, or not known
	SnapshotAge   *float64      `json:"snapshot_age_seconds,omitempty"`
	Stream        *streamStatus `json:"stream,omitempty"`
}

// streamStatus is what the stream holds.
type streamStatus struct {
	Messages   uint64     `json:"messages"`
	Bytes      uint64     `json:"bytes"`
	LimitBytes int64      `json:"limit_bytes"`
	Oldest     uint64     `json:"oldest_sequence"`
	Newest     uint64     `json:"newest_sequence"`
	OldestAt   *time.Time `json:"oldest_at,omitempty"` // by the stream's clock
	NewestAt   *time.Time `json:"newest_at,omitempty"`
	Consumers  int        `json:"consumers"`
}

func newHubStatus(s hub.Status, b *stream.Bounds, now time.Time) *hubStatus {
	out := &hubStatus{
		Streaming: s.Streaming, Stalled: s.Stalled, Published: s.Published.String(),
		RetainedBytes: s.RetainedBytes, RetainedLimit: s.RetainedLimit,
	}
	if !s.Snapshot.IsZero() {
		age := seconds(now.Sub(s.Snapshot))
		out.SnapshotAge = &age
	}
	if b != nil {
		out.Stream = &streamStatus{
			Messages: b.Messages, Bytes: b.Bytes, LimitBytes: s.StreamBytes, Oldest: b.First, Newest: b.Last, Consumers: b.Consumers,
		}
		if b.Messages > 0 {
			out.Stream.OldestAt, out.Stream.NewestAt = &b.Oldest, &b.Newest
		}
	}
	return out
}

// verifyStatus is the comparison of the primary's replica with Postgres.
type verifyStatus struct {
	Rows      uint64      `json:"rows_compared"`
	Table     string      `json:"table,omitempty"` // the one that is being compared
	TableRows int64       `json:"table_rows,omitempty"`
	Last      *verifyPass `json:"last,omitempty"`
}

// verifyPass is the last whole pass.
type verifyPass struct {
	Ended       time.Time `json:"ended"`
	Took        float64   `json:"took_seconds"`
	Tables      int       `json:"tables"`
	Rows        int64     `json:"rows"`
	Differences int64     `json:"differences"`
	Unsettled   int64     `json:"unsettled"`
	Behind      bool      `json:"behind"`
}

func newVerifyStatus(s verify.Status) *verifyStatus {
	out := &verifyStatus{Rows: s.Rows, Table: s.Table, TableRows: s.TableRows}
	if l := s.Last; l != nil {
		out.Last = &verifyPass{l.Ended.UTC(), seconds(l.Took), l.Tables, l.Rows, l.Differences, l.Unsettled, l.Behind}
	}
	return out
}

func (n *Node) status(detailed bool) any {
	w := world{World: n.board.world(n.region())}
	if detailed && n.hub != nil {
		w.Hub = newHubStatus(n.hub.Status(), n.stream.Load(), time.Now())
		w.Verify = newVerifyStatus(n.verify.Status())
	}
	return w
}

func limit(l config.Limit) api.Rate { return api.Rate{Count: l.Count, Per: l.Per, Burst: l.Burst} }

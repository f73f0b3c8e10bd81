package node

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"outpost/replicate/follow"
	"outpost/replicate/hub"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/stream"
	"outpost/replicate/verify"
	"outpost/server/api"
	"outpost/server/cache"
	"outpost/server/config"
	"outpost/server/forward"
	"outpost/server/store"
	"outpost/server/telemetry"
	"outpost/sql"
)

// How the primary compares its own replica with Postgres: at a rate that neither notices.
const (
	verifyRate  = 1000 // rows a second
	verifyPause = time.Minute
	verifyList  = 10 // differences logged per table
)

// openReplica opens the replica's file, with the cache listening to what changes.
func (n *Node) openReplica(ctx context.Context) (err error) {
	n.cache, err = cache.New(cache.Options{
		MaxBytes: n.cacheBytes(), Tables: append(sql.Tables(), sql.Duties),
		Published: func() cache.At {
			at := n.replica.State()
			return cache.At{Position: at.Position, Incarnation: at.Incarnation}
		},
		Missed: func(reason cache.Reason, table string) {
			if reason == cache.Changed {
				n.metrics.CacheMiss(table)
			}
		},
	})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, func() error {
		n.cache.Close()
		return nil
	})
	if err := n.openMemoryWatch(); err != nil {
		return err
	}
	if _, err := n.folder.sub("replica"); err != nil {
		return err
	}
	scripts, err := sql.Objects()
	if err != nil {
		return err
	}
	var objects []replica.Object
	for _, o := range scripts {
		objects = append(objects, replica.Object{Name: o.Name, SQL: o.SQL})
	}
	n.replica, err = replica.Open(ctx, replica.Options{
		Path: config.ReplicaFile(n.config.Data), Log: n.log, Observer: cache.NewRecorder(n.cache),
		Objects: objects, Touched: sql.Touched, Prepare: store.Prepare, Delay: n.options.BeforeCommit,
	})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.replica.Close)
	n.cache.Reset(n.replica.State().Incarnation)
	n.store = store.New(n.replica)
	n.store.Observe = n.metrics.Queries("sqlite")
	if n.config.SlowSQLite > 0 {
		n.store.Slow, n.store.SlowAfter = telemetry.SlowQueries(n.log, "sqlite"), n.config.SlowSQLite
	}
	return n.metrics.WatchReplica(func() telemetry.Replica {
		stats := n.replica.Stats()
		return telemetry.Replica{
			LagSeconds: n.follow.Lag().Seconds(), LSN: uint64(n.replica.State().Position.LSN),
			Rows: stats.Rows, Transactions: stats.Transactions,
		}
	})
}

// credentialBytes are for tokens and API keys where no answers are kept: to check one anew for each request
// is no measure of what the cache saves.
const credentialBytes = 8 << 20

func (n *Node) cacheBytes() int64 {
	if n.config.CacheBytes == 0 {
		return credentialBytes
	}
	return n.config.CacheBytes
}

// openStream connects to the stream: the primary to the one it embeds, unless an
// existing NATS was named; an edge to the primary's.
func (n *Node) openStream(ctx context.Context) (err error) {
	folder, err := n.folder.sub("stream")
	if err != nil {
		return err
	}
	// Every replica takes the whole stream; which zone may see what is not declared yet.
	options := stream.ConnOptions{URL: n.config.HubURL, ClusterKey: n.config.ClusterKey, Zone: stream.All, Dial: n.options.Dial, Log: n.log}
	if n.config.Primary() {
		options.ClusterKey = ""
		if n.config.HubURL == "" {
			n.server, err = stream.StartServer(stream.ServerOptions{
				Dir: folder, Addr: n.config.HubAddr, ClusterKey: n.config.ClusterKey, Zones: []string{stream.All}, Log: n.log,
			})
			if err != nil {
				return fmt.Errorf("OUTPOST_HUB_ADDR: %w", err)
			}
			options.Server = n.server
			n.closers = append(n.closers, func() error {
				n.server.Shutdown()
				return nil
			})
		}
	}
	if n.conn, err = stream.Connect(options); err != nil {
		return fmt.Errorf("OUTPOST_HUB_URL: %w", err)
	}
	n.closers = append(n.closers, func() error {
		n.conn.Close()
		return nil
	})
	if n.config.Primary() {
		return n.openHub(ctx)
	}
	return n.openEdge()
}

func (n *Node) openHub(ctx context.Context) error {
	folder, err := n.folder.sub("hub")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	identity, err := source.New(n.sourceConfig("")).Identify(ctx)
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	n.hub = hub.New(hub.Options{
		Source: source.New(n.sourceConfig(source.SlotName(identity.Database))),
		Conn:   n.conn, Replica: n.replica, Dir: folder, Log: n.log,
	})
	n.follow = &n.hub.Follower
	err = n.metrics.WatchSlot(func() (int64, bool) {
		status := n.hub.Status()
		return status.RetainedBytes, status.Streaming
	})
	if err != nil {
		return err
	}
	return n.openVerify()
}

// openVerify compares for ever what the primary's replica holds with what is published.
func (n *Node) openVerify() error {
	n.verify = verify.New(verify.Options{
		URL: n.config.DatabaseURL, Replica: n.replica, Publication: sql.Publication,
		Rate: verifyRate, Pause: verifyPause, List: verifyList, Log: n.log,
	})
	return n.metrics.WatchVerify(func() telemetry.Verify {
		s := n.verify.Status()
		figures := telemetry.Verify{Rows: s.Rows}
		if s.Last != nil {
			figures.Ended, figures.Differences, figures.Unsettled = s.Last.Ended, s.Last.Differences, s.Last.Unsettled
		}
		return figures
	})
}

func (n *Node) openEdge() error {
	n.transport = forward.NewTransport(n.options.Dial)
	n.closers = append(n.closers, func() error {
		n.transport.CloseIdleConnections()
		return nil
	})
	n.edge = follow.NewEdge(n.replica, n.conn, &follow.Snapshots{
		URL:    n.config.PrimaryURL + api.PathSnapshot,
		Client: &http.Client{Transport: n.transport},
		Dir:    filepath.Join(n.config.Data, "replica"), RefusedHeader: api.HeaderRefusedSnapshot,
		Sign: func(h http.Header) {
			forward.SignHeader(h, n.config.ClusterKey, n.config.Region, http.MethodGet, api.PathSnapshot, time.Now())
		},
	}, n.log)
	n.follow = &n.edge.Follower
	return nil
}

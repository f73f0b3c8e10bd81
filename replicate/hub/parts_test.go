package hub

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/stream"
)

// parts are a hub and what it stands on, in a test's process or in one of its own.
type parts struct {
	hub    *Hub
	server *stream.Server // nil with an external one
}

type partsOptions struct {
	url, dir    string
	streamDir   string // of the embedded server; empty: in dir
	external    string // the NATS to use instead of an embedded one
	streamBytes int64
}

// newParts builds a hub of the publication everything that does not run yet.
func newParts(ctx context.Context, o partsOptions, log *slog.Logger) (_ *parts, err error) {
	config, err := pgx.ParseConfig(o.url)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(o.dir, "hub")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	p := new(parts)
	defer func() {
		if err != nil && p.server != nil {
			p.server.Shutdown()
		}
	}()
	to := stream.ConnOptions{URL: o.external, Zone: stream.All, Log: log}
	if o.external == "" {
		if p.server, err = stream.StartServer(stream.ServerOptions{
			Dir: cmp.Or(o.streamDir, filepath.Join(o.dir, "stream")), Addr: "127.0.0.1:0", ClusterKey: key, Zones: []string{stream.All}, Log: log,
		}); err != nil {
			return nil, err
		}
		to.Server = p.server
	}
	conn, err := stream.Connect(to)
	if err != nil {
		return nil, err
	}
	r, err := openReplica(ctx, filepath.Join(o.dir, "primary"), log, nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	p.hub = New(Options{
		Source: source.New(source.Config{URL: o.url, Publication: "everything", Slot: source.SlotName(config.Database), Log: log}),
		Conn:   conn, Replica: r, Dir: folder, StreamBytes: o.streamBytes, Log: log,
	})
	return p, nil
}

func (p *parts) close() error {
	p.hub.Conn.Close()
	if p.server != nil {
		p.server.Shutdown()
	}
	return p.hub.Replica.Close()
}

func openReplica(ctx context.Context, folder string, log *slog.Logger, delay func()) (*replica.Replica, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	return replica.Open(ctx, replica.Options{Path: filepath.Join(folder, "replica.db"), Log: log, Delay: delay})
}

// The headers that say which edge asks, and what arrived damaged there.
const (
	regionHeader  = "Region"
	refusedHeader = "Refused"
)

func from(name string) func(http.Header) { return func(h http.Header) { h.Set(regionHeader, name) } }

func serveSnapshot(h *Hub, w http.ResponseWriter, r *http.Request) {
	d, err := h.OpenSnapshot(r.Context(), r.Header.Get(regionHeader), r.Header.Get(refusedHeader))
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer d.Close()
	w.Header().Set("ETag", `"`+d.Snapshot.ETag+`"`)
	http.ServeContent(w, r, "", time.Time{}, d)
}

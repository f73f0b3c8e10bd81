package hub

import (
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
	server *stream.Server
}

// newParts builds a hub of the publication everything that does not run yet.
func newParts(ctx context.Context, url, dir string, streamBytes int64, log *slog.Logger) (*parts, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(dir, "hub")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	s, err := stream.StartServer(stream.ServerOptions{
		Dir: filepath.Join(dir, "stream"), Addr: "127.0.0.1:0", ClusterKey: key, Zones: []string{stream.All}, Log: log,
	})
	if err != nil {
		return nil, err
	}
	conn, err := stream.Connect(stream.ConnOptions{Server: s, Log: log})
	if err != nil {
		s.Shutdown()
		return nil, err
	}
	r, err := openReplica(ctx, filepath.Join(dir, "primary"), log, nil)
	if err != nil {
		conn.Close()
		s.Shutdown()
		return nil, err
	}
	return &parts{server: s, hub: New(Options{
		Source: source.New(source.Config{URL: url, Publication: "everything", Slot: source.SlotName(config.Database), Log: log}),
		Conn:   conn, Replica: r, Dir: folder, StreamBytes: streamBytes, Log: log,
	})}, nil
}

func (p *parts) close() error {
	p.hub.Conn.Close()
	p.server.Shutdown()
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

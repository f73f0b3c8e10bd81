package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"

	"outpost/server/api/openapi"
)

// Admin serves operators: health, metrics and profiles. It must not be reachable from outside.
func (a *API) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", health(func() error { return nil }))
	mux.HandleFunc("GET /readyz", health(a.readiness))
	mux.HandleFunc("GET /startupz", health(a.Ready))
	mux.Handle("GET /metrics", a.Metrics.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// ListenAdmin serves Admin from ln until Shutdown has seen the API's last request, then returns
// nil.
func (a *API) ListenAdmin(ln net.Listener) error {
	server := &http.Server{
		Handler: a.Admin(), ReadHeaderTimeout: readTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	unwatch := context.AfterFunc(a.base, func() { _ = server.Close() }) // a scrape may be cut
	defer unwatch()
	if err := server.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the admin listener: %w", err)
	}
	return nil
}

func health(check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, body := http.StatusOK, any(openapi.Health{Status: "ok"})
		kind := "application/json"
		if err := check(); err != nil {
			status, kind = http.StatusServiceUnavailable, "application/problem+json"
			body = openapi.Problem{
				Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: text(err.Error()), Instance: r.URL.Path,
			}
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // whoever asked has gone
	}
}

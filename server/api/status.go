package api

import (
	"errors"
	"net/http"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

func statusRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/status", handle: (*API).status, open: true},
		{method: http.MethodGet, pattern: "/api/v1/status/stream", handle: (*API).watchStatus, open: true},
		{method: http.MethodGet, pattern: "/api/v1/status/history", handle: (*API).history, open: true},
		{method: http.MethodGet, pattern: "/livez", handle: (*API).live, open: true, free: true, probe: true},
		{method: http.MethodGet, pattern: "/readyz", handle: (*API).ready, open: true, free: true, probe: true},
		{method: http.MethodGet, pattern: "/openapi.json", handle: (*API).openapi, open: true},
	}
}

func (a *API) status(k *call) error {
	return k.json(http.StatusOK, a.Status(k.known && k.principal.Role == training.PlatformAdmin))
}

func (a *API) history(k *call) error {
	body, err := a.History()
	if err != nil {
		return err
	}
	return k.plain(http.StatusOK, body)
}

func (a *API) live(k *call) error {
	return k.json(http.StatusOK, openapi.Health{Status: "ok"})
}

// ready gives the reason when it says no: whoever operates the node reads it there.
func (a *API) ready(k *call) error {
	if err := a.readiness(); err != nil {
		return &problem{status: http.StatusServiceUnavailable, detail: err.Error(), retry: retryAfter, cause: errAway}
	}
	return k.json(http.StatusOK, openapi.Health{Status: "ok"})
}

// readiness sends new requests elsewhere as soon as the node begins to stop.
func (a *API) readiness() error {
	a.mu.Lock()
	stopped := a.stopped
	a.mu.Unlock()
	if stopped {
		return errors.New("the node is stopping")
	}
	return a.Ready()
}

package api

import (
	"net/http"

	"github.com/valyala/fasthttp/fasthttpadaptor"
)

// devRoutes are the pages that `outpost dev` adds. Without Deps.Dev there are none.
func (a *API) devRoutes() []*route {
	if a.Dev == nil {
		return nil
	}
	var routes []*route
	for _, pattern := range []string{"/dev/mail", "/dev/mail.json", "/dev/mail/:mail", "/dev/mail/:mail/files/:file"} {
		routes = append(routes, &route{method: http.MethodGet, pattern: pattern, handle: (*API).dev, open: true, free: true, probe: true})
	}
	return routes
}

func (a *API) dev(k *call) error {
	fasthttpadaptor.NewFastHTTPHandler(a.Dev)(k.c.Context())
	return nil
}

package api

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// bodyBounds lets the bodies of some routes be larger than all others', which it decides before
// anything of a body is read. Such a route has no parameters in its pattern.
func bodyBounds(routes []*route) func(*fasthttp.RequestHeader) fasthttp.RequestConfig {
	larger := make(map[string]int)
	for _, r := range routes {
		if r.body > 0 {
			larger[r.method+" "+r.pattern] = r.body
		}
	}
	return func(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
		path, _, _ := bytes.Cut(h.RequestURI(), []byte{'?'})
		if len(path) > 1 {
			path = bytes.TrimSuffix(path, []byte{'/'}) // as Fiber takes it
		}
		return fasthttp.RequestConfig{MaxRequestBodySize: larger[string(h.Method())+" "+string(path)]} // 0: the server's
	}
}

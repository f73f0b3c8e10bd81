package api

import (
	"bytes"
	"time"

	"github.com/valyala/fasthttp"
)

// largeBodyTime is how long a body that may be larger than others has to arrive.
const largeBodyTime = 2 * time.Minute

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
		limit, ok := larger[string(h.Method())+" "+string(path)]
		if !ok {
			return fasthttp.RequestConfig{} // what all have
		}
		return fasthttp.RequestConfig{MaxRequestBodySize: limit, ReadTimeout: largeBodyTime}
	}
}

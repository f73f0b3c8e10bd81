package api

import (
	"context"
	"io"
	"net/http"
	"time"
)

// relay lets the primary answer a read with more than should be held here: its body goes through as
// the client takes it.
func (a *API) relay(k *call) error {
	if a.Forward == nil || k.forwarded != "" {
		return lost()
	}
	ctx, cancel := context.WithCancel(a.base)
	patience := time.AfterFunc(passTime, cancel)
	answer, err := a.Forward.Open(ctx, k.outgoing())
	patience.Stop()
	if err != nil {
		cancel()
		return away(err, k.route.write)
	}
	body := &relayed{from: answer.Body, cancel: cancel, limit: a.Limits.Request}
	r := k.c.Response()
	k.take(answer.Status, answer.Header)
	if r.SkipBody || answer.Status == http.StatusNotModified {
		return body.Close()
	}
	r.SetBodyStream(body, int(answer.Size)) // which closes it
	return nil
}

// relayed is a body on its way. A client that is slow takes its time; the primary must answer each
// time it is asked for more.
type relayed struct {
	from   io.ReadCloser
	cancel context.CancelFunc
	limit  time.Duration
}

// Read asks the primary's answer for more.
func (r *relayed) Read(p []byte) (int, error) {
	patience := time.AfterFunc(r.limit, r.cancel)
	defer patience.Stop()
	return r.from.Read(p)
}

// Close ends the request to the primary.
func (r *relayed) Close() error {
	defer r.cancel()
	return r.from.Close()
}

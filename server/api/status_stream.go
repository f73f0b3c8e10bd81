package api

import (
	"context"
	"io"
	"net/http"
	"net/netip"

	"github.com/gofiber/fiber/v2"

	"outpost/server/training"
)

// streamBuffer is what the kernel may hold of a stream that its client does not take, in bytes. Left
// to itself it would hold an hour of events, and only then would Limits.Stall begin.
const streamBuffer = 16 << 10

// streamOpening begins each stream: a client that lost it is to wait so long, in milliseconds.
const streamOpening = ": the regions, as this one knows them\nretry: 1000\n\n"

// watchStatus sends the world as server-sent events until the client goes, the node stops, or the
// stream has had its time. By which pattern it was reached it does not ask.
func (a *API) watchStatus(k *call) error {
	r := k.c.Response()
	if k.c.Method() != http.MethodHead {
		c, _ := k.c.Context().Conn().(*conn)
		s, err := a.streams.open(source(k.client), c, k.known && k.principal.Role == training.PlatformAdmin)
		if err != nil {
			return err
		}
		r.SetBodyStream(s, -1) // which closes it
		r.SetConnectionClose() // nobody reads another request from it
	}
	r.SkipBody = k.c.Method() == http.MethodHead
	r.SetStatusCode(http.StatusOK)
	r.Header.SetContentType("text/event-stream")
	r.Header.Set(fiber.HeaderCacheControl, "no-store")
	r.Header.Set("X-Accel-Buffering", "no") // nginx would keep events until it has many
	return nil
}

// stream is the body of one client's answer. The server asks it for more when the client has taken
// what there was, so that one that is slow misses events and gets the newest.
type stream struct {
	of       *streams
	client   netip.Addr
	conn     *conn // nil without a network
	detailed bool
	ctx      context.Context
	cancel   context.CancelFunc
	seen     uint64 // number of the event that was sent last
	rest     []byte // of what is being sent; other streams send it, too
}

// Read waits for the next event. The end is a regular one: the client connects again.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		e, next := s.of.newest()
		if e.number > s.seen {
			s.seen, s.rest = e.number, e.text
			if s.detailed {
				s.rest = e.detailed
			}
			break
		}
		select {
		case <-next:
		case <-s.ctx.Done():
			return 0, io.EOF
		}
	}
	if s.ctx.Err() != nil {
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Close gives the stream's place away.
func (s *stream) Close() error {
	s.cancel()
	s.of.leave(s)
	return nil
}

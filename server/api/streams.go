package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

const (
	// streamHeartbeat is how often a comment is sent beside the events, for what lies between and
	// ends a connection that has none.
	streamHeartbeat = 15 * time.Second
	streamComment   = ": still here\n\n"
	// streamGrace is how long a stream's last bytes may take when the node stops.
	streamGrace = 500 * time.Millisecond
	// streamRetry is when somebody who found no place may come again.
	streamRetry = 10 * time.Second
)

// StreamLimits bound the streams of the status. Zero values mean the defaults.
type StreamLimits struct {
	Node   int           // open at once; 256
	Client int           // of those, from one address; 8
	Life   time.Duration // of each: whoever asked for it may have lost the right; 15 min
	Every  time.Duration // between events while nothing happens; 1 s
}

func (l *StreamLimits) defaults() {
	if l.Node == 0 {
		l.Node = 256
	}
	if l.Client == 0 {
		l.Client = 8
	}
	if l.Life == 0 {
		l.Life = 15 * time.Minute
	}
	if l.Every == 0 {
		l.Every = time.Second
	}
}

// streams are all that are open. While there are any, one goroutine makes the events, each once for
// all of them.
type streams struct {
	api *API

	mu      sync.Mutex
	all     map[*stream]struct{}
	clients map[netip.Addr]int
	event   event
	old     uint64        // number of the last event of before the goroutine began
	next    chan struct{} // closed when event is another
	ended   bool
	stop    context.CancelFunc // of the goroutine; nil while there is none
	running sync.WaitGroup     // that one, and one for each connection
}

// event is the world at one moment as it goes out, to all and to platform admins. It never changes.
type event struct {
	number         uint64
	text, detailed []byte
}

func newStreams(a *API) *streams {
	return &streams{
		api: a, all: make(map[*stream]struct{}), clients: make(map[netip.Addr]int), next: make(chan struct{}),
	}
}

// open finds a place for a stream to a client.
func (s *streams) open(client netip.Addr, c *conn, detailed bool) (*stream, error) {
	limits := s.api.Limits.Streams
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return nil, unavailable("This node is shutting down.", nil)
	case s.clients[client] >= limits.Client:
		return nil, &problem{status: http.StatusTooManyRequests, retry: streamRetry, detail: fmt.Sprintf(
			"%d streams are open from your address. Close one, or ask /api/v1/status now and then.", limits.Client)}
	case len(s.all) >= limits.Node:
		p := unavailable("This region has no room for another stream. Try again later, or ask /api/v1/status now and then.", nil)
		p.retry = streamRetry
		return nil, p
	}
	opened := &stream{of: s, client: client, conn: c, detailed: detailed, rest: []byte(streamOpening)}
	opened.ctx, opened.cancel = context.WithTimeout(s.api.base, limits.Life)
	if c != nil {
		c.buffer(streamBuffer)
		s.running.Go(func() {
			defer opened.cancel()
			c.awaitEnd()
		})
	}
	s.all[opened] = struct{}{}
	s.clients[client]++
	if s.stop == nil {
		s.old = s.event.number
		ctx, cancel := context.WithCancel(s.api.base)
		s.stop = cancel
		s.running.Go(func() { s.run(ctx) })
	}
	opened.seen = s.old
	return opened, nil
}

func (s *streams) leave(gone *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.all[gone]; !ok {
		return
	}
	delete(s.all, gone)
	if s.clients[gone.client]--; s.clients[gone.client] == 0 {
		delete(s.clients, gone.client)
	}
	if len(s.all) == 0 && s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// newest is the newest event, and what is closed when there is a newer one.
func (s *streams) newest() (event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.event, s.next
}

// run makes an event whenever something changed, and else every so often.
func (s *streams) run(ctx context.Context) {
	every := s.api.Limits.Streams.Every
	tick := time.NewTicker(every)
	defer tick.Stop()
	heard := time.Now()
	for {
		changed := s.api.Changed() // first: what changes from now on makes another event
		var prefix string
		if now := time.Now(); now.Sub(heard) >= streamHeartbeat {
			prefix, heard = streamComment, now
		}
		if err := s.make(ctx, prefix); err != nil {
			s.api.Log.Error("making an event of the status failed; trying again", "error", err)
		}
		select {
		case <-tick.C:
		case <-changed:
			tick.Reset(every)
		case <-ctx.Done():
			return
		}
	}
}

// make makes an event and wakes those who wait for it.
func (s *streams) make(ctx context.Context, prefix string) error {
	var texts [2][]byte
	for i, detailed := range []bool{false, true} {
		world, err := encodeJSON(s.api.Status(detailed))
		if err != nil {
			return err
		}
		b := append(make([]byte, 0, len(prefix)+len(world)+len(s.api.Region)+64), prefix...)
		b = append(append(b, "id: "...), s.api.Region...)
		b = strconv.AppendInt(append(b, '-'), s.api.Now().UnixMilli(), 10)
		b = append(append(b, "\nevent: world\ndata: "...), world...)
		texts[i] = append(b, "\n\n"...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return nil // those who come now have a goroutine of their own
	}
	s.event = event{s.event.number + 1, texts[0], texts[1]}
	close(s.next)
	s.next = make(chan struct{})
	return nil
}

// end ends all streams at once and lets nobody in. Clients that do not take the end are cut off
// a little later, unless done is called before.
func (s *streams) end() (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for each := range s.all {
		each.cancel()
	}
	timer := time.AfterFunc(streamGrace, s.cut)
	return func() {
		timer.Stop()
		s.running.Wait()
	}
}

func (s *streams) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for each := range s.all {
		if each.conn == nil {
			continue
		}
		if err := each.conn.cut(); err != nil {
			s.api.Log.Debug("cutting off a stream", "error", err)
		}
	}
}

package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// reconnectWait is the pause between attempts to reach the server again; NATS adds
// up to half of it at random.
const reconnectWait = 500 * time.Millisecond

// ConnOptions say how to reach a server: Server in this process, else URL.
type ConnOptions struct {
	Server     *Server
	URL        string // nats://host:port; of an existing NATS, nats://user:password@host:port
	ClusterKey string // of an edge: what its zone's key pair is derived from; unused with a password
	Zone       string // of an edge
	// Dial replaces the network, so that a distance can be put into it; nil dials.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Log  *slog.Logger
}

// Conn is a connection that reconnects by itself for as long as it is open.
type Conn struct {
	nats   *nats.Conn
	js     jetstream.JetStream
	zone   string
	server *Server // in this process; else nil

	mu     sync.Mutex
	linked context.Context // ends when the connection has been made anew
	unlink context.CancelCauseFunc
}

// Connect returns at once; while the server is away, what is asked of the Conn
// fails or waits for its context.
func Connect(o ConnOptions) (*Conn, error) {
	c := new(Conn)
	c.relink()
	opts := []nats.Option{
		nats.Name("outpost"),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait/2, reconnectWait/2),
		// Refused twice, it would give up for ever; but keys and passwords are changed at both
		// ends, never at the same instant.
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(-1), // a publish that was not sent is an error, not a surprise later
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				o.Log.Warn("the connection to the hub broke; reconnecting", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			o.Log.Info("connected to the hub again")
			c.relink()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			o.Log.Warn("the hub's server reports an error", "error", err)
		}),
	}
	address := o.URL
	zone := o.Zone
	switch {
	case o.Server != nil:
		address, zone = "", All
		opts = append(opts, nats.InProcessServer(o.Server), o.Server.hub.option())
	case o.ClusterKey != "" && !credentials(address):
		id, err := zoneIdentity(o.ClusterKey, zone)
		if err != nil {
			return nil, err
		}
		opts = append(opts, id.option(), nats.CustomInboxPrefix(inbox(zone)))
	}
	if o.Dial != nil && o.Server == nil {
		opts = append(opts, nats.SetCustomDialer(dialer(o.Dial)))
	}
	nc, err := nats.Connect(address, opts...)
	if err != nil {
		return nil, fmt.Errorf("connecting to the hub: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("setting up JetStream: %w", err)
	}
	c.nats, c.js, c.zone, c.server = nc, js, zone, o.Server
	return c, nil
}

// credentials says whether an address carries any: that is how an existing NATS is told
// from a hub's own.
func credentials(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User != nil
}

// failed says, of an error, that there is no connection, and why.
func (c *Conn) failed(err error) error {
	if !errors.Is(err, nats.ErrReconnectBufExceeded) {
		return err
	}
	if why := c.nats.LastError(); why != nil {
		return fmt.Errorf("not connected to the hub: %w", why)
	}
	return errors.New("not connected to the hub")
}

// relink ends the feeds of the connection as it was.
func (c *Conn) relink() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unlink != nil {
		c.unlink(errReconnected)
	}
	c.linked, c.unlink = context.WithCancelCause(context.Background())
}

// link lives as long as the connection as it is now.
func (c *Conn) link() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.linked
}

// Close ends the connection and everything made from it.
func (c *Conn) Close() {
	c.nats.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unlink(errStopped)
}

// Connected says whether the server is there right now.
func (c *Conn) Connected() bool { return c.nats.IsConnected() }

// Announce tells every node what this region wants known of itself. It is not kept:
// who is not listening misses it.
func (c *Conn) Announce(region string, data []byte) error {
	if err := c.nats.Publish(statusPrefix+region, data); err != nil {
		return fmt.Errorf("announcing region %s: %w", region, err)
	}
	return nil
}

// Flush waits until the server has what was announced.
func (c *Conn) Flush(ctx context.Context) error {
	if err := c.nats.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("waiting for the hub: %w", err)
	}
	return nil
}

// Announcements calls each for whatever any region announces, until stop is called.
func (c *Conn) Announcements(each func(region string, data []byte)) (stop func(), err error) {
	sub, err := c.nats.Subscribe(statusPrefix+"*", func(m *nats.Msg) {
		each(strings.TrimPrefix(m.Subject, statusPrefix), m.Data)
	})
	if err != nil {
		return nil, fmt.Errorf("listening to other regions: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil // fails only when the connection is gone, and the subscription with it
}

func (i identity) option() nats.Option { return nats.Nkey(i.public, i.pair.Sign) }

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func (d dialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return d(ctx, network, address)
}

// Package stream is the one place that speaks NATS: it runs the embedded server
// with its JetStream log on disk, publishes the hub's messages to it, and feeds
// them to replicas.
//
// What was acknowledged by Publish is synced to disk (of the embedded server; an
// external cluster's operator has to set sync_interval: always). Order, gaps and
// generations are the replica's to check: a consumer that NATS recreated by itself
// knows nothing of them.
//
// The package knows wire's messages and nothing of Postgres or SQLite.
package stream

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server" // JetStream in this process: log, retention, permissions, flow control
	"github.com/nats-io/nkeys"                 // logging in by signature
	"outpost/replicate/wire"
)

// The stream's name and the heads of its subjects.
const (
	name          = "OUTPOST"
	subjectPrefix = "outpost.tx."
	statusPrefix  = "outpost.status."
)

// All is the zone of the subject that carries everything; the primary's own replica
// consumes it.
const All = "all"

// startTimeout bounds how long the embedded server may take to be ready; recovering
// a large log is what takes long.
const startTimeout = 60 * time.Second

// writeDeadline is how long an edge may take to read what was sent to it. One that is slower
// is cut off, so that nothing piles up here; it comes back and resumes.
const writeDeadline = 10 * time.Second

func subject(zone string) string { return subjectPrefix + zone }

// inbox is the prefix of a zone's private inboxes: a client that may subscribe to
// _INBOX.> receives what is delivered to others.
func inbox(zone string) string { return "_INBOX_" + zone }

// identity is a key pair by which a client logs in: it signs what the server makes
// up, so nothing secret travels.
type identity struct {
	pair   nkeys.KeyPair
	public string
}

func newIdentity(seed []byte) (identity, error) {
	pair, err := nkeys.FromRawSeed(nkeys.PrefixByteUser, seed)
	if err != nil {
		return identity{}, fmt.Errorf("making a key pair: %w", err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		return identity{}, fmt.Errorf("making a key pair: %w", err)
	}
	return identity{pair, public}, nil
}

// zoneIdentity derives a zone's key pair from the cluster key.
func zoneIdentity(clusterKey, zone string) (identity, error) {
	mac := hmac.New(sha256.New, []byte(clusterKey))
	mac.Write([]byte("outpost stream " + zone))
	return newIdentity(mac.Sum(nil))
}

// hubIdentity is made anew for each server and never leaves the process.
func hubIdentity() (identity, error) {
	seed := make([]byte, 32)
	if _, err := rand.Read(seed); err != nil {
		return identity{}, fmt.Errorf("making the hub's key: %w", err)
	}
	return newIdentity(seed)
}

// ServerOptions say how to run the embedded server.
type ServerOptions struct {
	Dir        string   // of the log
	Addr       string   // where edges connect, host:port; with port 0 any free one
	ClusterKey string   // without one, nothing listens and only this process connects
	Zones      []string // whose replicas may connect
	Log        *slog.Logger

	writeDeadline time.Duration // of tests; 0 for the usual
}

// Server is an embedded NATS server that keeps itself going: see supervise.
type Server struct {
	options ServerOptions
	hub     identity
	addr    net.Addr // where it listens, every time it is started; nil if nowhere

	mu     sync.Mutex
	nats   *server.Server  // nil while it is down
	well   context.Context // ends when nothing can be kept in the log any more
	sicken context.CancelCauseFunc

	stop context.CancelFunc
	done chan struct{} // closed when supervise has ended
}

// StartServer starts the embedded server and waits until it accepts connections.
func StartServer(o ServerOptions) (*Server, error) {
	hub, err := hubIdentity()
	if err != nil {
		return nil, err
	}
	if o.ClusterKey != "" {
		if err := free(o.Addr); err != nil {
			return nil, err
		}
	}
	s := &Server{options: o, hub: hub, done: make(chan struct{})}
	if err := s.launch(); err != nil {
		return nil, err
	}
	s.addr = s.nats.Addr()
	s.well, s.sicken = context.WithCancelCause(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go s.supervise(ctx)
	return s, nil
}

// launch starts a NATS server on the folder, on the address of the one before.
func (s *Server) launch() error {
	opts, err := s.natsOptions()
	if err != nil {
		return err
	}
	if err := writable(s.options.Dir, 1); err != nil {
		return err
	}
	nats, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("setting up the embedded NATS server: %w", err)
	}
	nats.SetLoggerV2(logger{s.options.Log}, false, false, false)
	nats.Start()
	if !nats.JetStreamEnabled() || !nats.ReadyForConnections(startTimeout) {
		halt(nats)
		return fmt.Errorf("the embedded NATS server was not ready within %v: look for its messages above; its log is in %s", startTimeout, s.options.Dir)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nats = nats
	return nil
}

func (s *Server) natsOptions() (*server.Options, error) {
	o := s.options
	opts := &server.Options{
		ServerName: "outpost-hub",
		JetStream:  true, StoreDir: o.Dir,
		SyncAlways: true, // the default syncs every two minutes: a power cut would lose acknowledged messages
		// The stream's own bound counts. The default is three quarters of the disk that is
		// free at each start: on a fuller disk the server would not load the log it has.
		JetStreamMaxStore: 1 << 50,
		MaxPayload:        wire.MaxMessage,
		NoSigs:            true, NoSystemAccount: false,
		DisableJetStreamBanner: true,
		WriteDeadline:          cmp.Or(o.writeDeadline, writeDeadline),
		Nkeys:                  []*server.NkeyUser{{Nkey: s.hub.public}},
		DontListen:             o.ClusterKey == "",
	}
	if o.ClusterKey == "" {
		return opts, nil
	}
	addr := o.Addr
	if s.addr != nil {
		addr = s.addr.String()
	}
	var err error
	if opts.Host, opts.Port, err = splitAddr(addr); err != nil {
		return nil, err
	}
	for _, zone := range o.Zones {
		id, err := zoneIdentity(o.ClusterKey, zone)
		if err != nil {
			return nil, err
		}
		opts.Nkeys = append(opts.Nkeys, &server.NkeyUser{Nkey: id.public, Permissions: zonePermissions(zone)})
	}
	return opts, nil
}

// Addr is where edges connect; nil when nothing listens.
func (s *Server) Addr() net.Addr { return s.addr }

// InProcessConn connects within the process to the server that runs now.
func (s *Server) InProcessConn() (net.Conn, error) {
	nats := s.running()
	if nats == nil {
		return nil, errDown
	}
	return nats.InProcessConn()
}

func (s *Server) running() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nats
}

// Shutdown stops the server and returns when its files are closed.
func (s *Server) Shutdown() {
	s.stop()
	<-s.done
	if nats := s.running(); nats != nil {
		halt(nats)
	}
}

func halt(nats *server.Server) {
	nats.Shutdown()
	nats.WaitForShutdown()
}

// zonePermissions let a replica consume its zone's subject and nothing else: no
// direct or message get, no consumer with another filter (the create subject names
// the filter, and a consumer with several names none, so it is refused).
func zonePermissions(zone string) *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			"$JS.API.STREAM.INFO." + name,
			"$JS.API.CONSUMER.CREATE." + name + ".*." + subject(zone),
			"$JS.API.CONSUMER.INFO." + name + ".*",
			"$JS.API.CONSUMER.MSG.NEXT." + name + ".*",
			"$JS.API.CONSUMER.DELETE." + name + ".*",
			statusPrefix + "*",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{
			inbox(zone) + ".>",
			statusPrefix + "*",
		}},
	}
}

func splitAddr(addr string) (string, int, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("the hub's address %q is not host:port: %w", addr, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return "", 0, fmt.Errorf("the hub's address %q: the port is not a number", addr)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	if host == "" {
		host = "0.0.0.0"
	}
	return host, port, nil
}

// free tells a taken port at once and by name; the server itself would only log it
// and wait.
func free(addr string) error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("the hub cannot listen on %s: %w", addr, errors.Unwrap(err))
	}
	return l.Close()
}

// logger hands the server's messages to slog. Its notices are for whoever runs a
// NATS server by hand; here they are details.
type logger struct{ log *slog.Logger }

func (l logger) Noticef(format string, v ...any) { l.print(slog.LevelDebug, format, v) }
func (l logger) Debugf(format string, v ...any)  { l.print(slog.LevelDebug, format, v) }
func (l logger) Tracef(format string, v ...any)  { l.print(slog.LevelDebug, format, v) }
func (l logger) Warnf(format string, v ...any)   { l.print(slog.LevelWarn, format, v) }
func (l logger) Errorf(format string, v ...any)  { l.print(slog.LevelError, format, v) }
func (l logger) Fatalf(format string, v ...any)  { l.print(slog.LevelError, format, v) }

func (l logger) print(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "the embedded NATS server", "message", fmt.Sprintf(format, v...))
}

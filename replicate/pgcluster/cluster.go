// Package pgcluster runs a private Postgres, for development and for tests.
//
// A cluster belongs to the process that started it: it listens on loopback only,
// asks for a random password, and dies with its owner, however that ends (on Linux
// by the parent death signal; elsewhere the next Start in the same folder ends what
// an owner left behind). A folder has one owner at a time, held by a file lock.
//
// Started as root it runs Postgres under another account, because Postgres refuses
// to run as root.
//
// It knows nothing of what is stored in the cluster.
package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const superuser = "postgres"

// Options says where a cluster lives and how it is set.
type Options struct {
	// Dir is the folder that keeps the cluster between runs. Empty: a temporary
	// folder, removed at Stop, with fsync off.
	Dir string
	// Settings are added to, or replace, the cluster's own server settings.
	Settings map[string]string
	// Log may be nil.
	Log *slog.Logger
}

// Cluster is a private Postgres. Its methods may be called from any goroutine.
type Cluster struct {
	home     *home
	bin      binaries
	settings map[string]string
	log      *slog.Logger

	mu      sync.Mutex
	process *process // nil while down
	stopped bool
}

// Start brings a cluster up: it finds the binaries, creates the files when the
// folder is empty, ends what a killed owner left running, and returns when the
// cluster answers queries. An error names what to do about it.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	h, err := openHome(o.Dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{home: h, settings: o.Settings, log: log}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	var err error
	if c.bin, err = findBinaries(c.home.version()); err != nil {
		return err
	}
	if err := c.home.initialise(ctx, c.bin); err != nil {
		return err
	}
	if err := endSurvivor(ctx, c.home.data); err != nil {
		return err
	}
	return c.launch(ctx)
}

// URL is how a superuser connects to a database of the cluster. It holds the
// password, and stays the same through Kill and Restart.
func (c *Cluster) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.home.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(c.home.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateDatabase creates a database; one that exists already is left as it is.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return fmt.Errorf("connecting to create database %q: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var exists bool
	const query = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
	if err := conn.QueryRow(ctx, query, name).Scan(&exists); err != nil {
		return fmt.Errorf("looking for database %q: %w", name, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("creating database %q: %w", name, err)
	}
	return nil
}

// PID is the postmaster's process id, 0 while the cluster is down.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return 0
	}
	return c.process.pid
}

// Version is the server's major version.
func (c *Cluster) Version() int { return c.bin.major }

// Kill ends the cluster as a power cut would: SIGKILL to the postmaster. It returns
// when every process of the cluster is gone, so that Restart finds nobody.
func (c *Cluster) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return nil
	}
	// A stopped postmaster forks no more, so the list of children is complete.
	if err := c.process.signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stopping the postmaster: %w", err)
	}
	orphans, listErr := children(c.process.pid)
	if err := c.process.signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing the postmaster: %w", err)
	}
	<-c.process.done
	c.process = nil
	if listErr != nil {
		return fmt.Errorf("listing the postmaster's children: %w", listErr)
	}
	for _, pid := range orphans {
		if err := waitGone(pid); err != nil {
			return err
		}
	}
	return nil
}

// Restart stops a running cluster, and starts it again on the same port.
func (c *Cluster) Restart(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return errors.New("restarting the cluster: it was stopped for good")
	}
	if err := c.shutDown(ctx); err != nil {
		return err
	}
	return c.launchOn(ctx, c.home.port)
}

// Stop ends the cluster (clients are disconnected, everything is written) and gives
// the folder back; a temporary one is removed. Once ctx is done it no longer waits
// for an orderly end. A second Stop does nothing.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	return errors.Join(c.shutDown(ctx), c.home.close())
}

func (c *Cluster) shutDown(ctx context.Context) error {
	if c.process == nil {
		return nil
	}
	p := c.process
	c.process = nil
	return p.end(ctx, syscall.SIGINT)
}

// launch starts the postmaster on the port it had before, or on another when
// somebody else has taken that one.
func (c *Cluster) launch(ctx context.Context) error {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		port, err := freePort(c.home.port)
		if err != nil {
			return err
		}
		err = c.launchOn(ctx, port)
		if err == nil {
			return c.home.keepPort(port)
		}
		if !errors.Is(err, errPortTaken) || attempt == attempts {
			return err
		}
	}
}

// launchOn tries again while processes of a killed postmaster still hold the
// cluster's shared memory; they end by themselves.
func (c *Cluster) launchOn(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c.home.port = port
	for {
		p, err := spawn(c.home, c.bin, c.arguments(port))
		if err != nil {
			return err
		}
		if err = p.waitReady(ctx, c.URL("postgres")); err == nil {
			c.process = p
			c.log.Debug("private Postgres is up", "pid", p.pid, "port", port, "folder", c.home.dir)
			return nil
		}
		if !errors.Is(err, errStillHeld) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// arguments are the server's settings, given on the command line so that nothing
// in the folder has to be edited.
func (c *Cluster) arguments(port int) []string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": "",
		"wal_level":               "logical",
		"max_wal_senders":         "50",
		"max_replication_slots":   "50",
		"wal_writer_delay":        "10ms", // decoding sees a commit once it is flushed
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_line_prefix":         "%m [%p] ",
	}
	if c.home.temporary {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
		settings["shared_buffers"] = "32MB"
	}
	for name, value := range c.settings {
		settings[name] = value
	}
	args := []string{"-D", c.home.data}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	return args
}

// command prepares a program of the cluster: with a clean environment (PGPORT and
// the like would change its meaning), in a folder that every account can enter,
// outside our process group so that Ctrl-C reaches only us.
func command(h *home, path string, args []string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.Dir = "/"
	cmd.SysProcAttr = processAttributes()
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Credential = h.account
	return cmd
}

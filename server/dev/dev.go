// Package dev runs a whole Outpost on one machine: a private Postgres with demo
// data, a primary and its edges in one process, and if wanted the distance between
// them. Mail that is sent there is caught and shown. It is what `outpost dev` and the end-to-end tests start.
//
// It is no other program: the regions are ordinary nodes that talk over loopback.
package dev

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"outpost/replicate/pgcluster"
	"outpost/server/config"
	"outpost/server/node"
	"outpost/server/training"
	"outpost/sql"
	"outpost/sql/seed"
	"outpost/web"
)

// database is the name of the demo database in the private Postgres.
const database = "outpost"

// Options say what to run.
type Options struct {
	Regions  []string // the first is the primary
	BasePort int      // region i: API on base+i, admin on base+1000+i, proxies from base+2000; the hub on base+3000
	Data     string   // kept between runs
	Size     seed.Size
	Seed     uint64 // of the demo data; zero: 1
	Courses  int    // that a company plans at most, for tests; zero: as many as fit its size
	Distance Distances
	Lookup   func(string) (string, bool) // the environment; every OUTPOST_* variable is honoured
	Version  string
	Log      *slog.Logger
	Seeding  *slog.Logger // of making the demo data, which takes minutes for a large one
	// MemoryLimit is what the process may take, in bytes; 0 where nobody knows.
	MemoryLimit int64
}

// World is a running development world.
type World struct {
	options  Options
	postgres *pgcluster.Cluster
	mail     *catcher
	group    *errgroup.Group
	stop     context.CancelFunc
	ended    context.Context
}

// Start brings everything up and returns when every region is ready. The world runs
// until ctx ends; Wait then returns when everything has stopped.
func Start(ctx context.Context, o Options) (_ *World, err error) {
	w := &World{options: o}
	if err := os.MkdirAll(o.Data, 0o755); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	w.postgres, err = pgcluster.Start(ctx, pgcluster.Options{Dir: filepath.Join(o.Data, "postgres"), Log: o.Log})
	if err != nil {
		return nil, fmt.Errorf("starting the private Postgres: %w", err)
	}
	ctx, w.stop = context.WithCancel(ctx)
	w.group, w.ended = errgroup.WithContext(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Stop())
		}
	}()
	if err := w.prepare(ctx); err != nil {
		return nil, err
	}
	if w.mail, err = newCatcher(ctx, o.Log); err != nil {
		return nil, err
	}
	w.group.Go(func() error { return w.mail.Run(w.ended) })
	if err := w.startNodes(); err != nil {
		return nil, err
	}
	return w, w.startProxies()
}

// Wait returns when the world has ended, and why if not because it was told to.
func (w *World) Wait() error {
	<-w.ended.Done()
	return w.Stop()
}

// Stop ends the world: first the regions, then Postgres.
func (w *World) Stop() error {
	w.stop()
	err := w.group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return errors.Join(err, w.postgres.Stop(ctx))
}

// prepare migrates and seeds, as an operator would with the commands.
func (w *World) prepare(ctx context.Context) error {
	if err := w.postgres.CreateDatabase(ctx, database); err != nil {
		return err
	}
	if err := sql.Migrate(ctx, w.DatabaseURL(), w.options.Log); err != nil {
		return err
	}
	return seed.Run(ctx, w.DatabaseURL(), seed.Options{Size: w.options.Size, Seed: w.options.Seed, Courses: w.options.Courses, Log: w.options.Seeding})
}

// DatabaseURL is the private Postgres'; it carries a password.
func (w *World) DatabaseURL() string { return w.postgres.URL(database) }

// URL of a region's API.
func (w *World) URL(region int) string { return "http://" + local(w.options.port(region)) }

// MailURL shows the mail that was sent; every region does.
func (w *World) MailURL() string { return w.URL(0) + "/dev/mail" }

// AdminURL of a region.
func (w *World) AdminURL(region int) string { return "http://" + local(w.options.port(1000+region)) }

func (o *Options) port(offset int) int { return o.BasePort + offset }

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func (w *World) startNodes() error {
	key, err := clusterKey(filepath.Join(w.options.Data, "cluster.key"))
	if err != nil {
		return err
	}
	pages, err := newMailPages(w.mail)
	if err != nil {
		return err
	}
	for i, region := range w.options.Regions {
		c, err := config.FromEnv(w.environment(i, key))
		if err != nil {
			return err
		}
		n, err := node.New(w.ended, c, node.Options{
			Log: w.options.Log, Version: w.options.Version,
			Dev: pages, Demo: w.demo(), MemoryLimit: w.options.MemoryLimit,
			Dial: Dialer(w.options.Distance.RoundTrip(region, w.options.Regions[0])),
		})
		if err != nil {
			return err
		}
		w.group.Go(func() error { return n.Run(w.ended) })
		// One after the other: an edge takes its snapshot from a primary that has one.
		if err := w.ready(n); err != nil {
			return err
		}
	}
	return nil
}

// demo is what the first page tells.
func (w *World) demo() *web.Demo {
	d := &web.Demo{Password: seed.Password, Logins: []web.DemoLogin{
		{Email: "user1@example.com", Role: training.Learner, Text: "demo.login.learner"},
		{Email: "manager@example.com", Role: training.Admin, Text: "demo.login.admin"},
		{Email: "manager3@example.com", Role: training.Admin, Text: "demo.login.aggregate"},
		{Email: "manager4@example.com", Role: training.Admin, Text: "demo.login.pseudonymous"},
		{Email: "admin@example.com", Role: training.PlatformAdmin, Text: "demo.login.platform"},
	}}
	for i, region := range w.options.Regions {
		d.Regions = append(d.Regions, web.DemoRegion{Name: region, URL: w.URL(i), Primary: i == 0})
	}
	return d
}

// environment is the process' own, with what makes a region of it on top.
func (w *World) environment(i int, key string) func(string) (string, bool) {
	o := &w.options
	set := map[string]string{
		"OUTPOST_REGION":      o.Regions[i],
		"PRIMARY_REGION":      o.Regions[0],
		"OUTPOST_ADDR":        local(o.port(i)),
		"OUTPOST_ADMIN_ADDR":  local(o.port(1000 + i)),
		"OUTPOST_DATA":        filepath.Join(o.Data, o.Regions[i]),
		"OUTPOST_CLUSTER_KEY": key,
	}
	if i == 0 {
		set["DATABASE_URL"] = w.DatabaseURL()
		set["OUTPOST_HUB_ADDR"] = local(o.port(3000))
		set["OUTPOST_SMTP_URL"] = w.mail.url() // mail to demo users must reach nobody
	} else {
		set["OUTPOST_PRIMARY_URL"] = w.URL(0)
		set["OUTPOST_HUB_URL"] = "nats://" + local(o.port(3000))
	}
	fallback := map[string]string{"OUTPOST_MAIL_FROM": "Outpost <outpost@localhost>", "OUTPOST_PUBLIC_URL": w.URL(0)}
	return func(name string) (string, bool) {
		if v, ok := set[name]; ok {
			return v, true
		}
		if name == "DATABASE_URL" {
			return "", false // dev has its own
		}
		if v, ok := o.Lookup(name); ok && strings.TrimSpace(v) != "" {
			return v, true
		}
		v, ok := fallback[name]
		return v, ok
	}
}

// clusterKey is made once and kept, so that edges of an earlier run fit.
func clusterKey(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("reading the cluster key: %w", err)
	}
	key := rand.Text()
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keeping the cluster key: %w", err)
	}
	return key, nil
}

// A ProxyPort lets a client in one region talk to another, with the distance between.
type ProxyPort struct {
	From, To, URL string
	RoundTrip     time.Duration
}

// Proxies are the ports that stand in for clients; none without distances.
func (w *World) Proxies() []ProxyPort {
	if len(w.options.Distance) == 0 {
		return nil
	}
	var ports []ProxyPort
	for i, from := range w.options.Regions {
		for j, to := range w.options.Regions {
			ports = append(ports, ProxyPort{
				From: from, To: to, URL: "http://" + local(w.options.port(2000+10*i+j)),
				RoundTrip: w.options.Distance.RoundTrip(from, to),
			})
		}
	}
	return ports
}

// startProxies opens, for each pair of regions, the port on which a client in the
// one reaches the other.
func (w *World) startProxies() error {
	if len(w.options.Distance) == 0 {
		return nil
	}
	for i, from := range w.options.Regions {
		for j, to := range w.options.Regions {
			l, err := new(net.ListenConfig).Listen(w.ended, "tcp", local(w.options.port(2000+10*i+j)))
			if err != nil {
				return fmt.Errorf("opening the port of a client in %s that talks to %s: %w", from, to, err)
			}
			target, rtt := local(w.options.port(j)), w.options.Distance.RoundTrip(from, to)
			w.group.Go(func() error { return Proxy(w.ended, l, target, rtt) })
		}
	}
	return nil
}

// ready waits until n is, or a part has failed.
func (w *World) ready(n *node.Node) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n.Ready() != nil {
		select {
		case <-tick.C:
		case <-w.ended.Done():
			return fmt.Errorf("starting the regions: %w", cmp.Or(w.group.Wait(), w.ended.Err()))
		}
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"outpost/bench/harness"
)

// nodes are the processes of one round: a primary, which holds the hub, and edges.
type nodes struct {
	lab     *lab
	primary *node
	edges   []*node
}

// node is one `outpost serve`.
type node struct {
	*harness.Process
	lab   *lab
	dir   string
	api   string
	admin string
	hub   string
	began time.Time // when the process was started
	far   *far      // once its replica is loaded
}

// nodes starts a primary on an empty folder.
func (d *database) nodes() (*nodes, error) {
	n := &nodes{lab: d.lab}
	var err error
	n.primary, err = n.lab.serve("primary", func(p *node) map[string]string {
		return map[string]string{"DATABASE_URL": d.url, "OUTPOST_HUB_ADDR": p.hub}
	})
	return n, err
}

// edge starts an edge on an empty folder.
func (n *nodes) edge() (*node, error) {
	edge, err := n.lab.serve(fmt.Sprintf("edge%d", len(n.edges)+1), func(*node) map[string]string {
		return map[string]string{"OUTPOST_PRIMARY_URL": "http://" + n.primary.api, "OUTPOST_HUB_URL": "nats://" + n.primary.hub}
	})
	if err != nil {
		return nil, err
	}
	n.edges = append(n.edges, edge)
	return edge, nil
}

func (n *nodes) close() error {
	var errs []error
	for _, each := range append(slices.Clone(n.edges), n.primary) {
		errs = append(errs, each.close())
	}
	return errors.Join(errs...)
}

// serve starts a process with the product's own settings, but for its addresses and
// folder. When it ends by itself the whole run has failed.
func (l *lab) serve(name string, more func(*node) map[string]string) (_ *node, err error) {
	n := &node{lab: l, dir: l.path(name)}
	for _, addr := range []*string{&n.api, &n.admin, &n.hub} {
		if *addr, err = l.ports.Free(); err != nil {
			return nil, err
		}
	}
	env := map[string]string{
		"OUTPOST_REGION": name, "PRIMARY_REGION": "primary", "OUTPOST_ADDR": n.api, "OUTPOST_ADMIN_ADDR": n.admin,
		"OUTPOST_DATA": n.dir, "OUTPOST_CLUSTER_KEY": "of the measurement", "LOG_FORMAT": "text",
	}
	maps.Copy(env, more(n))
	var list []string
	for key, value := range env {
		list = append(list, key+"="+value)
	}
	n.began = time.Now()
	n.Process, err = harness.Start(l.fail, name, n.dir+".log", l.folder, list, l.outpost, "serve")
	return n, err
}

// loaded waits until its replica has a row, in a file that appears once it is complete.
func (n *node) loaded(id int64) error {
	path := filepath.Join(n.dir, "replica", "replica.db")
	return wait(n.lab.ctx, 2*time.Millisecond, n.Name+" has its rows", func(ctx context.Context) (bool, error) {
		f, err := openFile(ctx, path)
		if err != nil {
			return false, nil // not yet
		}
		if at, err := f.newest(ctx); err != nil || at < id {
			return false, f.close()
		}
		n.far = f
		return true, nil
	})
}

// logged gives when the node first said something.
func (n *node) logged(message string) (time.Time, error) {
	text, err := os.ReadFile(n.Log)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the log of %s: %w", n.Name, err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, message) {
			continue
		}
		for field := range strings.FieldsSeq(line) {
			if value, ok := strings.CutPrefix(field, "time="); ok {
				return time.Parse(time.RFC3339Nano, value)
			}
		}
	}
	return time.Time{}, fmt.Errorf("%s never logged %q", n.Name, message)
}

// ready waits until it would be given requests.
func (n *node) ready() error {
	return wait(n.lab.ctx, 2*time.Millisecond, n.Name+" is ready", func(ctx context.Context) (bool, error) {
		return n.get(ctx, "/readyz", io.Discard) == nil, nil
	})
}

// get asks its admin port.
func (n *node) get(ctx context.Context, path string, into io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.admin+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s: %w", n.Name, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking %s: %s answered %s", n.Name, path, response.Status)
	}
	_, err = io.Copy(into, response.Body)
	return err
}

// profiled keeps CPU profiles of primary and edge while body runs.
func (n *nodes) profiled(seconds int, body func() error) error {
	group, ctx := errgroup.WithContext(n.lab.ctx)
	for _, each := range []*node{n.primary, n.edges[0]} {
		group.Go(func() error {
			return each.profile(ctx, fmt.Sprintf("profile?seconds=%d", seconds), "cpu")
		})
	}
	group.Go(body)
	return group.Wait()
}

// profile keeps one of its profiles in the folder for them.
func (n *node) profile(ctx context.Context, which, name string) (err error) {
	if err := os.MkdirAll(n.lab.profile, 0o755); err != nil {
		return fmt.Errorf("keeping profiles: %w", err)
	}
	file, err := os.Create(filepath.Join(n.lab.profile, n.Name+"-"+name+".pprof"))
	if err != nil {
		return fmt.Errorf("keeping profiles: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return n.get(ctx, "/debug/pprof/"+which, file)
}

func (n *node) close() error {
	errs := []error{n.End(0)}
	if n.far != nil {
		errs = append(errs, n.far.close())
	}
	return errors.Join(append(errs, os.Remove(n.Log), os.RemoveAll(n.dir))...)
}

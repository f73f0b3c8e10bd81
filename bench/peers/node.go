package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"outpost/bench/harness"
)

// clusterKey is what the nodes of one run share.
const clusterKey = "of the measurement"

// node is one `outpost serve`.
type node struct {
	*harness.Process
	dir   string
	api   string
	admin string
	hub   string
}

// startPrimary starts the primary of a database.
func (l *lab) startPrimary(database string) (*node, error) {
	return l.serve("primary-"+database, func(n *node) map[string]string {
		return map[string]string{"OUTPOST_REGION": "primary", "DATABASE_URL": l.postgres.URL(database), "OUTPOST_HUB_ADDR": n.hub}
	})
}

// startEdge starts an edge that reaches the primary at these addresses, and keeps no answers.
func (l *lab) startEdge(name, api, hub string) (*node, error) {
	return l.serve(name, func(*node) map[string]string {
		return map[string]string{
			"OUTPOST_PRIMARY_URL": "http://" + api, "OUTPOST_HUB_URL": "nats://" + hub, "OUTPOST_CACHE_BYTES": "off",
		}
	})
}

// serve starts a node with the product's own settings, but for its addresses and folder, and
// for the limiter: that is on, at a rate which nobody reaches. It returns when the node is ready.
func (l *lab) serve(name string, more func(*node) map[string]string) (*node, error) {
	n := &node{dir: filepath.Join(l.folder, name)}
	for _, addr := range []*string{&n.api, &n.admin, &n.hub} {
		var err error
		if *addr, err = l.ports.Free(); err != nil {
			return nil, err
		}
	}
	env := map[string]string{
		"OUTPOST_REGION": name, "PRIMARY_REGION": "primary", "OUTPOST_ADDR": n.api, "OUTPOST_ADMIN_ADDR": n.admin,
		"OUTPOST_DATA": n.dir, "OUTPOST_CLUSTER_KEY": clusterKey, "OUTPOST_RATE_LIMIT": "999999/1s+999999",
		"LOG_LEVEL": "warn", // nobody logs each request here
	}
	maps.Copy(env, more(n))
	var list []string
	for key, value := range env {
		list = append(list, key+"="+value)
	}
	var err error
	if n.Process, err = l.start(name, list, l.outpost, "serve"); err != nil {
		return nil, err
	}
	return n, wait(l.ctx, name+" is ready", func(ctx context.Context) (bool, error) {
		return n.get(ctx, "/readyz", func(io.Reader) error { return nil }) == nil, nil
	})
}

// get asks its admin port.
func (n *node) get(ctx context.Context, path string, read func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.admin+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s: %w", n.Name, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking %s: %s answered %s", n.Name, path, response.Status)
	}
	return read(response.Body)
}

// counts are what a node has counted of the route that is measured, from its start on.
type counts struct {
	hits, misses, shared float64            // of the cache; shared: what another's fill has answered
	answers              map[string]float64 // by status
	outdated             map[string]float64 // entries of any route, by the table that changed
}

// counted reads a node's metrics.
func (n *node) counted(ctx context.Context) (counts, error) {
	c := counts{answers: make(map[string]float64), outdated: make(map[string]float64)}
	err := n.get(ctx, "/metrics", func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			name, labels, value, ok := sample(lines.Text())
			switch {
			case !ok:
			case name == "outpost_cache_misses_total":
				c.outdated[labels["tag_table"]] += value
			case labels["endpoint"] != endpoint:
			case name == "http_requests_total":
				c.answers[labels["status"]] += value
			case name == "outpost_cache_requests_total" && labels["result"] == "hit":
				c.hits += value
			case name == "outpost_cache_requests_total" && labels["result"] == "shared":
				c.shared += value
			case name == "outpost_cache_requests_total":
				c.misses += value
			}
		}
		return lines.Err()
	})
	return c, err
}

// sample reads a line such as name{label="value",…} 1.
func sample(line string) (name string, labels map[string]string, value float64, ok bool) {
	name, rest, ok := strings.Cut(line, "{")
	inside, number, ok2 := strings.Cut(rest, "} ")
	if !ok || !ok2 || strings.HasPrefix(line, "#") {
		return "", nil, 0, false
	}
	labels = make(map[string]string)
	for part := range strings.SplitSeq(inside, ",") {
		if key, quoted, found := strings.Cut(part, "="); found {
			labels[key] = strings.Trim(quoted, `"`)
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	return name, labels, value, err == nil
}

// sub is what was counted between two looks.
func (c counts) sub(before counts) counts {
	d := counts{hits: c.hits - before.hits, misses: c.misses - before.misses, shared: c.shared - before.shared}
	d.answers, d.outdated = grown(c.answers, before.answers), grown(c.outdated, before.outdated)
	return d
}

// grown is by how much each count has, where it has.
func grown(now, before map[string]float64) map[string]float64 {
	by := make(map[string]float64)
	for name, n := range now {
		if n -= before[name]; n > 0 {
			by[name] = n
		}
	}
	return by
}

// all is the number of answers.
func (c counts) all() (sum float64) {
	for _, n := range c.answers {
		sum += n
	}
	return sum
}

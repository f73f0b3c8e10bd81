package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/pgcluster"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replicatest/logbuffer"
	"outpost/server/config"
	"outpost/server/node"
	"outpost/sql/seed"
)

// binary is the program under test, built once for all tests.
var binary string

const (
	clusterKey = "the cluster key of the tests"
	password   = "testpassword"
	patience   = 20 * time.Second // for what should take far less
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "outpost-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	binary = filepath.Join(folder, "outpost")
	build := exec.Command("go", "build", "-o", binary, "outpost")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	return pgtest.Run(m)
}

// world is a Postgres with demo data and the nodes around it.
type world struct {
	t        *testing.T
	postgres *pgcluster.Cluster // nil where it is shared
	url      string             // of the database
	data     string
	regions  []string // the first is the primary
	env      map[string]map[string]string
}

// newWorld gives a database of its own in the Postgres that the tests share.
func newWorld(t *testing.T, regions []string) *world {
	t.Helper()
	w := &world{t: t, data: t.TempDir(), regions: regions, env: make(map[string]map[string]string)}
	w.url = pgtest.Prepared(t, fill)
	w.environments()
	return w
}

// newWorldAlone gives it a Postgres of its own, for what can be done to a whole one only.
func newWorldAlone(t *testing.T, regions []string, settings ...string) *world {
	t.Helper()
	w := &world{t: t, postgres: pgtest.Cluster(t, settings...), data: t.TempDir(), regions: regions, env: make(map[string]map[string]string)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.postgres.CreateDatabase(ctx, "outpost"); err != nil {
		t.Fatal(err)
	}
	w.url = w.postgres.URL("outpost")
	if err := fill(ctx, w.url); err != nil {
		t.Fatal(err)
	}
	w.environments()
	return w
}

// fill makes the data model, with the program's own command, and the demo data, as `outpost seed` does but
// for most of what people have learned: no test needs it, and every region of every world would copy it.
func fill(ctx context.Context, url string) error {
	if _, err := output(ctx, url, "migrate"); err != nil {
		return err
	}
	return seed.Run(ctx, url, seed.Options{Size: seed.Small, Courses: 2})
}

func (w *world) environments() {
	hub, primary := freePort(w.t), freePort(w.t)
	for i, region := range w.regions {
		w.env[region] = w.environment(region, i == 0, primary, hub)
	}
}

func (w *world) environment(region string, primary bool, api, hub string) map[string]string {
	env := map[string]string{
		"OUTPOST_REGION": region, "PRIMARY_REGION": w.regions[0],
		"OUTPOST_ADDR": "127.0.0.1:0", "OUTPOST_ADMIN_ADDR": freePort(w.t),
		"OUTPOST_DATA": filepath.Join(w.data, region), "OUTPOST_CLUSTER_KEY": clusterKey,
		"OUTPOST_RATE_LIMIT": "off", "OUTPOST_LOGIN_LIMIT": "off", "OUTPOST_PG_MIN_CONNS": "2",
	}
	if primary {
		env["OUTPOST_ADDR"], env["OUTPOST_HUB_ADDR"], env["DATABASE_URL"] = api, hub, w.url
	} else {
		env["OUTPOST_ADDR"] = freePort(w.t)
		env["OUTPOST_PRIMARY_URL"], env["OUTPOST_HUB_URL"] = "http://"+api, "nats://"+hub
	}
	return env
}

// add makes room for another edge.
func (w *world) add(region string) {
	first := w.env[w.regions[0]]
	w.env[region] = w.environment(region, false, first["OUTPOST_ADDR"], first["OUTPOST_HUB_ADDR"])
	w.regions = append(w.regions, region)
}

func (w *world) api(region string) string { return "http://" + w.env[region]["OUTPOST_ADDR"] }

// command runs one of the program's short commands.
func (w *world) command(t *testing.T, args ...string) string {
	t.Helper()
	out, err := output(t.Context(), w.url, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func output(ctx context.Context, url string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("outpost %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// process is one `outpost serve`.
type process struct {
	t      *testing.T
	region string
	world  *world
	cmd    *exec.Cmd
	log    *logbuffer.Buffer
	ended  chan struct{}
}

// serve starts a region as a process of its own and waits until it is ready.
func (w *world) serve(region string) *process {
	w.t.Helper()
	p := &process{t: w.t, region: region, world: w, log: new(logbuffer.Buffer)}
	p.start()
	w.t.Cleanup(func() {
		p.kill()
		if w.t.Failed() {
			w.t.Logf("the log of %s:\n%s", region, p.log)
		}
	})
	p.ready()
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(binary, "serve")
	p.cmd.Env = slices.Concat(os.Environ(), pairs(p.world.env[p.region]), []string{"LOG_FORMAT=text"})
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	p.ended = ended
	go func() {
		_ = p.cmd.Wait() // a killed process has an error, and ended is what tests ask
		close(ended)
	}()
}

// kill is kill -9. It returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it is gone already when this fails
	<-p.ended
}

func (p *process) ready() {
	p.t.Helper()
	url := p.world.api(p.region) + "/readyz"
	eventually(p.t, "region "+p.region+" is ready", func() error {
		select {
		case <-p.ended:
			p.t.Fatalf("region %s ended:\n%s", p.region, p.log)
		default:
		}
		return expectStatus(url, http.StatusOK)
	})
}

// startInside starts all regions in this process, so that a test can bend them.
func (w *world) startInside(options func(region string, o *node.Options)) {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	w.t.Cleanup(func() {
		stop()
		running.Wait()
	})
	for _, region := range w.regions {
		c, err := config.FromEnv(func(name string) (string, bool) {
			v, ok := w.env[region][name]
			return v, ok
		})
		if err != nil {
			w.t.Fatal(err)
		}
		o := node.Options{Log: slog.New(slog.NewTextHandler(testWriter{w.t}, &slog.HandlerOptions{Level: slog.LevelWarn}))}
		if options != nil {
			options(region, &o)
		}
		n, err := node.New(ctx, c, o)
		if err != nil {
			w.t.Fatal(err)
		}
		running.Go(func() {
			if err := n.Run(ctx); err != nil {
				w.t.Errorf("region %s: %v", region, err)
			}
		})
	}
	for _, region := range w.regions {
		eventually(w.t, "region "+region+" is ready", func() error {
			return expectStatus(w.api(region)+"/readyz", http.StatusOK)
		})
	}
}

// client speaks to the regions as one person.
type client struct {
	t     *testing.T
	http  *http.Client
	token string
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) position() string { return a.header.Get("Outpost-Position") }

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

func (w *world) login(region, email string) *client {
	w.t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	w.t.Cleanup(transport.CloseIdleConnections)
	c := &client{t: w.t, http: &http.Client{Timeout: patience, Transport: transport}}
	a := c.must(http.StatusOK, http.MethodPost, w.api(region)+"/api/v1/auth/login", map[string]string{"email": email, "password": password})
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	a.into(w.t, &tokens)
	c.token = tokens.AccessToken
	return c
}

// try asks and gives the transport's error: the server may be dead.
func (c *client) try(method, url string, body any, headers ...string) (answer, error) {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, url, reader)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	response, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, b}, err
}

func (c *client) must(status int, method, url string, body any, headers ...string) answer {
	c.t.Helper()
	a, err := c.try(method, url, body, headers...)
	if err != nil {
		c.t.Fatal(err)
	}
	if a.status != status {
		c.t.Fatalf("%s %s answered %d, want %d: %s", method, url, a.status, status, a.body)
	}
	return a
}

func (c *client) get(url string, headers ...string) answer {
	c.t.Helper()
	return c.must(http.StatusOK, http.MethodGet, url, nil, headers...)
}

func expectStatus(url string, want int) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		b, _ := io.ReadAll(response.Body) // only to explain
		return fmt.Errorf("%s answered %d: %s", url, response.StatusCode, b)
	}
	return nil
}

// eventually waits for a condition, and fails with its last error.
func eventually(t *testing.T, what string, condition func() error) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var err error
	for {
		select {
		case <-tick.C:
			if err = condition(); err == nil {
				return
			}
		case <-deadline:
			t.Fatalf("within %v it was not so that %s: %v", patience, what, err)
		}
	}
}

// freePort gives an address that nothing listens on now. It lies below the range from
// which outgoing connections take theirs, so that a region finds its port free again
// after it was killed, and no two calls give the same.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+(ports.Add(1)%20_000))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue // somebody else has it
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
}

// ports counts what freePort has given, from a start that differs between processes.
var ports = func() *atomic.Uint32 {
	var n atomic.Uint32
	n.Store(uint32(os.Getpid()) * 97)
	return &n
}()

func pairs(env map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

package hub

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/follow"
	"outpost/replicate/replicatest/logbuffer"
	"outpost/replicate/stream"
)

// childVariable makes this binary a hub or an edge, which a test may kill and measure.
const childVariable = "HUB_TEST_CHILD"

type childOptions struct {
	Dir string
	// A hub's: the database, and if not as usual the NATS it uses, and after what another hub
	// is taken for gone.
	URL, NATS string
	Silence   time.Duration
	// An edge's: where the hub is.
	Stream, Snapshots string
}

// child runs until its input ends, which it does with the test.
func child(options string) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // however it ends
		cancel()
	}()
	var o childOptions
	err := json.Unmarshal([]byte(options), &o)
	switch {
	case err != nil:
	case o.URL != "":
		err = childHub(ctx, o, log)
	default:
		err = childEdge(ctx, o, log)
	}
	if err != nil {
		log.Error("the child failed", "error", err)
		return 1
	}
	return 0
}

func childHub(ctx context.Context, o childOptions, log *slog.Logger) (err error) {
	p, err := newParts(ctx, partsOptions{url: o.URL, dir: o.Dir, external: o.NATS}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	p.hub.between = func(int) time.Duration { return 0 }
	if o.Silence != 0 {
		p.hub.silence = o.Silence
	}
	if p.server == nil {
		return p.hub.Run(ctx)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveSnapshot(p.hub, w, r) })}
	go func() { _ = server.Serve(listener) }() // until it is closed
	defer server.Close()
	fmt.Println(p.server.Addr(), listener.Addr())
	return p.hub.Run(ctx)
}

func childEdge(ctx context.Context, o childOptions, log *slog.Logger) (err error) {
	conn, err := stream.Connect(stream.ConnOptions{URL: "nats://" + o.Stream, ClusterKey: key, Zone: stream.All, Log: log})
	if err != nil {
		return err
	}
	defer conn.Close()
	r, err := openReplica(ctx, filepath.Join(o.Dir, "edge"), log, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	edge := follow.NewEdge(r, conn, &follow.Snapshots{
		URL: "http://" + o.Snapshots, Client: &http.Client{Transport: new(http.Transport)}, Sign: from("edge"), RefusedHeader: refusedHeader,
		Dir: filepath.Join(o.Dir, "edge"), Silence: 5 * time.Second,
	}, log)
	return edge.Run(ctx)
}

// process is a child.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	log   *logbuffer.Buffer
	told  int // how much of the log was looked at
	input io.Closer
	ended chan struct{}
	said  chan string // a hub's addresses, once it listens
}

// spawn starts a child of a test binary, which ends with the test at the latest.
func spawn(t *testing.T, binary string, o childOptions, env ...string) *process {
	t.Helper()
	options, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(binary), log: new(logbuffer.Buffer), ended: make(chan struct{}), said: make(chan string, 1)}
	p.cmd.Env = append(append(os.Environ(), childVariable+"="+string(options)), env...)
	p.cmd.Stderr = p.log
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			select {
			case p.said <- lines.Text():
			default: // nobody waits for more
			}
		}
		_ = p.cmd.Wait() // a killed process has an error
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// kill is kill -9. It returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it is gone already when this fails
	<-p.ended
}

// over says that it is gone.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// peak is the most that was ever resident of the process, in bytes.
func (p *process) peak() int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(string(text))
	if found == nil {
		p.t.Fatalf("there is no VmHWM in %s", text)
	}
	kilobytes, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return kilobytes << 10
}

// cluster is a hub and an edge, each a process of its own, with ways between them that
// stay while they end and come back.
type cluster struct {
	f                 *fixture
	binary            string
	env               []string
	hub, edge         *process
	stream, snapshots *proxy
	leading           atomic.Pointer[process] // the hub that may say where it is
}

func newCluster(f *fixture) *cluster {
	f.t.Helper()
	c := &cluster{f: f, binary: os.Args[0], stream: newProxy(f.t), snapshots: newProxy(f.t)}
	f.t.Cleanup(func() {
		if f.t.Failed() {
			f.t.Logf("the last hub:\n%s\nthe last edge:\n%s", c.hub.log, c.edge.log)
		}
	})
	return c
}

func (c *cluster) startHub() {
	c.f.t.Helper()
	c.stream.lead("")
	c.snapshots.lead("")
	c.hub = spawn(c.f.t, c.binary, childOptions{Dir: c.f.dir, URL: c.f.url}, c.env...)
	c.leading.Store(c.hub)
	go func(p *process) {
		select {
		case line := <-p.said:
			if c.leading.Load() != p {
				return
			}
			stream, snapshots, _ := strings.Cut(line, " ")
			c.stream.lead(stream)
			c.snapshots.lead(snapshots)
		case <-p.ended:
		}
	}(c.hub)
}

func (c *cluster) startEdge() {
	c.f.t.Helper()
	c.edge = spawn(c.f.t, c.binary, childOptions{Dir: c.f.dir, Stream: c.stream.addr(), Snapshots: c.snapshots.addr()}, c.env...)
}

func (c *cluster) file(region string) string { return filepath.Join(c.f.dir, region, "replica.db") }

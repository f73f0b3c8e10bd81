package web_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/replicate/replicatest/logbuffer"
	"outpost/server/dev"
	"outpost/sql/seed"
)

const patience = time.Minute // for what should take far less, on a machine that has other things to do

// screenshots makes of this a program that takes pictures of the pages instead of testing them.
var screenshots = flag.String("screenshots", "", "take pictures of all pages into this folder, and test nothing")

// world is what all tests share: the regions, and one browser in which each test has cookies of its own.
type world struct {
	regions *dev.World
	log     logbuffer.Buffer
	browser context.Context
}

var shared world

// primary and edge are the regions' addresses.
func (w *world) primary() string { return w.regions.URL(0) }
func (w *world) edge() string    { return w.regions.URL(1) }

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run starts the world, tests it or takes pictures of it, and leaves nothing behind.
func run(m *testing.M) (code int, err error) {
	folder, err := os.MkdirTemp("", "outpost-web-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	ctx := context.Background()
	if shared.regions, err = startRegions(ctx, folder, &shared.log); err != nil {
		return 1, fmt.Errorf("starting the regions: %w\n%s", err, &shared.log)
	}
	defer func() { err = errors.Join(err, shared.regions.Stop()) }()
	var end func() error
	if shared.browser, end, err = startBrowser(ctx, filepath.Join(folder, "browser")); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if *screenshots != "" {
		return 0, takePictures(*screenshots)
	}
	code = m.Run()
	if said := shared.log.String(); code != 0 || strings.Contains(said, "level=ERROR") {
		return max(code, 1), fmt.Errorf("the regions' log:\n%s", said)
	}
	return code, nil
}

// startRegions starts a primary and an edge on the demo data without most of what people have learned.
func startRegions(ctx context.Context, folder string, log *logbuffer.Buffer) (*dev.World, error) {
	return dev.Start(ctx, dev.Options{
		Regions: []string{"fra", "iad"}, BasePort: freePorts(), Data: filepath.Join(folder, "regions"), Size: seed.Small, Courses: 2,
		Lookup: func(name string) (string, bool) {
			v, ok := map[string]string{"OUTPOST_RATE_LIMIT": "off", "OUTPOST_LOGIN_LIMIT": "off", "OUTPOST_PG_MIN_CONNS": "2"}[name]
			return v, ok
		},
		Version: "test", Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})), Seeding: slog.New(slog.DiscardHandler),
	})
}

// freePorts gives a port with which those that the regions take are free. They lie below what other
// packages' tests and outgoing connections take.
func freePorts() int {
	for {
		base := 4_000 + rand.IntN(2_500)
		if free(base) && free(base+1) && free(base+1000) && free(base+1001) && free(base+3000) {
			return base
		}
	}
}

func free(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	return err == nil && l.Close() == nil
}

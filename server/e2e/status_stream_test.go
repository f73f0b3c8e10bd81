package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soon is within what time a region's clients see what happened to another.
const soon = 2 * time.Second

// shown is what a status says of a region.
type shown struct {
	Region, State, Reason string
	Ready                 bool
	StartedAt             time.Time `json:"started_at"`
}

// sighting is one region in one event.
type sighting struct {
	shown
	at time.Time // when the event came
}

// sightings are what a region's stream says of another, from now until the test ends.
func (w *world) sightings(t *testing.T, region, other string) <-chan sighting {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.api(region)+"/api/v1/status/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request) //nolint:bodyclose // the goroutine below closes it
	if err != nil {
		t.Fatal(err)
	}
	list, done := make(chan sighting, 1024), make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-done
	})
	go func() {
		defer close(done)
		defer close(list)
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			var world struct{ Regions []shown }
			if err := json.Unmarshal([]byte(data), &world); err != nil {
				t.Errorf("%v in %s", err, data)
				return
			}
			for _, r := range world.Regions {
				if r.Region == other {
					list <- sighting{r, time.Now()}
				}
			}
		}
	}()
	return list
}

// await waits until a stream shows a state, and says when it did.
func await(t *testing.T, list <-chan sighting, what string, want func(sighting) bool) sighting {
	t.Helper()
	deadline := time.After(patience)
	var last sighting
	for {
		select {
		case s, ok := <-list:
			if !ok {
				t.Fatalf("the stream ended before it showed %s; last was %+v", what, last)
			}
			if last = s; want(s) {
				return s
			}
		case <-deadline:
			t.Fatalf("the stream did not show %s; last was %+v", what, last)
		}
	}
}

func is(state string) func(sighting) bool { return func(s sighting) bool { return s.State == state } }

// TestEveryRegionSeesWhatHappensToAnother watches from the primary and from an edge while another edge is killed,
// stopped in order and paused, and comes back each time.
func TestEveryRegionSeesWhatHappensToAnother(t *testing.T) {
	w := newWorld(t, []string{"fra", "iad", "syd"})
	fra := w.serve("fra")
	w.serve("iad")
	syd := w.serve("syd")
	streams := map[string]<-chan sighting{}
	for _, region := range []string{"fra", "iad"} {
		streams[region] = w.sightings(t, region, "syd")
	}
	all := func(what string, since time.Time, want func(sighting) bool) {
		t.Helper()
		for region, list := range streams {
			if s := await(t, list, what, want); s.at.Sub(since) > soon {
				t.Errorf("%s showed %s after %v", region, what, s.at.Sub(since))
			} else {
				t.Logf("%s showed %s after %v", region, what, s.at.Sub(since))
			}
		}
	}
	all("a region that is ready", time.Now(), is("ready"))

	killed := time.Now()
	syd.kill()
	all("that it was killed", killed, is("silent"))
	syd.start()
	syd.ready()
	all("that it is back", time.Now(), func(s sighting) bool { return s.State == "ready" && s.StartedAt.After(killed) })

	paused := time.Now()
	signal(t, syd, syscall.SIGSTOP)
	all("that it is paused", paused, is("silent"))
	signal(t, syd, syscall.SIGCONT)
	all("that it goes on", time.Now(), is("ready"))
	// Which blames nobody for its pause: what it shows first is of those who were there all the time.
	for _, r := range w.shows(t, "syd") {
		if r.State != "ready" {
			t.Errorf("after its pause syd shows %+v", r)
		}
	}

	stopped := time.Now()
	signal(t, syd, syscall.SIGTERM)
	all("that it was stopped", stopped, is("stopped"))
	<-syd.ended
	if code := syd.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it ended with %d", code)
	}

	// The primary has the hub, and its goodbye is heard nevertheless.
	toFra := w.sightings(t, "iad", "fra")
	await(t, toFra, "the primary", is("ready"))
	stopped = time.Now()
	signal(t, fra, syscall.SIGTERM)
	if s := await(t, toFra, "that the primary was stopped", is("stopped")); s.at.Sub(stopped) > soon {
		t.Errorf("iad showed that the primary was stopped after %v", s.at.Sub(stopped))
	}
}

func signal(t *testing.T, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// shows are the regions as one knows them.
func (w *world) shows(t *testing.T, region string) []shown {
	t.Helper()
	var world struct{ Regions []shown }
	(&client{t: t, http: http.DefaultClient}).get(w.api(region)+"/api/v1/status").into(t, &world)
	return world.Regions
}

// TestAStopEndsStreamsAtOnce stops a region that has clients.
func TestAStopEndsStreamsAtOnce(t *testing.T) {
	w := newWorld(t, []string{"fra"})
	fra := w.serve("fra")
	streams := []<-chan sighting{w.sightings(t, "fra", "fra"), w.sightings(t, "fra", "fra")}
	for _, list := range streams {
		await(t, list, "itself", is("ready"))
	}
	began := time.Now()
	signal(t, fra, syscall.SIGTERM)
	for _, list := range streams {
		for range list { // until it ends
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("a stream ended after %v", took)
		}
	}
	<-fra.ended
	if code := fra.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}

package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/follow"
	"outpost/replicate/replica"
)

// incompressible makes courses whose snapshot is about as large as they are.
func (f *fixture) incompressible(from, to int) {
	f.t.Helper()
	f.exec(`INSERT INTO course SELECT i, md5(i::text), (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 50) j)
		FROM generate_series($1::int, $2::int) i`, from, to)
}

// given waits until there is a snapshot to give, which is an instant after the replica.
func (f *fixture) given() *Download {
	f.t.Helper()
	var d *Download
	f.eventually("there is a snapshot to give", func() (err error) {
		d, err = f.hub.OpenSnapshot(f.t.Context(), "somewhere", "")
		return err
	})
	f.t.Cleanup(func() { _ = d.Close() }) // the hub may have ended it
	return d
}

// edgeBehind downloads by way of what wrap puts before the n-th answer, into a replica of its
// own.
func (f *fixture) edgeBehind(wrap func(n int, w http.ResponseWriter, r *http.Request) http.ResponseWriter) (*follow.Snapshots, *replica.Replica) {
	f.t.Helper()
	var answers atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.serveSnapshot(wrap(int(answers.Add(1)), w, r), r)
	}))
	f.t.Cleanup(server.Close)
	r := f.open("download", nil)
	f.t.Cleanup(func() {
		if err := r.Close(); err != nil {
			f.t.Error(err)
		}
	})
	return &follow.Snapshots{
		URL: server.URL, Client: server.Client(), Sign: from("download"), RefusedHeader: refusedHeader,
		Dir: filepath.Join(f.dir, "download"), Silence: 2 * time.Second,
	}, r
}

// left says what a download has left in its folder.
func (f *fixture) left() []string {
	f.t.Helper()
	rest, err := filepath.Glob(filepath.Join(f.dir, "download", "snapshot*"))
	if err != nil {
		f.t.Fatal(err)
	}
	return rest
}

// TestASnapshotCutAtRandomBytesArrives breaks a download off again and again, sometimes
// before its first byte. Each part arrives once.
func TestASnapshotCutAtRandomBytesArrives(t *testing.T) {
	f := newFixture(t)
	f.incompressible(101, 800)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	size := f.given().Snapshot.Size
	random := rand.New(rand.NewPCG(1, 2))
	var sent atomic.Int64
	left := make([]int, 1000)
	for i := range left {
		left[i] = random.IntN(int(size) / 10)
	}
	s, r := f.edgeBehind(func(n int, w http.ResponseWriter, _ *http.Request) http.ResponseWriter {
		return &breaksOff{ResponseWriter: w, left: left[n], sent: &sent}
	})
	cuts := 0
	for ; s.Install(t.Context(), r) != nil; cuts++ {
		if cuts == len(left)-1 {
			t.Fatal("the download does not end")
		}
	}
	if cuts < 10 {
		t.Errorf("it was cut only %d times", cuts)
	}
	if n := sent.Load(); n > size*11/10 {
		t.Errorf("%d bytes were sent of a snapshot of %d", n, size)
	}
	f.reaches(r, "the installed snapshot")
	if rest := f.left(); len(rest) > 0 {
		t.Errorf("left behind: %v", rest)
	}
}

// TestADamagedSnapshotIsRefusedAndTakenAgain flips a bit on the way, then in the hub's own
// file: the first is sent again, for the second another is made.
func TestADamagedSnapshotIsRefusedAndTakenAgain(t *testing.T) {
	f := newFixture(t)
	f.incompressible(101, 500)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	first := f.given().Snapshot
	s, r := f.edgeBehind(func(n int, w http.ResponseWriter, _ *http.Request) http.ResponseWriter {
		if n == 1 {
			return &flips{ResponseWriter: w, at: first.Size / 2}
		}
		return w
	})
	refused := func(when string) {
		t.Helper()
		if err := s.Install(t.Context(), r); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Fatalf("%s: it gave %v", when, err)
		}
		if left := f.left(); len(left) > 0 {
			t.Errorf("%s: something of it was kept: %v", when, left)
		}
	}
	install := func() {
		t.Helper()
		if err := s.Install(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		f.reaches(r, "the installed snapshot")
	}
	refused("a bit was flipped on the way")
	install()
	if second := f.given().Snapshot; second != first {
		t.Error("the hub made another, and the one it had was sound")
	}
	packed, err := os.ReadFile(first.path)
	if err != nil {
		t.Fatal(err)
	}
	packed[len(packed)/2] ^= 1
	if err := os.WriteFile(first.path, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a bit was flipped in the hub's file")
	// As if it were a while ago that it was looked at.
	f.hub.snapshots.checking.Lock()
	f.hub.snapshots.checked = time.Time{}
	f.hub.snapshots.checking.Unlock()
	install()
	if second := f.given().Snapshot; second == first {
		t.Error("the hub goes on giving the damaged one")
	}
}

// TestASnapshotThatIsGoneIsMadeAgain removes the hub's file, and cuts it short.
func TestASnapshotThatIsGoneIsMadeAgain(t *testing.T) {
	f := newFixture(t)
	f.incompressible(101, 500)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	for what, spoil := range map[string]func(string) error{
		"gone": os.Remove,
		"cut":  func(path string) error { return os.Truncate(path, 1000) },
	} {
		before := f.given().Snapshot
		if err := spoil(before.path); err != nil {
			t.Fatal(err)
		}
		if after := f.given().Snapshot; after == before {
			t.Errorf("one that is %s is given", what)
		}
	}
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "an edge")
}

// TestASilentPrimaryDoesNotHoldADownload stops sending in the middle: the edge gives up
// and resumes.
func TestASilentPrimaryDoesNotHoldADownload(t *testing.T) {
	f := newFixture(t)
	f.incompressible(101, 500)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	size := f.given().Snapshot.Size
	release := make(chan struct{})
	var resumed atomic.Bool
	s, r := f.edgeBehind(func(n int, w http.ResponseWriter, r *http.Request) http.ResponseWriter {
		switch n {
		case 1: // not even a header
			<-release
		case 2:
			return &falls{ResponseWriter: w, left: int(size) / 2, silent: release}
		case 3:
			resumed.Store(r.Header.Get("Range") != "")
		}
		return w
	})
	defer close(release)
	s.Silence = 300 * time.Millisecond
	for range 2 {
		began := time.Now()
		if err := s.Install(t.Context(), r); err == nil || !strings.Contains(err.Error(), "silent") {
			t.Fatalf("it gave %v", err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it gave up after %v", took)
		}
	}
	if err := s.Install(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if !resumed.Load() {
		t.Error("it began anew")
	}
	f.reaches(r, "the installed snapshot")
}

// TestWhoLeavesDoesNotEndTheMaking asks for a snapshot and goes away; and where none can
// be made, the one before is given.
func TestWhoLeavesDoesNotEndTheMaking(t *testing.T) {
	f := newFixture(t)
	f.incompressible(101, 300)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	first := f.given().Snapshot
	s := &f.hub.snapshots
	age := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.newest.made = time.Now().Add(-2 * snapshotAge)
	}
	age()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.hub.OpenSnapshot(gone, "syd", ""); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("who left got %v", err)
	}
	f.eventually("another is made all the same", func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.newest == first {
			return errors.New("it is the first still")
		}
		return nil
	})

	second := f.given().Snapshot
	// SQLite cannot write there.
	if err := os.MkdirAll(filepath.Join(f.dir, "hub", "snapshot.db", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	age()
	for range 20 {
		if d := f.given(); d.Snapshot != second {
			t.Error("another was given")
		}
	}
	if n := strings.Count(f.logged.String(), "making a snapshot failed"); n != 1 {
		t.Errorf("it was tried, and said, %d times", n)
	}
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "an edge")
}

// TestAGenerationThatBeginsEndsDownloads drops the slot while an edge downloads. What it
// has of the old snapshot is worth nothing, and the new one is there already.
func TestAGenerationThatBeginsEndsDownloads(t *testing.T) {
	f := newFixture(t)
	f.watch = 100 * time.Millisecond
	f.incompressible(101, 500)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation, size := f.generation(), f.given().Snapshot.Size
	halfway, release := make(chan struct{}), make(chan struct{})
	s, r := f.edgeBehind(func(n int, w http.ResponseWriter, _ *http.Request) http.ResponseWriter {
		if n == 1 {
			return &falls{ResponseWriter: w, left: int(size) / 2, silent: release, fallen: halfway}
		}
		return w
	})
	s.Silence = time.Minute
	ended := make(chan error, 1)
	go func() { ended <- s.Install(t.Context(), r) }()
	<-halfway
	f.exec("ALTER TABLE course ALTER title TYPE text USING upper(title)")
	f.eventually("a new generation begins", func() error {
		if g := f.generation(); g <= generation {
			return fmt.Errorf("it is %d, it was %d", g, generation)
		}
		return nil
	})
	close(release)
	if err := <-ended; err == nil {
		t.Fatal("the old snapshot was installed")
	}
	f.eventually("the new one is made without being asked for", func() error {
		f.hub.snapshots.mu.Lock()
		defer f.hub.snapshots.mu.Unlock()
		if n := f.hub.snapshots.usable(); n == nil {
			return errors.New("there is none")
		}
		return nil
	})
	if err := s.Install(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if g := r.State().Position.Generation; g != f.generation() {
		t.Errorf("installed was generation %d", g)
	}
	f.reaches(r, "the installed snapshot")
}

// TestADownloadHoldsTheStreamWithinItsBound keeps a download open while the stream is
// trimmed: below nine tenths of the bound what follows it stays, and for a while after its
// end. Above, it is ended.
func TestADownloadHoldsTheStreamWithinItsBound(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	open := f.given()
	// What cannot be packed, so that the marks of an idle hub weigh nothing beside it, and of another
	// length each time, which is how the last one is known.
	for i := range 40 {
		f.exec("UPDATE course SET body = (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, $1)) WHERE id = 1", 1000+i)
	}
	f.reaches(f.replica, "the primary's replica")
	log, err := f.hub.Conn.OpenLog(t.Context(), DefaultStreamBytes)
	if err != nil {
		t.Fatal(err)
	}
	s := &f.hub.snapshots
	first := func() uint64 {
		t.Helper()
		s.mu.Lock()
		if s.newest != nil {
			s.newest.made = time.Now().Add(-2 * snapshotAge)
		}
		s.mu.Unlock()
		if err := f.hub.trim(t.Context(), log); err != nil {
			t.Fatal(err)
		}
		b, err := log.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return b.First
	}
	bounds, err := log.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := open.Snapshot.State.Seq + 1
	f.hub.StreamBytes = int64(bounds.Bytes) * 10 / 7
	if n := first(); n > next {
		t.Errorf("the stream begins at %d, a download will need %d", n, next)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	if n := first(); n > next {
		t.Errorf("the stream begins at %d, an edge that has downloaded needs %d", n, next)
	}
	if _, err := s.download(open.Snapshot, "somewhere"); err == nil {
		t.Fatal("a snapshot that was replaced is still there")
	}
	// Whoever has it open goes on having it.
	again := &Download{File: f.given().File, Snapshot: open.Snapshot, region: "trickle", all: s}
	s.mu.Lock()
	s.downloads = append(s.downloads, again)
	s.mu.Unlock()
	f.hub.StreamBytes = int64(bounds.Bytes)
	if n := first(); n <= next {
		t.Errorf("the stream begins at %d: a download holds it beyond its bound", n)
	}
	if _, err := again.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a download whose tail is gone goes on: %v", err)
	}
}

// TestOneRegionRunsFewDownloads is an edge that asks and asks.
func TestOneRegionRunsFewDownloads(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	other := f.given()
	var all []*Download
	for range 50 {
		d, err := f.hub.OpenSnapshot(t.Context(), "syd", "")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	running := 0
	for i, d := range all {
		_, err := d.Read(make([]byte, 1))
		if err == nil {
			running++
		}
		if ended := i < len(all)-regionDownloads; ended != errors.Is(err, os.ErrClosed) {
			t.Errorf("download %d: %v", i, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if running != regionDownloads {
		t.Errorf("%d run", running)
	}
	if _, err := other.Read(make([]byte, 1)); err != nil {
		t.Errorf("that of another region: %v", err)
	}
}

// flips changes one bit of what is sent.
type flips struct {
	http.ResponseWriter
	at int64
}

func (f *flips) Write(p []byte) (int, error) {
	if f.at >= 0 && f.at < int64(len(p)) {
		p = append([]byte(nil), p...)
		p[f.at] ^= 1
	}
	f.at -= int64(len(p))
	return f.ResponseWriter.Write(p)
}

func (f *flips) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{f}, r) }

// falls sends so many bytes and then nothing until it may.
type falls struct {
	http.ResponseWriter
	left   int
	silent <-chan struct{}
	fallen chan struct{} // closed then; may be nil
	once   sync.Once
}

func (f *falls) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		f.once.Do(func() {
			f.ResponseWriter.(http.Flusher).Flush()
			if f.fallen != nil {
				close(f.fallen)
			}
		})
		<-f.silent
	}
	return f.ResponseWriter.Write(p)
}

func (f *falls) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{f}, r) }

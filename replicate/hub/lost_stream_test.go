package hub

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/replica"
)

// damage is one way in which a stream is lost or damaged, and how that ends.
type damage struct {
	name string
	do   func(f *fixture)
	anew bool // by a new generation; else without
	long bool // only in a long round
}

// TestADamagedStreamIsNoticed damages the folder of the stream while the hub is away, with
// messages in it that an edge still needs. Whatever is done to it, replicas end equal to
// Postgres; where the primary's own replica and the end of the stream are whole, without
// another copy.
func TestADamagedStreamIsNoticed(t *testing.T) {
	for _, c := range chosen([]damage{
		{name: "a byte short", do: func(f *fixture) { f.cutBlock(1) }, anew: true},
		{name: "cut inside the last message", do: func(f *fixture) { f.cutBlock(50) }, anew: true, long: true},
		{name: "cut inside an older message", do: func(f *fixture) { f.cutBlock(5_000) }, anew: true, long: true},
		{name: "cut to nothing", do: func(f *fixture) { f.cutBlock(1 << 30) }, anew: true, long: true},
		{name: "cut, and no index", do: func(f *fixture) { f.cutBlock(600); f.removeOf("index.db") }, anew: true, long: true},
		{name: "a bit of the last message", do: func(f *fixture) { f.flip(50) }, anew: true},
		{name: "a bit of the last message, and no index", do: func(f *fixture) { f.flip(50); f.removeOf("index.db") }, anew: true, long: true},
		{name: "a bit of the last checksum", do: func(f *fixture) { f.flip(1) }, anew: true, long: true},
		{name: "a bit in the middle", do: func(f *fixture) { f.flip(5_000) }},
		{name: "a bit in the middle, and no index", do: func(f *fixture) { f.flip(5_000); f.removeOf("index.db") }, anew: true, long: true},
		{name: "no index", do: func(f *fixture) { f.removeOf("index.db") }},
		{name: "a rubbish index", do: func(f *fixture) { f.rubbish("index.db") }, long: true},
		{name: "no description", do: func(f *fixture) { f.removeOf("meta.inf") }, long: true},
		{name: "a rubbish description", do: func(f *fixture) { f.rubbish("meta.inf") }, long: true},
		{name: "an empty description", do: func(f *fixture) { f.overwrite("meta.inf", nil) }, long: true},
		{name: "a rubbish checksum of the description", do: func(f *fixture) { f.rubbish("meta.sum") }, long: true},
		{name: "no block", do: func(f *fixture) { f.removeOf("*.blk") }, anew: true, long: true},
	}) {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.start()
			f.reaches(f.replica, "the primary's replica")
			edge, stopEdge := f.edge("syd", nil)
			f.reaches(edge, "the edge")
			stopEdge()
			f.messages(10)
			generation := f.generation()
			f.stop()
			c.do(f)
			f.start()
			edge, _ = f.edge("syd", nil)
			f.ended(edge, generation, c.anew)
		})
	}
}

// TestAStreamIsLostWhileItRuns takes the stream away beneath a hub and an edge that run,
// while another edge is behind.
func TestAStreamIsLostWhileItRuns(t *testing.T) {
	for _, c := range chosen([]damage{
		{name: "purged", do: func(f *fixture) { f.purge() }},
		{name: "its folder", do: func(f *fixture) { f.remove("stream") }, anew: true},
		{name: "its messages", do: func(f *fixture) { f.removeAll("msgs") }, anew: true, long: true},
		{name: "its blocks", do: func(f *fixture) { f.removeOf("*.blk") }, anew: true, long: true},
		{name: "an older copy in its place", do: func(f *fixture) {
			f.remove("stream")
			f.copy(filepath.Join(f.dir, "older"), filepath.Join(f.dir, "stream"))
		}, anew: true, long: true},
	}) {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.start()
			f.reaches(f.replica, "the primary's replica")
			edge, _ := f.edge("syd", nil)
			f.reaches(edge, "the edge")
			behind, stop := f.edge("fra", nil)
			f.reaches(behind, "the edge that is to fall behind")
			stop()
			f.copy(filepath.Join(f.dir, "stream"), filepath.Join(f.dir, "older"))
			f.messages(10)
			f.reaches(edge, "the edge")
			generation := f.generation()
			c.do(f)
			if c.anew { // else nothing is to be noticed
				f.eventually("a new generation begins", func() error {
					if f.generation() == generation {
						return errors.New("it is the same")
					}
					return nil
				})
			}
			behind, _ = f.edge("fra", nil)
			f.ended(edge, generation, c.anew)
			f.reaches(behind, "the edge that was behind")
		})
	}
}

// TestAnOlderCopyOfTheStreamIsNoticed puts a copy from earlier in the place of the stream,
// alone and with the primary's replica of that time, as a volume that was set back.
func TestAnOlderCopyOfTheStreamIsNoticed(t *testing.T) {
	for _, c := range []struct {
		name    string
		folders []string
		reason  string
	}{
		{"the stream", []string{"stream"}, "the stream ends at message"},
		{"everything", []string{"stream", "primary", "hub"}, "the slot was confirmed up to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.start()
			edge, stopEdge := f.edge("syd", nil)
			f.reaches(edge, "the edge")
			f.reaches(f.replica, "the primary's replica")
			stopEdge()
			f.stop()
			for _, name := range c.folders {
				f.copy(filepath.Join(f.dir, name), filepath.Join(f.dir, "older", name))
			}
			f.start()
			f.messages(10)
			edge, stopEdge = f.edge("syd", nil)
			f.reaches(edge, "the edge")
			stopEdge()
			generation := f.generation()
			f.stop()
			for _, name := range c.folders {
				f.remove(name)
				f.copy(filepath.Join(f.dir, "older", name), filepath.Join(f.dir, name))
			}
			f.start()
			edge, _ = f.edge("syd", nil)
			f.ended(edge, generation, true)
			if err := f.says(c.reason); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAFullStreamWaitsForASnapshot fills the stream while no snapshot can be made, so that
// nothing may be dropped: Postgres keeps what does not fit, and it goes on by itself.
func TestAFullStreamWaitsForASnapshot(t *testing.T) {
	f := newFixture(t)
	f.streamBytes = 4 << 20
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation := f.generation()
	obstacle := filepath.Join(f.dir, "hub", "snapshot.db")
	if err := os.MkdirAll(filepath.Join(obstacle, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		f.exec("UPDATE course SET body = noise(200000 + $1::int) WHERE id = 1 + $1::int", i)
	}
	written := f.written()
	f.eventually("the log says that the stream is full", func() error { return f.says("maximum bytes exceeded") })
	if confirmed := f.confirmed(); confirmed >= written {
		t.Errorf("Postgres was told to forget up to %s, and with that what was written up to %s and nobody has", confirmed, written)
	}
	if err := os.RemoveAll(obstacle); err != nil {
		t.Fatal(err)
	}
	f.within(2*patience, "a snapshot makes room", func() error { return f.says("trimming the stream\"") })
	f.reaches(f.replica, "the primary's replica")
	if f.generation() != generation {
		t.Error("a new generation was begun although nothing was lost")
	}
}

// chosen are those for this round.
func chosen(all []damage) []damage {
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		return all
	}
	return slices.DeleteFunc(all, func(d damage) bool { return d.long })
}

// messages publishes so many, of about a kilobyte each.
func (f *fixture) messages(n int) {
	f.t.Helper()
	for i := range n {
		f.exec("UPDATE course SET title = 'change ' || $1::int, body = noise(1000 + $1::int) WHERE id = 1 + $1::int", i)
		f.reaches(f.replica, "the primary's replica") // so that each is a message
	}
}

// ended waits until all replicas are equal to Postgres and follow it.
func (f *fixture) ended(edge *replica.Replica, generation change.Generation, anew bool) {
	f.t.Helper()
	f.exec("UPDATE course SET title = repeat('z', 20 + (random() * 1000)::int) WHERE id > 50")
	f.reaches(f.replica, "the primary's replica")
	f.reaches(edge, "the edge")
	if began := f.generation() != generation; began != anew {
		f.t.Errorf("another generation: %v, want %v", began, anew)
	}
}

// purge is somebody with a NATS client.
func (f *fixture) purge() {
	f.t.Helper()
	log, err := f.hub.Conn.OpenLog(f.t.Context(), DefaultStreamBytes)
	if err != nil {
		f.t.Fatal(err)
	}
	bounds, err := log.Bounds(f.t.Context())
	if err == nil {
		err = log.Purge(f.t.Context(), bounds.Last+1)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) copy(from, to string) {
	f.t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) removeAll(pattern string) {
	f.t.Helper()
	for _, path := range f.files(pattern) {
		if err := os.RemoveAll(path); err != nil {
			f.t.Fatal(err)
		}
	}
}

// files are those of the stream that match.
func (f *fixture) files(pattern string) []string {
	f.t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(f.dir, "stream"), func(path string, _ fs.DirEntry, err error) error {
		if ok, _ := filepath.Match(pattern, filepath.Base(path)); ok {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		f.t.Fatalf("no %s in the folder of the stream: %v", pattern, err)
	}
	return found
}

func (f *fixture) removeOf(pattern string) {
	f.t.Helper()
	for _, path := range f.files(pattern) {
		if err := os.Remove(path); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) rubbish(pattern string) { f.overwrite(pattern, bytes.Repeat([]byte("rubbish "), 20)) }

func (f *fixture) overwrite(pattern string, content []byte) {
	f.t.Helper()
	for _, path := range f.files(pattern) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
}

// cutBlock takes n bytes from the end of the newest block.
func (f *fixture) cutBlock(n int) {
	f.t.Helper()
	path, content := f.block()
	if err := os.WriteFile(path, content[:max(0, len(content)-n)], 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// flip changes one byte, so far from the end of the newest block.
func (f *fixture) flip(fromEnd int) {
	f.t.Helper()
	path, content := f.block()
	content[len(content)-fromEnd] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) block() (path string, content []byte) {
	f.t.Helper()
	blocks := f.files("*.blk")
	path = blocks[len(blocks)-1]
	content, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	return path, content
}

func (f *fixture) says(text string) error {
	if !strings.Contains(f.logged.String(), text) {
		return fmt.Errorf("the log has no %q", text)
	}
	return nil
}

// confirmed is what Postgres was told it may forget.
func (f *fixture) confirmed() change.LSN {
	f.t.Helper()
	slot, err := f.hub.Source.Slot(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return slot.Confirmed
}

package node

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"outpost/server/api"
	"outpost/server/cache"
)

var someAsked = []asked{
	{What: api.Again{Target: "/api/v1/courses?page=1&size=20", Locale: "de"}, Count: 9},
	{What: api.Again{Target: "/api/v1/me", User: 3}, Count: 7},
}

func TestWhatIsKeptComesBack(t *testing.T) {
	f := warmFile{path: filepath.Join(t.TempDir(), "warm"), log: slog.New(slog.DiscardHandler)}
	if got := f.load(); got != nil {
		t.Errorf("with no file there is %v", got)
	}
	f.save(someAsked)
	f.save(someAsked)
	if got := f.load(); !reflect.DeepEqual(got, someAsked) {
		t.Errorf("%v came back", got)
	}
	if files, err := os.ReadDir(filepath.Dir(f.path)); err != nil || len(files) != 1 {
		t.Errorf("the folder has %v, %v", files, err)
	}
}

// TestTheLargestFileCanBeRead fills it with targets that are as long as api keeps them, at most 1024 bytes, and
// have as many parameters, whose & takes six bytes.
func TestTheLargestFileCanBeRead(t *testing.T) {
	f := warmFile{path: filepath.Join(t.TempDir(), "warm"), log: slog.New(slog.DiscardHandler)}
	var all []asked
	for i := range warmKeys {
		what := api.Again{Target: "/" + strings.Repeat("a", 999) + strings.Repeat("&", 24), User: math.MaxInt64 - int64(i), Locale: "de"}
		all = append(all, asked{What: what, Count: math.MaxUint64})
	}
	f.save(all)
	if got := f.load(); len(got) != warmKeys {
		t.Errorf("%d came back", len(got))
	}
}

// TestWhatWasNotAskedAgainIsKeptWhileThereIsRoom: where the replica took too long, that is all.
func TestWhatWasNotAskedAgainIsKeptWhileThereIsRoom(t *testing.T) {
	hits, err := cache.NewHits[api.Again](2 * warmWatched)
	if err != nil {
		t.Fatal(err)
	}
	w := &warmer{file: warmFile{path: filepath.Join(t.TempDir(), "warm"), log: slog.New(slog.DiscardHandler)}, hits: hits}
	ask := func(what api.Again, n uint64) {
		hits.Count([]byte(what.Target), n, func() (api.Again, bool) { return what, true })
	}
	ask(someAsked[1].What, 8)
	rest := someAsked
	for range 3 {
		rest = w.save(rest)
		want := []asked{someAsked[0], {What: someAsked[1].What, Count: 8}}
		if got := w.file.load(); !reflect.DeepEqual(got, want) {
			t.Errorf("the file has %v", got)
		}
	}
	for i := range warmKeys {
		ask(api.Again{Target: fmt.Sprintf("/%d", i)}, 10)
	}
	if rest = w.save(rest); rest != nil {
		t.Errorf("%v is still kept", rest)
	}
	if got := w.file.load(); len(got) != warmKeys || slices.ContainsFunc(got, func(a asked) bool { return a.Count != 10 }) {
		t.Errorf("the file has %d, %v", len(got), got)
	}
}

func TestADamagedFileIsRemoved(t *testing.T) {
	good, err := encodeWarm(someAsked)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-10] ^= 1
	for name, data := range map[string][]byte{
		"empty": {}, "cut": good[:len(good)/2], "flipped": flipped, "another version": []byte(`{"version":2,"sum":0,"asked":[]}`),
		"large": make([]byte, warmBytes+1),
	} {
		f := warmFile{path: filepath.Join(t.TempDir(), "warm"), log: slog.New(slog.DiscardHandler)}
		if err := os.WriteFile(f.path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := f.load(); len(got) != 0 {
			t.Errorf("%s: %v came back", name, got)
		}
		if _, err := os.Stat(f.path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the file is still there: %v", name, err)
		}
	}
}

func FuzzDecodeWarm(f *testing.F) {
	good, err := encodeWarm(someAsked)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"sum":17241709254077376921,"asked":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := decodeWarm(data)
		if len(all) > warmKeys || err != nil && all != nil {
			t.Errorf("%d came back, and %v", len(all), err)
		}
	})
}

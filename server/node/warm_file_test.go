package node

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"outpost/server/api"
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

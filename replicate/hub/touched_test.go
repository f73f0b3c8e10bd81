package hub

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"outpost/replicate/change"
)

// touched are what somebody does to the files of a replica.
var touched = map[string]func(path string) error{
	"removed": func(path string) error {
		return errors.Join(os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm"))
	},
	"overwritten": func(path string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = file.WriteAt(bytes.Repeat([]byte("rubbish "), 1024), info.Size()/2)
		return errors.Join(err, file.Close())
	},
	"cut off": func(path string) error { return os.Truncate(path, 4096) },
}

func (f *fixture) file(name string) string { return filepath.Join(f.dir, name, "replica.db") }

// TestReplicasWhoseFilesAreTouched does it to an edge, which takes a snapshot, and to the
// primary's own replica, for which a new generation begins; while they follow.
func TestReplicasWhoseFilesAreTouched(t *testing.T) {
	for name, touch := range touched {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.start()
			edge, _ := f.edge("syd", nil)
			f.reaches(edge, "the edge")
			generation, incarnation := f.generation(), edge.State().Incarnation
			if err := touch(f.file("syd")); err != nil {
				t.Fatal(err)
			}
			f.exec("UPDATE course SET title = 'afterwards' WHERE id < 50")
			f.eventually("the edge takes a snapshot", func() error {
				if got := edge.State().Incarnation; got <= incarnation {
					return fmt.Errorf("its incarnation is %d, it was %d", got, incarnation)
				}
				return nil
			})
			f.reaches(edge, "the edge")
			if g := f.generation(); g != generation {
				t.Errorf("generation %d was begun for an edge", g)
			}

			if err := touch(f.file("primary")); err != nil {
				t.Fatal(err)
			}
			f.exec("UPDATE course SET title = 'once more' WHERE id < 50")
			f.begins(generation)
			f.exec("UPDATE course SET title = 'and again' WHERE id < 20")
			f.reaches(f.replica, "the primary's replica")
			f.reaches(edge, "the edge")
		})
	}
}

// TestAPrimaryWhoseFilesWereTouchedWhileItWasStopped begins a new generation.
func TestAPrimaryWhoseFilesWereTouchedWhileItWasStopped(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation := f.generation()
	f.stop()
	if err := touched["overwritten"](f.file("primary")); err != nil {
		t.Fatal(err)
	}
	f.start()
	f.begins(generation)
	f.reaches(f.replica, "the primary's replica")
	if _, err := os.Stat(f.file("primary") + ".damaged"); err != nil {
		t.Errorf("the damaged file was not set aside: %v", err)
	}
}

func (f *fixture) begins(after change.Generation) {
	f.t.Helper()
	f.eventually("a new generation begins", func() error {
		if g := f.generation(); g <= after {
			return fmt.Errorf("it is %d, it was %d", g, after)
		}
		return nil
	})
}

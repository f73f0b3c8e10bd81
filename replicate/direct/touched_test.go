package direct

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// TestAFileThatSomebodyTouches is copied again: at once while it is followed, though
// nothing happens in Postgres, and at the next start.
func TestAFileThatSomebodyTouches(t *testing.T) {
	for name, touch := range map[string]func(path string) error{
		"removed with its log": func(path string) error {
			return errors.Join(os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm"))
		},
		"overwritten": func(path string) error {
			file, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = file.WriteAt(make([]byte, 4096), 8192)
			return errors.Join(err, file.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.start()
			f.equal()
			f.copiedAgain(func() error { return touch(f.path) })
			f.equal()
			f.stop()
			if name == "removed with its log" {
				return // there is none
			}
			f.copiedAgain(func() error {
				defer f.start()
				return touch(f.path)
			})
			f.exec("UPDATE item SET title = 'afterwards'")
			f.equal()
		})
	}
}

// copiedAgain does something that begins a new generation.
func (f *fixture) copiedAgain(do func() error) {
	f.t.Helper()
	before := f.state().Position.Generation
	if err := do(); err != nil {
		f.t.Fatal(err)
	}
	f.eventually("it is copied again", func() error {
		if file := f.running.replica.Load(); file == nil || file.State().Position.Generation <= before {
			return fmt.Errorf("it is of generation %d", before)
		}
		return nil
	})
}

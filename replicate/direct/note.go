package direct

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"outpost/replicate/change"
)

// noteSuffix names the file beside the replica that is locked by whoever follows into
// it, and says which slot continues it.
const noteSuffix = ".slot"

// noteBytes is what a note takes, however little it says: written in place and never
// more than a sector, it is the old or the new one after a power cut.
const noteBytes = 256

// owned says which slot is ours.
type owned struct {
	Slot   string `json:"slot"`
	System uint64 `json:"system,string"` // the Postgres it is in
	// Generation is the one that was begun whole; 0 while a copy is made, until which the
	// file that there is belongs to a slot that is gone.
	Generation change.Generation `json:"generation"`
}

// note is the locked file.
type note struct {
	path string
	file *os.File
	owned
}

// openNote takes the lock, which ends with the process.
func openNote(path string) (*note, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("opening the note of the slot: %w", err)
		}
		n := &note{path: path, file: file}
		ours, err := n.lock()
		if err == nil && ours {
			err = n.read()
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if ours {
			return n, nil
		}
		if err := file.Close(); err != nil {
			return nil, err
		}
	}
}

// lock is false if the file was removed by the process that had it before.
func (n *note) lock() (bool, error) {
	err := syscall.Flock(int(n.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, fmt.Errorf("another process replicates into %s: end it, or name another file", n.replica())
	}
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", n.path, err)
	}
	have, err := n.file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(n.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	return err == nil && os.SameFile(have, there), nil
}

func (n *note) replica() string { return n.path[:len(n.path)-len(noteSuffix)] }

func (n *note) read() error {
	b := make([]byte, noteBytes+1)
	size, err := n.file.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %s: %w", n.path, err)
	}
	if size == 0 || size <= noteBytes && len(bytes.Trim(b[:size], "\x00")) == 0 {
		return nil // new, or a power cut came before its first sync
	}
	if size != noteBytes {
		return fmt.Errorf("%s is not what outpost wrote there: move it away", n.path)
	}
	if err := json.Unmarshal(b[:size], &n.owned); err != nil {
		return fmt.Errorf("%s is not what outpost wrote there: move it away", n.path)
	}
	return nil
}

// write says durably which slot is ours.
func (n *note) write(o owned) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	line := append(bytes.Repeat([]byte(" "), noteBytes-1), '\n')
	if copy(line, text) != len(text) || len(text) >= noteBytes {
		return fmt.Errorf("the note of slot %s is too long", o.Slot)
	}
	if _, err = n.file.WriteAt(line, 0); err == nil {
		err = n.file.Sync()
	}
	if err == nil {
		err = syncFolder(n.path)
	}
	if err != nil {
		return fmt.Errorf("writing the note of the slot: %w", err)
	}
	n.owned = o
	return nil
}

// clear removes the note: no slot is ours any more.
func (n *note) clear() error {
	n.owned = owned{}
	if err := os.Remove(n.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the note of the slot: %w", err)
	}
	return syncFolder(n.path)
}

// close lets go of the lock. A note that says nothing is not left behind.
func (n *note) close() error {
	var err error
	if n.Slot == "" {
		err = n.clear()
	}
	return errors.Join(err, n.file.Close())
}

// syncFolder makes durable which names the folder of path holds.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

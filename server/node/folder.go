package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// folder is a node's data folder, locked so that two nodes never share one: each
// would overwrite the other's replica.
type folder struct {
	path string
	lock *os.File
}

func openFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("OUTPOST_DATA: the data folder %s cannot be made: %w; choose a folder that this user may write", path, reason(err))
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("OUTPOST_DATA: the data folder %s cannot be written: %w; choose a folder that this user may write", path, reason(err))
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("OUTPOST_DATA: another outpost is using the data folder %s; stop it, or choose another folder", path)
		}
		return nil, errors.Join(err, lock.Close())
	}
	return &folder{path: path, lock: lock}, nil
}

// sub makes a folder below.
func (f *folder) sub(name string) (string, error) {
	path := filepath.Join(f.path, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("OUTPOST_DATA: %s cannot be made: %w", path, reason(err))
	}
	return path, nil
}

// name is what the node is called where others must tell it from themselves. It is made up once; who
// has the folder, and nobody else, is that node.
func (f *folder) name() (string, error) {
	path := filepath.Join(f.path, "name")
	name, err := os.ReadFile(path)
	if err == nil && len(name) > 0 {
		return string(name), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("OUTPOST_DATA: %s cannot be read: %w", path, reason(err))
	}
	fresh := "outpost-" + rand.Text()
	if err := os.WriteFile(path, []byte(fresh), 0o600); err != nil {
		return "", fmt.Errorf("OUTPOST_DATA: %s cannot be written: %w", path, reason(err))
	}
	return fresh, nil
}

// Close lets another node have the folder.
func (f *folder) Close() error { return f.lock.Close() }

// reason leaves out the path that an os error repeats.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	temporaryPrefix = "outpost-postgres-"
	elsewhereFolder = "/var/lib/outpost"
)

// errOwned says that another live process owns the folder.
var errOwned = errors.New("another process is using it: stop that one, or choose another folder")

// lockFolder makes this process the folder's owner until the file is closed. The
// kernel lets go of the lock when the owner dies, whatever it dies of.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the private Postgres: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		closeErr := f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errOwned
		}
		return nil, errors.Join(fmt.Errorf("locking the private Postgres in %s: %w", dir, err), closeErr)
	}
	return f, nil
}

// sweep removes temporary clusters whose owner was killed before it could. What
// cannot be removed (another user's) is left alone: it is not ours to report.
func sweep() {
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), temporaryPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range folders {
		info, err := os.Stat(dir)
		// A younger one may be between its creation and its lock.
		if err != nil || time.Since(info.ModTime()) < 10*time.Minute {
			continue
		}
		lock, err := lockFolder(dir)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if endSurvivor(ctx, filepath.Join(dir, "data")) == nil {
			_ = os.RemoveAll(dir)
		}
		cancel()
		_ = lock.Close()
	}
}

// sweepElsewhere removes data in /var/lib/outpost whose folder was deleted.
func sweepElsewhere() {
	notes, err := filepath.Glob(filepath.Join(elsewhereFolder, "*", "owner"))
	if err != nil {
		return
	}
	for _, note := range notes {
		owner, err := os.ReadFile(note)
		if err != nil {
			continue
		}
		if _, err := os.Stat(string(owner)); errors.Is(err, fs.ErrNotExist) {
			// What stays behind now is tried again next time.
			_ = os.RemoveAll(filepath.Dir(note))
		}
	}
}

// accountFor chooses who runs Postgres when we are root: the owner of the data
// where there is some, else postgres, else nobody.
func accountFor(data string) (*syscall.Credential, error) {
	if info, err := os.Stat(data); err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
			return &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking at %s: %w", data, err)
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("Postgres does not run as root, and there is no account postgres or nobody to run it as: create one, or start as an ordinary user")
}

// reachable says whether an account may enter a folder and all those above it.
func reachable(dir string, account *syscall.Credential) bool {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return false
		}
		needed := fs.FileMode(0o001)
		switch {
		case owner.Uid == account.Uid:
			needed = 0o100
		case owner.Gid == account.Gid:
			needed = 0o010
		}
		if info.Mode().Perm()&needed == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}

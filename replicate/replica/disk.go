package replica

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"
)

// ErrDisk says that the disk, or another program's lock, keeps the replica from being
// written. What it has is whole and is served; to try again later helps, another file does not.
var ErrDisk = errors.New("the replica cannot be written")

// OnDisk wraps what the file system or SQLite said about the file at path with ErrDisk and
// what to do, if that is what it is; any other error it gives back.
func OnDisk(path string, err error) error {
	if err == nil || errors.Is(err, ErrDisk) || isDamage(err) {
		return err
	}
	folder := filepath.Dir(path)
	var advice string
	switch code := sqliteCode(err); {
	case code == sqlite3.SQLITE_FULL, errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "the disk of " + folder + " is full: make room there"
	case code == sqlite3.SQLITE_READONLY, errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES):
		advice = folder + " cannot be written to: mount its disk for writing, and let this user write there"
	case code == sqlite3.SQLITE_BUSY, code == sqlite3.SQLITE_LOCKED:
		advice = "another program holds a lock on " + path + ": end it"
	case code == sqlite3.SQLITE_IOERR, code == sqlite3.SQLITE_CANTOPEN, errors.Is(err, syscall.EIO):
		advice = "the disk of " + folder + " fails, or is full: look at the system's log"
	default:
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrDisk, advice, err)
}

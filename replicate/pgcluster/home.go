package pgcluster

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// home is a cluster's folder:
//
//	data      Postgres' own files
//	password  of the superuser; readable by the owner of the folder only
//	port      where it listened last
//	log       what the server said
//	lock      held while a process owns the cluster
type home struct {
	dir       string
	data      string
	temporary bool
	lock      *os.File
	account   *syscall.Credential // nil: our own
	password  string
	port      int // 0 before the first start
}

func openHome(dir string) (*home, error) {
	h := &home{dir: dir, temporary: dir == ""}
	var err error
	if h.temporary {
		sweep()
		if h.dir, err = os.MkdirTemp("", temporaryPrefix); err != nil {
			return nil, fmt.Errorf("creating a folder for the private Postgres: %w", err)
		}
	} else {
		if h.dir, err = filepath.Abs(dir); err != nil {
			return nil, fmt.Errorf("locating %s: %w", dir, err)
		}
		if err := os.MkdirAll(h.dir, 0o755); err != nil {
			return nil, fmt.Errorf("creating the folder of the private Postgres: %w", err)
		}
	}
	// One name for one folder: a survivor is recognised by it.
	if h.dir, err = filepath.EvalSymlinks(h.dir); err != nil {
		return nil, fmt.Errorf("locating %s: %w", dir, err)
	}
	if h.lock, err = lockFolder(h.dir); err != nil {
		return nil, err
	}
	if err := h.read(); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// read takes up what an earlier run left, and decides where the data lives and
// whose it is.
func (h *home) read() error {
	password, err := os.ReadFile(h.path("password"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the private Postgres' password: %w", err)
	}
	h.password = strings.TrimSpace(string(password))
	if text, err := os.ReadFile(h.path("port")); err == nil {
		// An unreadable number costs nothing but a new port.
		h.port, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	h.data = h.path("data")
	if os.Geteuid() != 0 {
		return nil
	}
	if h.account, err = accountFor(h.data); err != nil {
		return err
	}
	return h.makeReachable()
}

// makeReachable sees to it that the account which runs Postgres can enter the
// folder. Where it cannot, because a folder above is closed (/root is), the data
// lives in /var/lib/outpost under a name made from the folder's, until the folder
// is deleted.
func (h *home) makeReachable() error {
	info, err := os.Stat(h.dir)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", h.dir, err)
	}
	if err := os.Chmod(h.dir, info.Mode().Perm()|0o011); err != nil {
		return fmt.Errorf("letting Postgres' account into %s: %w", h.dir, err)
	}
	if reachable(h.dir, h.account) {
		return nil
	}
	sweepElsewhere()
	sum := sha256.Sum256([]byte(h.dir))
	elsewhere := filepath.Join(elsewhereFolder, hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(elsewhere, 0o711); err != nil {
		return fmt.Errorf("creating a folder that Postgres' account can enter: %w", err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "owner"), []byte(h.dir), 0o644); err != nil {
		return fmt.Errorf("noting whose data it is: %w", err)
	}
	h.data = filepath.Join(elsewhere, "data")
	if h.password == "" {
		// The folder was deleted by hand: this is what was left of it.
		if err := os.RemoveAll(h.data); err != nil {
			return fmt.Errorf("removing an abandoned cluster: %w", err)
		}
	}
	return nil
}

// version is the major version that made the data, 0 when there is none.
func (h *home) version() int {
	text, err := os.ReadFile(filepath.Join(h.data, "PG_VERSION"))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}

// initialise runs initdb where there is no cluster yet. The files appear under
// their name only when complete, so an interrupted run leaves nothing half made.
func (h *home) initialise(ctx context.Context, bin binaries) error {
	if h.version() != 0 {
		if h.password == "" {
			return fmt.Errorf("the private Postgres in %s has lost its password file: delete the folder to start over", h.dir)
		}
		return nil
	}
	h.password = rand.Text()
	if err := os.WriteFile(h.path("password"), []byte(h.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("keeping the private Postgres' password: %w", err)
	}
	fresh := h.data + ".new"
	for _, leftover := range []string{fresh, h.data} {
		if err := os.RemoveAll(leftover); err != nil {
			return fmt.Errorf("removing an unfinished cluster: %w", err)
		}
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("creating the folder of the private Postgres: %w", err)
	}
	if h.account != nil {
		if err := os.Chown(fresh, int(h.account.Uid), int(h.account.Gid)); err != nil {
			return fmt.Errorf("giving %s to Postgres' account: %w", fresh, err)
		}
	}
	if err := h.initdb(ctx, bin, fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, h.data); err != nil {
		return fmt.Errorf("putting the new cluster in place: %w", err)
	}
	return nil
}

func (h *home) initdb(ctx context.Context, bin binaries, folder string) (err error) {
	// The account that runs initdb reads the password, so for that moment it owns a copy.
	password := folder + ".password"
	if err := os.WriteFile(password, []byte(h.password), 0o600); err != nil {
		return fmt.Errorf("handing the password to initdb: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(password)) }()
	if h.account != nil {
		if err := os.Chown(password, int(h.account.Uid), int(h.account.Gid)); err != nil {
			return fmt.Errorf("handing the password to initdb: %w", err)
		}
	}
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "en_US.UTF-8"
	}
	auth := "scram-sha-256"
	if h.temporary {
		auth = "password" // tests connect so often that a client's part of SCRAM is a tenth of what they do
	}
	args := []string{
		"-D", folder, "-U", superuser, "--auth=" + auth, "--pwfile=" + password,
		"--encoding=UTF8", "--locale=" + locale, "--lc-messages=C", "--no-instructions",
	}
	if h.temporary {
		args = append(args, "--no-sync")
	}
	out, err := run(ctx, command(h, bin.path("initdb"), args))
	if err != nil {
		return fmt.Errorf("creating the private Postgres (initdb): %w: %s", err, lastLine(out))
	}
	return nil
}

func (h *home) keepPort(port int) error {
	if err := os.WriteFile(h.path("port"), []byte(strconv.Itoa(port)+"\n"), 0o644); err != nil {
		return fmt.Errorf("keeping the private Postgres' port: %w", err)
	}
	return nil
}

// close gives the folder back.
func (h *home) close() error {
	var err error
	if h.temporary {
		err = errors.Join(os.RemoveAll(h.data), os.RemoveAll(h.dir))
	}
	return errors.Join(err, h.lock.Close())
}

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

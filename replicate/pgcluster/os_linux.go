package pgcluster

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// processAttributes ties a process to us: SIGQUIT is Postgres' immediate shutdown,
// from which it recovers at the next start.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
}

// children lists the living processes whose parent is pid.
func children(pid int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var found []int
	for _, entry := range entries {
		child, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if state, parent, err := stat(child); err == nil && state != 'Z' && parent == pid {
			found = append(found, child)
		}
	}
	return found, nil
}

// alive is false for zombies too: in a container nobody may reap them.
func alive(pid int) bool {
	state, _, err := stat(pid)
	return err == nil && state != 'Z' && state != 'X'
}

// isPostmaster says whether a process is a server started with -D data.
func isPostmaster(pid int, data string) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil || !alive(pid) {
		return false
	}
	args := bytes.Split(text, []byte{0})
	at := slices.IndexFunc(args, func(arg []byte) bool { return string(arg) == "-D" })
	return at > 0 && at+1 < len(args) && string(args[at+1]) == data
}

// stat reads a process' state and its parent.
func stat(pid int) (state byte, parent int, err error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		if errors.Is(err, syscall.ESRCH) {
			err = fs.ErrNotExist
		}
		return 0, 0, err
	}
	// The name, in parentheses, may hold anything; what follows it may not.
	rest := text[bytes.LastIndexByte(text, ')')+1:]
	if _, err := fmt.Sscanf(string(rest), " %c %d", &state, &parent); err != nil {
		return 0, 0, fmt.Errorf("reading the state of process %d: %w", pid, err)
	}
	return state, parent, nil
}

package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/cespare/xxhash/v2"
)

const (
	warmVersion = 1
	// warmBytes is far above what warmKeys take.
	warmBytes = 4 << 20
)

// warmFile keeps what was asked most in the data folder. It is a help and nothing else: what is wrong
// with it is logged, and the node goes on without.
type warmFile struct {
	path string
	log  *slog.Logger
}

// warmContent is the file. Sum is that of the bytes of Asked.
type warmContent struct {
	Version int             `json:"version"`
	Sum     uint64          `json:"sum"`
	Asked   json.RawMessage `json:"asked"`
}

// load gives what the file holds. One that cannot be read is removed.
func (f warmFile) load() []asked {
	all, err := f.read()
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		f.log.Warn("what was asked most before the restart cannot be read, so the cache begins empty", "error", errors.Join(err, os.Remove(f.path)))
	}
	return all
}

func (f warmFile) read() ([]asked, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, warmBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > warmBytes {
		return nil, fmt.Errorf("%s is larger than this program writes it", f.path)
	}
	return decodeWarm(data)
}

func decodeWarm(data []byte) ([]asked, error) {
	var content warmContent
	if err := json.Unmarshal(data, &content); err != nil {
		return nil, fmt.Errorf("reading what was asked most: %w", err)
	}
	if content.Version != warmVersion {
		return nil, fmt.Errorf("reading what was asked most: it is of version %d, and this program knows %d", content.Version, warmVersion)
	}
	if xxhash.Sum64(content.Asked) != content.Sum {
		return nil, errors.New("reading what was asked most: its checksum is wrong")
	}
	var all []asked
	if err := json.Unmarshal(content.Asked, &all); err != nil {
		return nil, fmt.Errorf("reading what was asked most: %w", err)
	}
	return hottest(all), nil
}

func encodeWarm(all []asked) ([]byte, error) {
	list, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return json.Marshal(warmContent{Version: warmVersion, Sum: xxhash.Sum64(list), Asked: list})
}

// save replaces the file. It is not synced: after a power cut the checksum tells.
func (f warmFile) save(all []asked) {
	if err := f.write(all); err != nil {
		f.log.Warn("what is asked most was not kept for after a restart", "error", err)
	}
}

func (f warmFile) write(all []asked) error {
	data, err := encodeWarm(all)
	if err != nil {
		return err
	}
	next := f.path + ".next"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, f.path)
}

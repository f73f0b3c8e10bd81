package follow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"outpost/replicate/replica"
)

// Snapshots downloads snapshots from the primary region. A download that broke off
// goes on where it stopped, if the primary still has the same file.
type Snapshots struct {
	URL    string            // of the primary's snapshot endpoint
	Client *http.Client      // with timeouts for connecting and for the first byte, none for the whole
	Sign   func(http.Header) // puts this node's credentials on a request
	Dir    string            // where the download waits; the replica's folder, so that a rename suffices
}

// ErrNoSnapshot means that the primary has none to give right now.
var ErrNoSnapshot = errors.New("the primary has no snapshot to give yet")

// Install downloads a snapshot and puts it in r's place.
func (s *Snapshots) Install(ctx context.Context, r *replica.Replica) error {
	part := filepath.Join(s.Dir, "snapshot.part")
	if err := s.download(ctx, part); err != nil {
		return err
	}
	fresh := filepath.Join(s.Dir, "snapshot.db")
	// With the journals of one that a crash cut off: SQLite would play them into this one.
	if err := removeAll(fresh, fresh+"-journal", fresh+"-wal", fresh+"-shm"); err != nil {
		return fmt.Errorf("removing an unfinished snapshot: %w", err)
	}
	if err := decompress(part, fresh); err != nil {
		return err
	}
	if err := r.Swap(ctx, fresh); err != nil {
		return fmt.Errorf("installing the snapshot: %w", err)
	}
	return removeAll(part, part+".etag")
}

// download leaves a complete, verified file at path. Beside a partial one stands
// the ETag of what it is a part of: the SHA-256 of the whole.
func (s *Snapshots) download(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return fmt.Errorf("asking for a snapshot: %w", err)
	}
	s.Sign(request.Header)
	etag, have := partial(path)
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		request.Header.Set("If-Range", `"`+etag+`"`)
	}
	response, err := s.Client.Do(request)
	if err != nil {
		return fmt.Errorf("asking for a snapshot: %w", err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		have = 0
	case http.StatusPartialContent:
	case http.StatusRequestedRangeNotSatisfiable: // all of it is here, or another file is there
	case http.StatusServiceUnavailable:
		return ErrNoSnapshot
	default:
		return fmt.Errorf("asking for a snapshot: the primary answered %s", response.Status)
	}
	if response.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		etag = strings.Trim(response.Header.Get("ETag"), `"`)
		if err := s.save(path, etag, have, response.Body); err != nil {
			return err
		}
	}
	return verify(path, etag)
}

func partial(path string) (etag string, have int64) {
	text, err := os.ReadFile(path + ".etag")
	if err != nil {
		return "", 0
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", 0
	}
	return string(text), info.Size()
}

func (s *Snapshots) save(path, etag string, offset int64, body io.Reader) (err error) {
	if err := os.WriteFile(path+".etag", []byte(etag), 0o600); err != nil {
		return fmt.Errorf("saving the snapshot: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("saving the snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Truncate(offset); err != nil {
		return fmt.Errorf("saving the snapshot: %w", err)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("saving the snapshot: %w", err)
	}
	if _, err := io.Copy(file, body); err != nil {
		return fmt.Errorf("downloading the snapshot: %w", err)
	}
	return nil
}

// verify removes a file that is not what its ETag promises, so that the next
// download starts from nothing.
func verify(path, etag string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("checking the snapshot: %w", err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return fmt.Errorf("checking the snapshot: %w", err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != etag {
		return errors.Join(errors.New("the downloaded snapshot is damaged: its checksum is wrong"), removeAll(path, path+".etag"))
	}
	return nil
}

func decompress(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("unpacking the snapshot: %w", err)
	}
	defer source.Close()
	reader, err := zstd.NewReader(source)
	if err != nil {
		return fmt.Errorf("unpacking the snapshot: %w", err)
	}
	defer reader.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("unpacking the snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if _, err := io.Copy(target, reader); err != nil {
		return fmt.Errorf("unpacking the snapshot: %w", err)
	}
	if err := target.Sync(); err != nil {
		return fmt.Errorf("unpacking the snapshot: %w", err)
	}
	return nil
}

func removeAll(paths ...string) error {
	var errs []error
	for _, p := range paths {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

package follow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"outpost/replicate/replica"
)

// longestSilence is how long the primary may send nothing. Longer than it takes to say
// that there is no snapshot yet.
const longestSilence = 30 * time.Second

// Snapshots downloads snapshots from the primary region. A download that broke off
// goes on where it stopped, if the primary still has the same file.
type Snapshots struct {
	URL    string            // of the primary's snapshot endpoint
	Client *http.Client      // with timeouts for connecting, none for the whole
	Sign   func(http.Header) // puts this node's credentials on a request
	Dir    string            // where the download waits; the replica's folder, so that a rename suffices
	// RefusedHeader tells the primary the ETag of a snapshot that arrived damaged, so that it
	// looks whether its own is; empty for none.
	RefusedHeader string
	Silence       time.Duration // after which a download is given up, to be resumed; 30 seconds if zero

	refused string // the ETag of what arrived damaged
}

// ErrNoSnapshot means that the primary has none to give right now.
var ErrNoSnapshot = errors.New("the primary has no snapshot to give yet")

// errSilent ends a download in which nothing arrives.
var errSilent = errors.New("the primary fell silent")

// Install downloads a snapshot and puts it in r's place.
func (s *Snapshots) Install(ctx context.Context, r *replica.Replica) error {
	part, fresh := filepath.Join(s.Dir, "snapshot.part"), filepath.Join(s.Dir, "snapshot.db")
	// With the journals of one that a crash cut off: SQLite would play them into this one.
	if err := removeAll(fresh, fresh+"-journal", fresh+"-wal", fresh+"-shm"); err != nil {
		return fmt.Errorf("removing an unfinished snapshot: %w", err)
	}
	if err := s.download(ctx, part, fresh); err != nil {
		return errors.Join(err, removeAll(fresh))
	}
	if err := r.SwapSound(ctx, fresh); err != nil {
		return fmt.Errorf("installing the snapshot: %w", err)
	}
	return removeAll(part, part+".etag")
}

// download leaves a complete, verified, unpacked file at path. What has arrived stays at
// part until then; beside it stands the ETag of what it is a part of: the SHA-256 of the
// whole. It is unpacked while it arrives, and nothing is believed before the checksum.
func (s *Snapshots) download(ctx context.Context, part, path string) error {
	silence := longestSilence
	if s.Silence > 0 {
		silence = s.Silence
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(fmt.Errorf("%w for %v", errSilent, silence)) })
	defer quiet.Stop()

	etag, have := partial(part)
	response, err := s.ask(ctx, etag, have)
	if err != nil {
		return fmt.Errorf("asking for a snapshot: %w", because(ctx, err))
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		have, etag = 0, strings.Trim(response.Header.Get("ETag"), `"`)
		if err := os.WriteFile(part+".etag", []byte(etag), 0o600); err != nil {
			return fmt.Errorf("saving the snapshot: %w", err)
		}
	case http.StatusPartialContent:
	case http.StatusRequestedRangeNotSatisfiable: // all of it is here
		response.Body = http.NoBody
	case http.StatusServiceUnavailable:
		return ErrNoSnapshot
	default:
		return fmt.Errorf("asking for a snapshot: the primary answered %s", response.Status)
	}
	sum, err := unpack(ctx, part, have, &watched{response.Body, quiet, silence}, path)
	switch {
	case err == nil && sum == etag:
		s.refused = ""
		return nil
	case err == nil:
		err = fmt.Errorf("%w: its checksum is wrong", errDamaged)
	}
	if errors.Is(err, errDamaged) { // the next download starts from nothing
		s.refused = etag
		return errors.Join(err, removeAll(part, part+".etag"))
	}
	return because(ctx, err)
}

// ask asks for the rest of what is here, or for whatever there is.
func (s *Snapshots) ask(ctx context.Context, etag string, have int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, err
	}
	s.Sign(request.Header)
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		request.Header.Set("If-Range", `"`+etag+`"`)
	}
	if s.refused != "" && s.RefusedHeader != "" {
		request.Header.Set(s.RefusedHeader, s.refused)
	}
	return s.Client.Do(request)
}

// because tells why ctx ended, if that is why there is an error.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		return cause
	}
	return err
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

func removeAll(paths ...string) error {
	var errs []error
	for _, p := range paths {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

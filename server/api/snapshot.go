package api

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// PathSnapshot is where nodes of the cluster, and nobody else, download the replica.
const PathSnapshot = "/internal/snapshot"

// HeaderRefusedSnapshot carries the ETag of a snapshot that arrived damaged.
const HeaderRefusedSnapshot = "Outpost-Refused-Snapshot"

// makeTime is how long a request waits for a snapshot that has to be made first. It goes on
// being made; the edge, which gives up what is silent for longer, comes again.
const makeTime = 15 * time.Second

// SnapshotFile is a snapshot in the hands of one region, until it is closed.
type SnapshotFile interface {
	fs.File
	io.Seeker
}

// snapshot streams the newest snapshot, or the rest of it to a node that has its beginning. A
// stranger is told what every path is told that leads nowhere.
func (a *API) snapshot(k *call) error {
	if k.forwarded == "" {
		return fiber.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(a.base, makeTime)
	defer cancel()
	file, tag, err := a.Snapshot(ctx, k.forwarded, k.c.Get(HeaderRefusedSnapshot))
	if err != nil {
		return unavailable("There is no snapshot to give yet.", err)
	}
	if err := k.file(file, `"`+tag+`"`); err != nil {
		return fmt.Errorf("sending the snapshot: %w", err)
	}
	return nil
}

// file streams a file, which it closes.
func (k *call) file(file SnapshotFile, tag string) (err error) {
	sent := false
	defer func() {
		if !sent {
			_ = file.Close() // it was only read
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	h := &k.c.Response().Header
	h.Set(fiber.HeaderETag, tag)
	h.Set(fiber.HeaderAcceptRanges, "bytes")
	start, size := int64(0), info.Size()
	// A range of another file would be of no use: without the right If-Range it is all of it.
	if rest := k.c.Get(fiber.HeaderRange); rest != "" && k.c.Get(fiber.HeaderIfRange) == tag {
		from, ok := openRange(rest)
		switch {
		case ok && from >= size:
			h.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes */%d", size))
			k.c.Response().SetStatusCode(http.StatusRequestedRangeNotSatisfiable)
			return nil
		case ok:
			start = from
			h.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", start, size-1, size))
			k.c.Response().SetStatusCode(http.StatusPartialContent)
		}
	}
	if _, err := file.Seek(start, 0); err != nil {
		return err
	}
	h.SetContentType(fiber.MIMEOctetStream)
	k.c.Response().SetBodyStream(file, int(size-start)) // closes the file when it is done
	sent = true
	return nil
}

// openRange reads bytes=<from>-, the only kind that continues a download.
func openRange(s string) (int64, bool) {
	digits, ok := strings.CutPrefix(s, "bytes=")
	digits, rest := strings.CutSuffix(digits, "-")
	from, err := strconv.ParseInt(digits, 10, 64)
	return from, ok && rest && err == nil && from >= 0
}

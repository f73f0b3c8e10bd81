package follow

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// errDamaged says that what arrived is not what was sent.
var errDamaged = errors.New("the downloaded snapshot is damaged")

// pieceBytes is how much of a snapshot is taken from the network at once.
const pieceBytes = 256 << 10

// unpack appends what arrives to the first bytes of part, and unpacks part from its
// beginning into a new file at path, synced. It gives the SHA-256 of the whole part. When ctx
// ends it fails, and never for damage.
func unpack(ctx context.Context, part string, have int64, arriving io.Reader, path string) (sum string, err error) {
	file, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("saving the snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Truncate(have); err != nil {
		return "", fmt.Errorf("saving the snapshot: %w", err)
	}
	packed, hash := newGrowing(file, have), sha256.New()
	defer context.AfterFunc(ctx, func() { packed.end(context.Cause(ctx)) })()
	unpacked := make(chan error, 1)
	go func() {
		err := decompress(io.TeeReader(packed, hash), path)
		packed.end(err) // so that downloading ends
		unpacked <- err
	}()
	_, err = io.CopyBuffer(packed, arriving, make([]byte, pieceBytes))
	packed.end(err)
	failed := <-unpacked
	if err == nil && failed != nil {
		err = context.Cause(ctx)
	}
	if err != nil && !errors.Is(err, failed) { // unpacking failed because of it, not the other way round
		return "", fmt.Errorf("downloading the snapshot: %w", err)
	}
	if failed != nil {
		return "", failed
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// growing is a file that one goroutine reads from its beginning while another appends to it.
// Neither waits for the other's disk: a primary gives up whoever takes nothing for a while,
// and what is here already may take longer than that to unpack.
type growing struct {
	file *os.File
	read int64 // by the one who reads

	mu    sync.Mutex
	more  *sync.Cond
	size  int64
	ended bool
	err   error // why, unless all of it is here
}

func newGrowing(file *os.File, size int64) *growing {
	g := &growing{file: file, size: size}
	g.more = sync.NewCond(&g.mu)
	return g
}

func (g *growing) Read(p []byte) (int, error) {
	g.mu.Lock()
	for g.read == g.size && !g.ended {
		g.more.Wait()
	}
	here, err := g.size-g.read, g.err
	g.mu.Unlock()
	if err != nil || here == 0 {
		return 0, cmp.Or(err, io.EOF)
	}
	n, err := g.file.ReadAt(p[:min(int64(len(p)), here)], g.read)
	g.read += int64(n)
	return n, err
}

func (g *growing) Write(p []byte) (int, error) {
	g.mu.Lock()
	size, err := g.size, g.err
	g.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := g.file.WriteAt(p, size)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.size += int64(n)
	g.more.Broadcast()
	return n, err
}

// end says that nothing more comes, or is wanted.
func (g *growing) end(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended, g.err = true, cmp.Or(g.err, err)
	g.more.Broadcast()
}

// decompress writes a new file. Whatever is wrong, but for the file, is errDamaged.
func decompress(packed io.Reader, to string) (err error) {
	defer func() {
		switch disk := new(fs.PathError); {
		case errors.As(err, &disk):
			err = fmt.Errorf("unpacking the snapshot: %w", err)
		case err != nil:
			err = fmt.Errorf("%w: %w", errDamaged, err)
		}
	}()
	reader, err := zstd.NewReader(packed)
	if err != nil {
		return err
	}
	defer reader.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if _, err := io.Copy(target, reader); err != nil {
		return err
	}
	return target.Sync() // before readers have to wait for it
}

// watched is a body from which something has to come every now and then.
type watched struct {
	io.Reader
	quiet *time.Timer // ends the request
	limit time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	w.quiet.Reset(w.limit)
	defer w.quiet.Stop() // what is done with it may take its time
	return w.Reader.Read(p)
}

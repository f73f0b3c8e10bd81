package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// Compress writes the file at from to a new one at to, with zstd, durably, and gives its
// size. What it writes goes to also, too: a hash.
func Compress(ctx context.Context, from, to string, also ...io.Writer) (size int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("compressing %s: %w", from, err)
		}
	}()
	source, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	writer, err := zstd.NewWriter(io.MultiWriter(append([]io.Writer{target}, also...)...), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(writer, whileAlive{ctx, source}); err != nil {
		return 0, errors.Join(err, writer.Close())
	}
	if err := errors.Join(writer.Close(), target.Sync()); err != nil {
		return 0, err
	}
	info, err := target.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// whileAlive reads until ctx ends.
type whileAlive struct {
	ctx context.Context // it lives as long as the call that reads
	io.Reader
}

func (r whileAlive) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

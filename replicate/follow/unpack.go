package follow

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

// errDamaged says that what arrived is not what was sent.
var errDamaged = errors.New("the downloaded snapshot is damaged")

// pieceBytes is how much of a snapshot is handed from step to step at once.
const pieceBytes = 256 << 10

// unpack appends what arrives to the first bytes of part, and unpacks part from its
// beginning into a new file at path, synced. It gives the SHA-256 of the whole part.
func unpack(part string, have int64, arriving io.Reader, path string) (sum string, err error) {
	file, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("saving the snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Truncate(have); err != nil {
		return "", fmt.Errorf("saving the snapshot: %w", err)
	}
	packed, feed := io.Pipe()
	unpacked := make(chan error, 1)
	go func() {
		err := decompress(packed, path)
		_ = packed.CloseWithError(err) // so that feeding ends; it never fails
		unpacked <- err
	}()
	hash := sha256.New()
	// Reading what is here leaves the file where the rest goes.
	whole := io.MultiReader(io.LimitReader(file, have), io.TeeReader(arriving, file))
	_, err = io.CopyBuffer(io.MultiWriter(hash, feed), whole, make([]byte, pieceBytes))
	_ = feed.CloseWithError(err) // nil is the end; it never fails
	failed := <-unpacked
	if err != nil && !errors.Is(err, failed) { // unpacking failed because of it, not the other way round
		return "", fmt.Errorf("downloading the snapshot: %w", err)
	}
	if failed != nil {
		return "", failed
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
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

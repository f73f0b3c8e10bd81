package primary

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

const (
	// partSize is what of a document is in memory at once, and in a row.
	partSize = 256 << 10
	// maxDocument is far above what ten thousand people need.
	maxDocument = 64 << 20
)

// spool keeps a document while it is written, so that neither memory nor a transaction has to: on
// disk, in a file without a name, of which nothing is left whatever ends the process.
type spool struct {
	file *os.File
	out  *bufio.Writer
	hash hash.Hash
	size int64
}

func newSpool() (*spool, error) {
	file, err := os.CreateTemp("", "outpost-report-")
	if err != nil {
		return nil, fmt.Errorf("making a file for a report: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("taking the name of a report's file away: %w", err), file.Close())
	}
	return &spool{file: file, out: bufio.NewWriterSize(file, partSize), hash: sha256.New()}, nil
}

// Write adds to the document.
func (s *spool) Write(p []byte) (int, error) {
	if s.size+int64(len(p)) > maxDocument {
		return 0, fmt.Errorf("the document is larger than %d bytes", maxDocument)
	}
	n, err := s.out.Write(p)
	_, _ = s.hash.Write(p[:n]) // a hash never fails
	s.size += int64(n)
	return n, err
}

func (s *spool) sum() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// parts gives the document out, as often as it is asked to. content is good until the next part.
func (s *spool) parts(give func(part int32, content []byte) error) error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("writing a report's file: %w", err)
	}
	content := make([]byte, partSize)
	for part := int32(0); int64(part)*partSize < s.size; part++ {
		n, err := s.file.ReadAt(content, int64(part)*partSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading a report's file: %w", err)
		}
		if err := give(part, content[:n]); err != nil {
			return err
		}
	}
	return nil
}

// close lets the disk have the space back.
func (s *spool) close() { _ = s.file.Close() } // all there was to read was read

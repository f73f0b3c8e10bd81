package pgoutput

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"outpost/replicate/change"
)

var errShort = errors.New("it is cut off")

// reader takes fields from the front of a message. After the first error every field
// is zero, so that a message can be read straight through and checked once.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.rest = nil
}

// bytes takes the next n. They share memory with the message, but not their capacity.
func (r *reader) bytes(n int64) []byte {
	if r.err == nil && (n < 0 || n > int64(len(r.rest))) {
		r.err, r.rest = errShort, nil
	}
	if r.err != nil {
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) lsn() change.LSN { return change.LSN(r.uint64()) }

// epoch is Postgres' 2000-01-01 in microseconds since 1970.
const epoch = 946_684_800_000_000

func (r *reader) time() time.Time { return time.UnixMicro(int64(r.uint64()) + epoch).UTC() }

// string takes a text that a zero byte ends.
func (r *reader) string() string {
	n := bytes.IndexByte(r.rest, 0)
	if n < 0 {
		r.bytes(int64(len(r.rest)) + 1) // cut off
		return ""
	}
	return string(r.bytes(int64(n) + 1)[:n])
}

// count takes a number of things of at least size bytes each, and refuses one that
// the message cannot hold before anything is allocated for it.
func (r *reader) count(size int) int {
	b := r.bytes(2)
	if b == nil {
		return 0
	}
	n := int(binary.BigEndian.Uint16(b))
	if n*size > len(r.rest) {
		r.fail("%d columns in %d bytes", n, len(r.rest))
		return 0
	}
	return n
}

// flags takes a byte in which only the known bits may be set.
func (r *reader) flags(known byte) byte {
	f := r.byte()
	if f&^known != 0 {
		r.fail("unknown flags %#x", f)
		return 0
	}
	return f
}

func (r *reader) expect(want byte) {
	if got := r.byte(); got != want {
		r.fail("a row of kind %q", got)
	}
}

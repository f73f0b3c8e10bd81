// Package wire is the format of the messages between the hub and its replicas.
//
// A stream is a chain: every message names the position before it, and the
// generation, system and timeline that its positions belong to, so a replica that
// missed one can tell. Three kinds exist. A Batch carries whole small transactions;
// a Piece is a part of one large transaction; a Heartbeat moves the position where
// nothing that is published was committed.
//
// The package is pure: bytes to values and back. It knows neither NATS nor SQLite,
// and of pgoutput only that a body is a run of its messages.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/klauspost/compress/s2" // packs 1 MiB of rows in less than a millisecond

	"outpost/replicate/change"
)

const (
	// MaxMessage bounds an encoded message, in bytes, before and after it is packed: the
	// sensible ceiling of a NATS payload. The hub cuts earlier.
	MaxMessage = 8 << 20
	// packedFrom is how long the content of a message is, at least, that is packed.
	packedFrom = 512
	// packed is set in the kind of a message whose content is.
	packed = 0x80
)

// Version is the format's version, the first byte of each message. A replica that
// reads another version refuses it.
const Version = 3

// Kind says what a Message carries.
type Kind byte

// The kinds of messages.
const (
	Batch     Kind = 1
	Piece     Kind = 2
	Heartbeat Kind = 3
)

// Header stands before every message.
type Header struct {
	Generation change.Generation
	System     uint64     // Postgres' system identifier
	Timeline   uint32     // Postgres' timeline
	Prev       change.LSN // the position before this message; a Piece: before its transaction
	Sent       time.Time  // by the hub's clock
}

// Message is one message of a stream; Kind says which of the last three fields counts.
type Message struct {
	Header
	Kind      Kind
	Txs       []Tx
	Part      Part
	Heartbeat change.LSN
}

// Tx is one whole transaction. Body is a run of records; see Records.
type Tx struct {
	End  change.LSN // the commit's END LSN
	XID  uint32
	Time time.Time // of the commit, by Postgres' clock
	Body []byte
}

// Size is what the transaction takes in a message, in bytes, at most.
func (t *Tx) Size() int { return 8 + 4 + 8 + binary.MaxVarintLen32 + len(t.Body) }

// Part is one part of a transaction too large for a message. Its body may end
// anywhere within a record.
type Part struct {
	Attempt uint32 // grows each time the hub has to start the transaction over
	Number  uint32 // from 0
	XID     uint32
	Body    []byte

	// The last part commits; the rest counts only there.
	Last     bool
	End      change.LSN
	Time     time.Time
	Checksum uint64 // xxhash64 over all bodies of the attempt
}

// End is the position that a replica has reached once the message is applied;
// false for a Piece that is not the last.
func (m *Message) End() (change.LSN, bool) {
	switch m.Kind {
	case Batch:
		if len(m.Txs) == 0 {
			return m.Prev, true
		}
		return m.Txs[len(m.Txs)-1].End, true
	case Piece:
		return m.Part.End, m.Part.Last
	default:
		return m.Heartbeat, true
	}
}

// ErrFormat is wrapped by every error of Decode.
var ErrFormat = errors.New("malformed stream message")

// Encode appends m to dst.
func Encode(dst []byte, m *Message) []byte {
	kind := len(dst) + 1
	dst = append(dst, Version, byte(m.Kind))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Generation))
	dst = binary.BigEndian.AppendUint64(dst, m.System)
	dst = binary.BigEndian.AppendUint32(dst, m.Timeline)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Prev))
	dst = appendTime(dst, m.Sent)
	content := len(dst)
	dst = appendContent(dst, m)
	if len(dst)-content < packedFrom {
		return dst
	}
	// Behind the content, and from there into its place.
	dst = slices.Grow(dst, s2.MaxEncodedLen(len(dst)-content))
	short := s2.Encode(dst[len(dst):cap(dst)], dst[content:])
	if len(short) >= len(dst)-content {
		return dst
	}
	dst[kind] |= packed
	return append(dst[:content], short...)
}

func appendContent(dst []byte, m *Message) []byte {
	switch m.Kind {
	case Batch:
		dst = binary.AppendUvarint(dst, uint64(len(m.Txs)))
		for i := range m.Txs {
			tx := &m.Txs[i]
			dst = binary.BigEndian.AppendUint64(dst, uint64(tx.End))
			dst = binary.BigEndian.AppendUint32(dst, tx.XID)
			dst = appendTime(dst, tx.Time)
			dst = appendBytes(dst, tx.Body)
		}
	case Piece:
		p := &m.Part
		dst = binary.BigEndian.AppendUint32(dst, p.Attempt)
		dst = binary.BigEndian.AppendUint32(dst, p.Number)
		dst = binary.BigEndian.AppendUint32(dst, p.XID)
		dst = appendBytes(dst, p.Body)
		if !p.Last {
			return append(dst, 0)
		}
		dst = append(dst, 1)
		dst = binary.BigEndian.AppendUint64(dst, uint64(p.End))
		dst = appendTime(dst, p.Time)
		dst = binary.BigEndian.AppendUint64(dst, p.Checksum)
	case Heartbeat:
		dst = binary.BigEndian.AppendUint64(dst, uint64(m.Heartbeat))
	}
	return dst
}

// Decode reads one message. Bodies may alias b.
func Decode(b []byte) (Message, error) {
	d := decoder{rest: b}
	if v := d.byte(); v != Version {
		return Message{}, fmt.Errorf("%w: version %d, this program reads %d", ErrFormat, v, Version)
	}
	var m Message
	kind := d.byte()
	m.Kind = Kind(kind &^ packed)
	m.Generation = change.Generation(d.uint64())
	m.System = d.uint64()
	m.Timeline = d.uint32()
	m.Prev = change.LSN(d.uint64())
	m.Sent = d.time()
	if kind&packed != 0 {
		d.unpack()
	}
	switch m.Kind {
	case Batch:
		n := d.uvarint()
		for i := uint64(0); i < n && d.err == nil; i++ {
			m.Txs = append(m.Txs, Tx{End: change.LSN(d.uint64()), XID: d.uint32(), Time: d.time(), Body: d.bytes()})
		}
	case Piece:
		m.Part = Part{Attempt: d.uint32(), Number: d.uint32(), XID: d.uint32(), Body: d.bytes()}
		switch d.byte() {
		case 0:
		case 1:
			m.Part.Last = true
			m.Part.End = change.LSN(d.uint64())
			m.Part.Time = d.time()
			m.Part.Checksum = d.uint64()
		default:
			d.fail("unknown end mark")
		}
	case Heartbeat:
		m.Heartbeat = change.LSN(d.uint64())
	default:
		d.fail("unknown kind")
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("bytes behind its end")
	}
	if d.err != nil {
		return Message{}, d.err
	}
	return m, nil
}

func appendTime(dst []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(t.UnixMicro()))
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// decoder reads fields until the first that is not whole, and zeroes after it.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrFormat, what)
	}
	d.rest = nil
}

// unpack goes on with the content of what is left.
func (d *decoder) unpack() {
	n, err := s2.DecodedLen(d.rest)
	if err != nil || n > MaxMessage {
		d.fail("a content that is packed, and cannot be unpacked")
		return
	}
	if d.rest, err = s2.Decode(nil, d.rest); err != nil {
		d.fail("a content that is packed, and cannot be unpacked")
	}
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail("cut short")
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || v > math.MaxInt32 {
		d.fail("a length that is none")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes() []byte { return d.take(d.uvarint()) }

func (d *decoder) time() time.Time { return time.UnixMicro(int64(d.uint64())).UTC() }

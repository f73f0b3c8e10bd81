package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"outpost/replicate/wire"
)

// publishTimeout bounds the wait for an acknowledgement. A message without one may
// or may not be in the log; the hub then reads the log's end again.
const publishTimeout = 10 * time.Second

// ErrOvertaken means that somebody else published: this hub was paused, another has
// taken over, and nothing of this one may reach the log any more.
var ErrOvertaken = errors.New("another hub has written to the stream since")

// Log is the stream as the hub sees it: the only writer.
type Log struct {
	conn   *Conn
	stream jetstream.Stream
	last   uint64 // sequence that the next message must follow
	buf    []byte
}

// OpenLog creates the stream or finds it. It holds up to maxBytes; beyond that,
// publishing fails rather than dropping what a replica may still need.
func (c *Conn) OpenLog(ctx context.Context, maxBytes int64) (*Log, error) {
	if c.server != nil {
		if err := c.server.Failed(); err != nil {
			return nil, fmt.Errorf("opening the stream: %w", err)
		}
	}
	s, err := c.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:       name,
		Subjects:   []string{subjectPrefix + "*"},
		Storage:    jetstream.FileStorage,
		Retention:  jetstream.LimitsPolicy,
		MaxBytes:   maxBytes,
		Discard:    jetstream.DiscardNew,
		MaxMsgSize: wire.MaxMessage,
		Duplicates: time.Second, // unused: positions and the expected sequence tell duplicates
	})
	if err != nil {
		if c.server != nil { // whose own words for a disk that takes nothing do not say what to do
			err = cmp.Or(writable(c.server.options.Dir, 1), err)
		}
		return nil, fmt.Errorf("opening the stream: %w", c.failed(err))
	}
	// An existing NATS takes an eighth of that if nobody tells it.
	if most := c.nats.MaxPayload(); most < wire.MaxMessage {
		return nil, fmt.Errorf("opening the stream: the NATS server takes messages of %d bytes at most; set max_payload: 8MB in its configuration", most)
	}
	info, err := s.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the stream's state: %w", err)
	}
	return &Log{conn: c, stream: s, last: info.State.LastSeq}, nil
}

// Bounds are the sequences of the oldest and newest message, and the bytes held.
// An empty stream has First = Last + 1.
type Bounds struct {
	First, Last uint64
	Bytes       uint64
	Messages    uint64
	Consumers   int
	Oldest      time.Time // when the first message was stored, by the server's clock
	Newest      time.Time // when the last one was
	Now         time.Time // of the answer, by the server's clock
}

func bounds(info *jetstream.StreamInfo) Bounds {
	s := info.State
	b := Bounds{First: s.FirstSeq, Last: s.LastSeq, Bytes: s.Bytes, Messages: s.Msgs, Consumers: s.Consumers, Oldest: s.FirstTime, Newest: s.LastTime, Now: info.TimeStamp}
	if s.Msgs == 0 {
		b.First = s.LastSeq + 1
	}
	return b
}

// Bounds asks the server.
func (l *Log) Bounds(ctx context.Context) (Bounds, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return Bounds{}, fmt.Errorf("reading the stream's state: %w", l.conn.failed(err))
	}
	return bounds(info), nil
}

// Message reads one message by its sequence; false when it is not there.
func (l *Log) Message(ctx context.Context, seq uint64) (wire.Message, bool, error) {
	raw, err := l.stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return wire.Message{}, false, nil
	}
	if err != nil {
		return wire.Message{}, false, fmt.Errorf("reading message %d of the stream: %w", seq, err)
	}
	m, err := wire.Decode(raw.Data)
	if err != nil {
		return wire.Message{}, false, fmt.Errorf("message %d of the stream: %w", seq, err)
	}
	return m, true, nil
}

// Publish appends m to a zone's subject and returns its sequence once it is on disk.
// After an error the Log must be opened anew: what the stream holds is then unknown.
func (l *Log) Publish(ctx context.Context, zone string, m *wire.Message) (uint64, error) {
	l.buf = wire.Encode(l.buf[:0], m)
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if l.conn.server != nil { // which answers nothing when it cannot write
		defer context.AfterFunc(l.conn.server.wellness(), cancel)()
	}
	ack, err := l.conn.js.PublishMsg(ctx, &nats.Msg{Subject: subject(zone), Data: l.buf},
		jetstream.WithExpectStream(name), jetstream.WithExpectLastSequence(l.last), jetstream.WithRetryAttempts(0))
	if err != nil {
		var api *jetstream.APIError
		if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
			return 0, ErrOvertaken
		}
		if l.conn.server != nil {
			err = cmp.Or(l.conn.server.Failed(), err)
		}
		return 0, fmt.Errorf("publishing to the stream: %w", l.conn.failed(err))
	}
	l.last = ack.Sequence
	return ack.Sequence, nil
}

// Purge drops the messages below seq; sequences go on from where they were.
func (l *Log) Purge(ctx context.Context, seq uint64) error {
	if err := l.stream.Purge(ctx, jetstream.WithPurgeSequence(seq)); err != nil {
		return fmt.Errorf("purging the stream: %w", err)
	}
	return nil
}

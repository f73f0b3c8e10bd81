package stream

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"
	"outpost/replicate/wire"
)

const (
	// pulledBytes is how much the server sends unasked, and so what it or the connection
	// hold for an edge that does not read. It must hold the largest message.
	pulledBytes = 2*wire.MaxMessage + 2<<20
	// pulledMessages is how many it sends unasked, small as they may be: the client makes room
	// for as many beforehand, and where nothing is said that is for a million, 8 MB.
	pulledMessages = 1 << 14
	// feedBytes and feedMessages are what a feed holds beside that. It hands over a quarter
	// of that at once, and at least one message.
	feedBytes    = 16 << 20
	feedMessages = 1024
)

// Delivery is a message of the stream as a replica receives it.
type Delivery struct {
	Seq     uint64 // in the stream
	Message wire.Message
	Pending uint64    // messages behind it that are not delivered yet
	Stored  time.Time // by the hub's clock
}

// Bounds asks the server, as an edge may.
func (c *Conn) Bounds(ctx context.Context) (Bounds, error) {
	s, err := c.js.Stream(ctx, name)
	if err != nil {
		return Bounds{}, fmt.Errorf("looking up the stream: %w", c.failed(err))
	}
	return bounds(s.CachedInfo()), nil
}

// Feed delivers a zone's messages in order, from one sequence on. It ends at the first
// doubt: when the connection broke and is there again, when the server or the consumer is
// silent, when a delivery is missing. Whoever follows compares where it stands with Bounds
// and begins another; a consumer that recreated itself would wait for ever past the end of
// a stream that was lost and begun anew.
type Feed struct {
	messages chan Delivery
	room     *semaphore.Weighted // of what is in messages, in bytes
	ctx      context.Context     // it lives until Stop, or until the connection is another
	stop     context.CancelCauseFunc
	err      error // why it ended; read after messages is closed
}

// Follow starts a feed at sequence from. The caller has compared from with Bounds:
// a consumer started past the end gets no error and waits for ever.
func (c *Conn) Follow(ctx context.Context, from uint64) (*Feed, error) {
	link := c.link()
	consumer, err := c.js.CreateConsumer(ctx, name, jetstream.ConsumerConfig{
		Name:              rand.Text(),
		FilterSubject:     subject(c.zone),
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       from,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: 30 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("consuming the stream: %w", c.failed(err))
	}
	messages, err := consumer.Messages(
		jetstream.PullMaxMessagesWithBytesLimit(pulledMessages, pulledBytes),
		jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(2*time.Second))
	if err != nil {
		return nil, fmt.Errorf("consuming the stream: %w", err)
	}
	f := &Feed{messages: make(chan Delivery, feedMessages/4), room: semaphore.NewWeighted(feedBytes)}
	f.ctx, f.stop = context.WithCancelCause(link)
	go f.run(messages)
	return f, nil
}

func (f *Feed) run(messages jetstream.MessagesContext) {
	defer close(f.messages)
	defer messages.Stop()
	defer f.stop(nil)
	for number := uint64(1); ; number++ {
		m, err := messages.Next(jetstream.NextContext(f.ctx))
		if err != nil {
			f.err = fmt.Errorf("receiving from the stream: %w", cmp.Or(context.Cause(f.ctx), err))
			return
		}
		d, err := delivery(m, number)
		if err != nil {
			f.err = err
			return
		}
		if f.room.Acquire(f.ctx, weight(d)) != nil {
			f.err = context.Cause(f.ctx)
			return
		}
		select {
		case f.messages <- d:
		case <-f.ctx.Done():
			f.err = context.Cause(f.ctx)
			return
		}
	}
}

var (
	errStopped     = errors.New("the feed was stopped")
	errReconnected = errors.New("the connection to the hub broke meanwhile")
	errMissing     = errors.New("messages were lost on the way")
)

// delivery reads the message that is to be the consumer's number-th.
func delivery(m jetstream.Msg, number uint64) (Delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return Delivery{}, fmt.Errorf("reading a message's metadata: %w", err)
	}
	if meta.Sequence.Consumer != number {
		return Delivery{}, fmt.Errorf("receiving from the stream: %w", errMissing)
	}
	message, err := wire.Decode(m.Data())
	if err != nil {
		return Delivery{}, fmt.Errorf("message %d of the stream: %w", meta.Sequence.Stream, err)
	}
	return Delivery{Seq: meta.Sequence.Stream, Message: message, Pending: meta.NumPending, Stored: meta.Timestamp}, nil
}

// Next waits for a message and returns it with whatever else is there already, in
// order, appended to dst[:0].
func (f *Feed) Next(ctx context.Context, dst []Delivery) ([]Delivery, error) {
	dst = dst[:0]
	select {
	case d, ok := <-f.messages:
		if !ok {
			return nil, f.err
		}
		dst = append(dst, f.taken(d))
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for bytes := size(dst[0]); bytes < feedBytes/4 && len(dst) < feedMessages/4; {
		select {
		case d, ok := <-f.messages:
			if !ok {
				return dst, nil // the error comes with the next call
			}
			dst = append(dst, f.taken(d))
			bytes += size(d)
		default:
			return dst, nil
		}
	}
	return dst, nil
}

// taken makes room for another.
func (f *Feed) taken(d Delivery) Delivery {
	f.room.Release(weight(d))
	return d
}

// Stop ends the feed. It may be called twice.
func (f *Feed) Stop() { f.stop(errStopped) }

// weight is what a delivery takes of the room.
func weight(d Delivery) int64 { return min(int64(size(d)), feedBytes) }

func size(d Delivery) int {
	n := len(d.Message.Part.Body)
	for i := range d.Message.Txs {
		n += len(d.Message.Txs[i].Body) + int(unsafe.Sizeof(wire.Tx{}))
	}
	return n
}

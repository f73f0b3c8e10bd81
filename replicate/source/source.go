// Package source is Postgres as replication sees it: what is published, one logical
// slot, a consistent copy of everything, and the stream of changes that continues it.
//
// It guarantees
//   - that the stream from the position which Copy returns continues the copy without
//     a gap and without an overlap, whatever is written meanwhile;
//   - that values look the same in the copy and in the stream: Postgres' text form
//     under fixed session settings;
//   - that Postgres is told to forget only what Confirm was told is safe;
//   - that a slot is never left behind by a Copy that failed.
//
// It knows nothing of where the changes go. Connections are made for each call and
// closed by it; only a Stream keeps one.
package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"

	"outpost/replicate/change"
)

// Oldest is the first major version of Postgres that can be a source.
const Oldest = 15

// Why a stream cannot start where it was asked to. Each of them means that what was
// copied cannot be continued.
var (
	ErrNoSlot    = errors.New("the replication slot does not exist")
	ErrSlotLost  = errors.New("the replication slot was invalidated: Postgres no longer has the WAL it needs")
	ErrSlotAhead = errors.New("the replication slot was confirmed beyond this position: Postgres would leave out what lies between")
)

// What may be wrong with a publication.
var (
	// ErrNoPublication is what Check finds in a database that nobody has prepared.
	ErrNoPublication = errors.New("does not exist")
	// ErrPartial says that the publication does not publish every kind of change.
	ErrPartial = errors.New("leaves out")
)

// Config names a source.
type Config struct {
	URL         string // of the database, for a role that may replicate
	Publication string
	Slot        string       // see SlotName
	Log         *slog.Logger // may be nil
}

// Source is a published database. Its methods may be called from any goroutine, but
// Copy, DropSlot and Stream share the one slot: one at a time.
type Source struct {
	Config
	log *slog.Logger

	copying atomic.Pointer[copying] // while a copy runs

	lockTimeout time.Duration // how long Copy waits for other transactions
	beat        time.Duration // how often a Stream tells Postgres that it is there
	silence     time.Duration // after which a Stream gives a connection up
	queueBytes  int           // what a Stream reads ahead
}

// New makes a Source. It does not connect: see Check.
func New(c Config) *Source {
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Source{
		Config: c, log: log,
		lockTimeout: 10 * time.Second,
		beat:        time.Second,
		silence:     60 * time.Second,
		queueBytes:  8 << 20,
	}
}

// Identity tells one history of positions from another.
type Identity struct {
	System   uint64 // given at initdb
	Timeline uint32 // changes with every promotion and point-in-time recovery
	WALFlush change.LSN
	Database string
}

// Identify asks who Postgres is and how far its WAL reaches.
func (s *Source) Identify(ctx context.Context) (Identity, error) {
	conn, err := s.connectReplication(ctx, s.lockTimeout)
	if err != nil {
		return Identity{}, err
	}
	defer closeConn(ctx, conn)
	r, err := pglogrepl.IdentifySystem(ctx, conn)
	if err != nil {
		return Identity{}, fmt.Errorf("asking Postgres who it is: %w", err)
	}
	system, err := strconv.ParseUint(r.SystemID, 10, 64)
	if err != nil {
		return Identity{}, fmt.Errorf("asking Postgres who it is: its system identifier %q is not a number", r.SystemID)
	}
	return Identity{
		System: system, Timeline: uint32(r.Timeline), WALFlush: change.LSN(r.XLogPos), Database: r.DBName,
	}, nil
}

// SlotName gives a database's slot: outpost_<database> in the letters that a slot
// may have. Slots belong to the whole server, so a name that had to be altered ends
// in a hash: "a-b" and "a_b" must not share one.
func SlotName(database string) string { return slotName("outpost_", database) }

// ReplicateSlotName is the slot's of a program that replicates on its own, beside a hub
// whose slot has SlotName.
func ReplicateSlotName(database string) string { return slotName("outpost_replicate_", database) }

func slotName(prefix, database string) string {
	const longest = 63
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		}
		return '_'
	}, database)
	if name == database && len(prefix+name) <= longest {
		return prefix + name
	}
	sum := sha256.Sum256([]byte(database))
	suffix := "_" + hex.EncodeToString(sum[:4])
	return prefix + name[:min(len(name), longest-len(prefix)-len(suffix))] + suffix
}

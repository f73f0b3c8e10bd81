package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// AnnouncementPrefix names the logical messages that announce changes of the schema.
const AnnouncementPrefix = "outpost.schema"

// ErrForged says that a message is not what the functions of tracking.sql have sent in
// its transaction. Any role may emit one; the code in front of it only they can make.
var ErrForged = errors.New("it does not prove where it comes from")

// Announcement describes tables as they are at its place in the stream.
type Announcement struct {
	Tag      string // of the command, such as ALTER TABLE; "" where a migration called
	Complete bool   // Tables are all that are published
	Partial  bool   // the publication leaves out some kind of change
	Changed  []uint32
	Created  []uint32 // by this transaction, and empty
	Dropped  []uint32
	Tables   []Published // of the changed ones those that are published

	before  uint32   // transactions that began later were not seen
	running []uint32 // nor were these
}

// Saw says whether the tables are described as another transaction, which has committed by
// now, left them.
func (a *Announcement) Saw(xid uint32) bool {
	return int32(xid-a.before) < 0 && !slices.Contains(a.running, xid) // modulo 2^32, as Postgres compares them
}

// announcement is what tracking.sql writes behind the code.
type announcement struct {
	XID      uint32   `json:"xid"`
	Snapshot string   `json:"snapshot"`
	Tag      string   `json:"tag"`
	Complete bool     `json:"complete"`
	Partial  []string `json:"partial"`
	Changed  []uint32 `json:"changed"`
	Created  []uint32 `json:"created"`
	Dropped  []uint32 `json:"dropped"`
	Lines    []line   `json:"lines"`
}

// Announcement reads a message that arrived in transaction xid.
func (s *Source) Announcement(ctx context.Context, content []byte, xid uint32) (*Announcement, error) {
	if len(content) < sha256.Size {
		return nil, fmt.Errorf("%w: it is too short", ErrForged)
	}
	proof, text := content[:sha256.Size], content[sha256.Size:]
	key, err := s.secret(ctx)
	if err != nil {
		return nil, err
	}
	if key == nil || subtle.ConstantTimeCompare(proof, prove(key, text)) != 1 {
		return nil, fmt.Errorf("%w: its code is wrong", ErrForged)
	}
	var a announcement
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("reading an announcement of a changed schema: %w", err)
	}
	if a.XID != xid {
		return nil, fmt.Errorf("%w: it was made by transaction %d", ErrForged, a.XID)
	}
	out := &Announcement{Tag: a.Tag, Complete: a.Complete, Changed: a.Changed, Created: a.Created, Dropped: a.Dropped}
	if out.before, out.running, err = parseSnapshot(a.Snapshot); err != nil {
		return nil, err
	}
	for _, name := range a.Partial {
		out.Partial = out.Partial || name == s.Publication
	}
	var lines []line
	for _, l := range a.Lines {
		if l.Publication == s.Publication {
			lines = append(lines, l)
		}
	}
	out.Tables = assembleAll(lines)
	return out, nil
}

// parseSnapshot reads the form Postgres prints, xmin:xmax:running,…, of transactions with
// their epoch.
func parseSnapshot(text string) (before uint32, running []uint32, err error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0, nil, fmt.Errorf("reading an announcement of a changed schema: %q is no snapshot", text)
	}
	xids := strings.Split(parts[1]+","+parts[2], ",")
	for i, each := range xids {
		if each == "" && i > 0 {
			break // none is running
		}
		xid, err := strconv.ParseUint(each, 10, 64)
		if err != nil {
			return 0, nil, fmt.Errorf("reading an announcement of a changed schema: %q is no snapshot", text)
		}
		running = append(running, uint32(xid))
	}
	return running[0], running[1:], nil
}

// prove computes the code: a hash keyed on both sides, so that nothing can be appended.
func prove(key, text []byte) []byte {
	inner := sha256.Sum256(bytes.Join([][]byte{key, text}, nil))
	outer := sha256.Sum256(bytes.Join([][]byte{key, inner[:]}, nil))
	return outer[:]
}

// secret is nil where there is none, or none that this role may see. One that was made
// in the announcement's own transaction, after a crash, is seen an instant later than
// the message: a commit is sent before it is visible.
func (s *Source) secret(ctx context.Context) (key []byte, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closeConn(ctx, conn.PgConn())
	for began := time.Now(); time.Since(began) < time.Second; {
		err = conn.QueryRow(ctx, "SELECT * FROM outpost.read_secret()").Scan(&key)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows), slices.Contains([]string{codeForbidden, codeNoSchema, codeNoRoutine}, code(err)):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the secret of the announcements: %w", err)
	}
	return key, nil
}

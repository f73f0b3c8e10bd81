// Package seed holds the catalogue that comes with Outpost and the demo data that
// shows it in use.
//
// The catalogue is written by hand, as files under courses/ and in frameworks.yaml;
// Content reads it. The demo data is made around it: companies, people, their learning
// and their phishing simulations. It is told relative to the day it is made on, so it
// looks as lively next year; on any one day it is the same, row for row.
//
// It guarantees that a database is filled entirely or not at all, that a second run
// changes nothing, that a database with somebody's real data is refused, and that keys
// handed out afterwards do not collide. It knows the tables of sql/postgres/migrations
// and, of the server that reads them, only how it hashes passwords and when assignments fall due.
//
// # A course
//
// A folder under courses/ named after the slug: course.yaml with what every language shares,
// and for each language <locale>.md (front matter, then one "# Title {#key}" per lesson) and
// quiz.<locale>.yaml. Keys tie the languages together, and Load refuses a course in which they
// do not. The quiz files name the right option first; publishing shuffles, and puts the right
// option and its explanation into tables that never leave Postgres. What else a course needs before it
// is published, `make check-courses` tells.
//
// # Who is there
//
// Every account has the password in Password. user1@example.com to user20@example.com are
// learners at every size; the first, in Marketing, has begun one course and not enrolled in the others.
// admin@example.com is a platform admin, manager@example.com an admin at the company of
// user1, manager<n>@example.com one at company n. former<n>@example.com left company n and
// may not log in. The first ten companies and the first thousand users, with all they did, are the same
// at every size. Company 2, where user1 works, is the largest of them; company 10 has only three people
// besides its admin. The companies after them have invented names in the manner of their countries.
//
// What managers may see of people differs: by name at the company of user1 (individual), by
// pseudonym at company 4, not at all at company 3 (aggregate). The admin of company 2 gets a
// report by mail every month.
//
// Companies differ in size as companies do, in country, time zone and data zone, and in how diligent
// they and their departments are. People learn and react in the working hours of their company's time
// zone. Each has one trait, care, that moves all they do: when they finish, what they score, and what they
// click on.
//
// # A framework
//
// An entry of frameworks.yaml. Its requirements are those that people satisfy by learning, in the
// framework's own order; courses name those that they satisfy in their course.yaml. Load allows one
// without a course, which nobody owes and no figure counts; in this catalogue each has one.
package seed

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed courses frameworks.yaml
var files embed.FS

// Password is what every demo account logs in with.
const Password = "testpassword"

// Size says how many people the demo has.
type Size string

// The sizes: 1,000, 20,000 and 250,000 users.
const (
	Small  Size = "small"
	Medium Size = "medium"
	Large  Size = "large"
)

// ParseSize reads a size as it is written on the command line.
func ParseSize(s string) (Size, error) {
	if size := Size(s); size.Users() > 0 {
		return size, nil
	}
	return "", fmt.Errorf("size %q: it may be small, medium or large", s)
}

// ParseSeed reads the number of a demo as it is written on the command line.
func ParseSeed(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("seed %q: it may be a whole number from 1 on", s)
	}
	return n, nil
}

// Users is how many numbered users there are: user1@example.com and so on.
func (s Size) Users() int {
	switch s {
	case Small:
		return 1_000
	case Medium:
		return 20_000
	case Large:
		return 250_000
	}
	return 0
}

func (s Size) companies() int { return map[Size]int{Small: 10, Medium: 170, Large: 2_000}[s] }

// Options say what to fill a database with.
type Options struct {
	Size Size
	Seed uint64 // another number, another demo, of which the database keeps no note; zero: 1
	// Courses is how many courses a company plans at most, for tests that need people rather than
	// bulk; zero: as many as fit its size.
	Courses int
	// PasswordHash is the hash of Password in the form in which user_credentials keeps it, an
	// Argon2id PHC string. Empty: one is made. All accounts share it, since hashing a thousand
	// would take half a minute.
	PasswordHash string
	Now          time.Time // its day is the demo's today; zero: the clock's
	Log          *slog.Logger

	flushAt  int           // rows gathered before they are copied; zero: 50,000
	postpone bool          // indexes and constraints whatever the size
	every    time.Duration // between lines that tell how far it is; zero: five seconds
}

// ErrForeignData is returned for a database that holds something else than demo data.
var ErrForeignData = errors.New("the database already holds data that is not the demo's; seed an empty one")

// Content is the catalogue that comes with Outpost.
func Content() (Catalogue, error) { return Load(files) }

// Run fills the database at url, whose migrations are done, in one transaction. A database
// that has demo data already, of whatever size and seed, stays as it is.
//
// A medium or large demo keeps everybody else from the tables that grow with people, and from
// those that they refer to, until it is in: a server that runs on the database waits.
func Run(ctx context.Context, url string, o Options) error {
	switch {
	case o.Size.Users() == 0:
		return fmt.Errorf("seeding: size %q is unknown", o.Size)
	case o.PasswordHash != "" && !strings.HasPrefix(o.PasswordHash, "$argon2id$"):
		return errors.New("seeding: the password's hash is not an Argon2id PHC string")
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.flushAt == 0 {
		o.flushAt = 50_000
	}
	if o.every == 0 {
		o.every = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	catalogue, err := Content()
	if err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// The error would repeat the URL, and with it the password.
		return errors.New("seeding: the database URL cannot be read: give it as postgres://user:password@host:port/database")
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("seeding: connecting to Postgres: %w", err)
	}
	// Nothing is lost if the goodbye fails: what counts is the commit below.
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := run(ctx, conn, catalogue, o); err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	return nil
}

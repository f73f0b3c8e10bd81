package node_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/server/api"
	"outpost/server/api/apitest"
	"outpost/server/auth"
	"outpost/server/cache"
	"outpost/server/store"
	"outpost/server/telemetry"
	"outpost/server/training"
	"outpost/sql"
)

// BenchmarkMiss is the whole of a miss, from the bytes of a request over a query of a real replica to the
// bytes of the answer. The last keeps no answer, as a node whose OUTPOST_CACHE_BYTES is off.
func BenchmarkMiss(b *testing.B) {
	replicas := missReplica(b)
	for _, m := range []struct {
		name, target, encoding string
		off                    bool
	}{
		{name: "courses", target: "/api/v1/courses?size=20&locale=de"},
		{name: "courses br", target: "/api/v1/courses?size=20&locale=de", encoding: "br"},
		{name: "course", target: "/api/v1/courses/course-7?locale=de"},
		{name: "enrollments", target: "/api/v1/me/enrollments?size=20&locale=de"},
		{name: "courses off", target: "/api/v1/courses?size=20&locale=de", off: true},
	} {
		b.Run(m.name, func(b *testing.B) {
			n := newMissNode(b, replicas, m.off)
			request := n.request(m.target, m.encoding)
			b.ReportAllocs()
			n.wire.Ask(b, request, "HTTP/1.1 200 OK", b.Loop)
			stats := n.cache.Stats()
			if stats.Misses < uint64(b.N) || stats.Hits < uint64(b.N)-1 {
				b.Errorf("%d requests: %d misses, and %d tokens were found", b.N, stats.Misses, stats.Hits)
			}
		})
	}
}

// missUser is a learner with 30 enrollments.
var missUser = training.Principal{UserID: 1, CompanyID: 1, SessionID: 1, Role: training.Learner, Locale: "de", Zone: "eu"}

// missReplica makes a replica of a company of 2,000 in a catalogue of 60 courses.
func missReplica(b *testing.B) *replica.Replica {
	b.Helper()
	url := pgtest.Cluster(b).URL("postgres")
	if err := sql.Migrate(b.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
		b.Fatal(err)
	}
	pgtest.Exec(b, url, missFixture()...)
	path := filepath.Join(b.TempDir(), "replica.db")
	loader, err := replica.Create(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer loader.Abort()
	lsn, err := source.New(source.Config{URL: url, Publication: sql.Publication, Slot: source.SlotName("miss")}).Copy(b.Context(), loader.Begin, loader.Row)
	if err != nil {
		b.Fatal(err)
	}
	if err := loader.Finish(b.Context(), replica.State{Position: change.Position{Generation: 7, LSN: lsn}, Incarnation: 3}); err != nil {
		b.Fatal(err)
	}
	scripts, err := sql.Objects()
	if err != nil {
		b.Fatal(err)
	}
	options := replica.Options{Path: path, Prepare: store.Prepare}
	for _, o := range scripts {
		options.Objects = append(options.Objects, replica.Object(o))
	}
	r, err := replica.Open(b.Context(), options)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	})
	return r
}

func missFixture() []string {
	public := missKey().Public().(ed25519.PublicKey)
	return []string{
		fmt.Sprintf(`INSERT INTO signing_keys (kid, public_key, not_before) VALUES ('%s', '\x%x', now() - interval '1 day')`, auth.KeyID(public), []byte(public)),
		`INSERT INTO companies (name, slug, country, locale, data_zone) VALUES ('Eins', 'eins', 'DE', 'de', 'eu')`,
		`INSERT INTO users (company_id, data_zone, email, full_name, locale) SELECT 1, 'eu', 'user' || i || '@example.com', 'User ' || i, 'de' FROM generate_series(1, 2000) i`,
		`INSERT INTO sessions (company_id, data_zone, user_id, expires_at) VALUES (1, 'eu', 1, now() + interval '1 day')`,
		`INSERT INTO courses (slug, category, level, minutes, is_published, validity_days, created_at)
			SELECT 'course-' || i, 'email', 'beginner', 10 + i % 7, true, 365, '2026-01-01'::timestamptz + i * interval '1 h' FROM generate_series(1, 60) i`,
		`INSERT INTO course_translations (course_id, locale, title, description)
			SELECT i, l, 'Title ' || l || ' ' || (i * 37) % 61, repeat('What it is about & why. ', 10) FROM generate_series(1, 60) i, unnest(ARRAY['en', 'de']) l`,
		`INSERT INTO lessons (course_id, position, kind) SELECT i, n, 'text' FROM generate_series(1, 60) i, generate_series(1, 8) n`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, due_at, created_at)
			SELECT 1, 'eu', u, i, 'assigned', '2026-06-01'::timestamptz + i * interval '1 day', '2026-02-01'::timestamptz + i * interval '1 h'
			FROM generate_series(1, 50) u, generate_series(1, 30) i`,
	}
}

func missKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
}

// missNode is a primary that is asked nothing but reads, over a replica that stands still.
type missNode struct {
	b     *testing.B
	cache *cache.Cache
	wire  *apitest.Listener
}

func newMissNode(b *testing.B, r *replica.Replica, off bool) *missNode {
	b.Helper()
	state := r.State()
	c, err := cache.New(cache.Options{MaxBytes: 64 << 20, Published: func() cache.At {
		at := r.State()
		return cache.At{Position: at.Position, Incarnation: at.Incarnation}
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	c.Reset(state.Incarnation)
	// Changes that the replica will never have: no answer that depends on them is kept.
	c.Raise([]cache.Tag{cache.Table("courses"), cache.Row("courses", 7), cache.Ref("enrollments", "user_id", missUser.UserID)}, state.Position.LSN+1)

	s := store.New(r)
	unasked := func(context.Context, auth.KeyHash) (int64, change.Position, error) {
		return 0, change.Position{}, errors.New("no API key is known here")
	}
	authenticator, err := auth.NewAuthenticator(auth.Options{Cache: c, Read: s.Read, Keys: auth.KeySource{Identify: unasked, Wait: r.Wait}})
	if err != nil {
		b.Fatal(err)
	}
	a, err := api.New(api.Deps{
		Region: "fra", Version: "bench", Read: s.Read, Wait: r.Wait, Cache: c, KeepNothing: off, Auth: authenticator,
		Published: func() training.At {
			at := r.State()
			return training.At{Position: at.Position, Incarnation: at.Incarnation}
		},
		Writer: struct{ api.Writer }{}, Tokens: missSigner(b).Sign, // neither is asked for anything
		Stale:   func() (time.Duration, bool) { return 0, false },
		Away:    func() bool { return false },
		Ready:   func() error { return nil },
		Status:  func(bool) any { return nil },
		Changed: func() <-chan struct{} { return nil },
		History: func() ([]byte, error) { return nil, nil },
		Limits:  api.Limits{Rate: api.Rate{Count: 100_000_000, Per: time.Minute, Burst: 1_000_000}},
		Metrics: telemetry.New("bench", "fra", nil), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := a.Shutdown(context.Background()); err != nil {
			b.Errorf("shutting down: %v", err)
		}
	})
	return &missNode{b, c, apitest.Listen(b, a)}
}

func missSigner(b *testing.B) *auth.Signer {
	b.Helper()
	key := missKey()
	signer, err := auth.NewSigner(auth.KeyID(key.Public().(ed25519.PublicKey)), key, nil)
	if err != nil {
		b.Fatal(err)
	}
	return signer
}

func (n *missNode) request(target, encoding string) []byte {
	n.b.Helper()
	token, _, err := missSigner(n.b).Sign(missUser)
	if err != nil {
		n.b.Fatal(err)
	}
	var r bytes.Buffer
	fmt.Fprintf(&r, "GET %s HTTP/1.1\r\nHost: fra.example.com\r\nAuthorization: Bearer %s\r\n", target, token)
	if encoding != "" {
		fmt.Fprintf(&r, "Accept-Encoding: %s\r\n", encoding)
	}
	r.WriteString("\r\n")
	return r.Bytes()
}

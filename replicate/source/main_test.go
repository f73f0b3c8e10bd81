package source

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/pgoutput"
)

func TestMain(m *testing.M) {
	code := pgtest.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// database creates a database, and a source of what statements publish in it.
func database(t *testing.T, statements ...string) (*Source, string) {
	t.Helper()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, statements...)
	return New(config(t, url)), url
}

func config(t *testing.T, address string) Config {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return Config{URL: address, Publication: "outpost", Slot: SlotName(strings.TrimPrefix(u.Path, "/"))}
}

const (
	people     = "CREATE TABLE people (id bigint PRIMARY KEY, name text)"
	publishAll = "CREATE PUBLICATION outpost FOR ALL TABLES"
)

func query[T any](t *testing.T, url, sql string, args ...any) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var v T
	if err := conn.QueryRow(ctx, sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// eventually asks Postgres until a query answers true.
func eventually(t *testing.T, url, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for {
		var yes bool
		if err := conn.QueryRow(ctx, sql, args...).Scan(&yes); err != nil {
			t.Fatalf("waiting for %s: %v", sql, err)
		}
		if yes {
			return
		}
	}
}

// mirror is what a replica would hold: rows by table and key, as text.
type mirror struct {
	tables map[uint32]*change.Table
	rows   map[uint32]map[string]string
}

func (m *mirror) begin(tables []*change.Table) error {
	m.tables, m.rows = map[uint32]*change.Table{}, map[uint32]map[string]string{}
	for _, t := range tables {
		m.tables[t.OID] = t
		m.rows[t.OID] = map[string]string{}
	}
	return nil
}

func (m *mirror) row(t *change.Table, r change.Row) error {
	if len(r) != len(t.Columns) {
		return fmt.Errorf("table %s: %d values", t.Name, len(r))
	}
	key := keyOf(t, r)
	if old, ok := m.rows[t.OID][key]; ok {
		return fmt.Errorf("table %s: row %s arrived twice: %s and %s", t.Name, key, old, show(r))
	}
	m.rows[t.OID][key] = show(r)
	return nil
}

// apply follows the stream strictly: a row that is there twice or not at all means an
// overlap or a gap.
func (m *mirror) apply(message pgoutput.Message) error {
	switch message := message.(type) {
	case *pgoutput.Insert:
		return m.row(m.tables[message.OID], message.New)
	case *pgoutput.Update:
		t, old := m.tables[message.OID], message.Old
		if old == nil {
			old = message.New
		}
		if err := m.remove(t, old); err != nil {
			return err
		}
		return m.row(t, message.New)
	case *pgoutput.Delete:
		return m.remove(m.tables[message.OID], message.Old)
	}
	return nil
}

func (m *mirror) remove(t *change.Table, r change.Row) error {
	key := keyOf(t, r)
	if _, ok := m.rows[t.OID][key]; !ok {
		return fmt.Errorf("table %s: there is no row %s", t.Name, key)
	}
	delete(m.rows[t.OID], key)
	return nil
}

func keyOf(t *change.Table, r change.Row) string {
	var key []string
	for _, i := range t.Key {
		key = append(key, string(r[i].Data))
	}
	return strings.Join(key, "|")
}

func show(r change.Row) string {
	var text []string
	for _, v := range r {
		if v.Presence == change.Present {
			text = append(text, fmt.Sprintf("%q", v.Data))
		} else {
			text = append(text, string(rune(v.Presence)))
		}
	}
	return strings.Join(text, " ")
}

func stream(t *testing.T, s *Source, from change.LSN) *Stream {
	t.Helper()
	st, err := s.Stream(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return st
}

// next gives the next message that is not a keepalive.
func next(t *testing.T, st *Stream) (pgoutput.Message, Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		e, err := st.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if e.Keepalive {
			continue
		}
		m, err := pgoutput.Decode(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		return m, e
	}
}

// copied runs a Copy into a mirror.
func copied(t *testing.T, s *Source) (*mirror, change.LSN) {
	t.Helper()
	var m mirror
	lsn, err := s.Copy(t.Context(), m.begin, m.row)
	if err != nil {
		t.Fatal(err)
	}
	return &m, lsn
}

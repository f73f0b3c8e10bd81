package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"outpost/replicate/change"
	"outpost/replicate/wire"
)

// items has a key of its own and a wider identity, as tenant tables do; links has a
// key of two columns.
func items() *change.Table {
	return &change.Table{
		OID: 100, Schema: "public", Name: "items", SQLite: "items",
		Columns: []change.Column{
			{Name: "id", TypeOID: 20, Type: "bigint", Kind: change.Integer},
			{Name: "company_id", TypeOID: 20, Type: "bigint", Kind: change.Integer},
			{Name: "name", TypeOID: 25, Type: "text", Kind: change.Text},
			{Name: "note", TypeOID: 25, Type: "text", Kind: change.Text},
		},
		Key: []int{0}, Identity: []int{0, 1},
	}
}

func links() *change.Table {
	return &change.Table{
		OID: 200, Schema: "public", Name: "links", SQLite: "links",
		Columns: []change.Column{
			{Name: "a", TypeOID: 25, Type: "text", Kind: change.Text},
			{Name: "b", TypeOID: 20, Type: "bigint", Kind: change.Integer},
			{Name: "weight", TypeOID: 701, Type: "double precision", Kind: change.Float},
		},
		Key: []int{0, 1}, Identity: []int{0, 1},
	}
}

// unchanged stands for a TOAST value that an UPDATE left alone; nil is NULL.
const unchanged = "\x00unchanged"

func row(values ...any) change.Row {
	out := make(change.Row, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil:
			out[i] = change.Value{Presence: change.Null}
		default:
			text := fmt.Sprint(v)
			if text == unchanged {
				out[i] = change.Value{Presence: change.Unchanged}
				continue
			}
			out[i] = change.Value{Presence: change.Present, Data: []byte(text)}
		}
	}
	return out
}

// The encoder of pgoutput messages; decoding them is the package pgoutput's business.

func relation(t *change.Table) []byte {
	b := binary.BigEndian.AppendUint32([]byte{'R'}, t.OID)
	b = append(b, t.Schema+"\x00"+t.Name+"\x00i"...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(t.Columns)))
	for i, c := range t.Columns {
		var flags byte
		for _, k := range t.Identity {
			if k == i {
				flags = 1
			}
		}
		b = append(b, flags)
		b = append(b, c.Name+"\x00"...)
		b = binary.BigEndian.AppendUint32(b, c.TypeOID)
		b = binary.BigEndian.AppendUint32(b, 0xFFFFFFFF)
	}
	return b
}

func tuple(b []byte, r change.Row) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(r)))
	for _, v := range r {
		b = append(b, byte(v.Presence))
		if v.Presence == change.Present {
			b = binary.BigEndian.AppendUint32(b, uint32(len(v.Data)))
			b = append(b, v.Data...)
		}
	}
	return b
}

func insert(t *change.Table, r change.Row) []byte {
	return tuple(append(binary.BigEndian.AppendUint32([]byte{'I'}, t.OID), 'N'), r)
}

func update(t *change.Table, old, r change.Row) []byte {
	b := binary.BigEndian.AppendUint32([]byte{'U'}, t.OID)
	if old != nil {
		b = tuple(append(b, 'K'), old)
	}
	return tuple(append(b, 'N'), r)
}

func remove(t *change.Table, old change.Row) []byte {
	return tuple(append(binary.BigEndian.AppendUint32([]byte{'D'}, t.OID), 'K'), old)
}

func truncate(tables ...*change.Table) []byte {
	b := binary.BigEndian.AppendUint32([]byte{'T'}, uint32(len(tables)))
	b = append(b, 0)
	for _, t := range tables {
		b = binary.BigEndian.AppendUint32(b, t.OID)
	}
	return b
}

func body(records ...[]byte) []byte {
	var b []byte
	for _, r := range records {
		b = wire.AppendRecord(b, r)
	}
	return b
}

// hub numbers messages as a hub would.
type hub struct {
	header wire.Header
	seq    uint64
	lsn    change.LSN
	tables []*change.Table
	last   change.Commit
}

func newHub(tables ...*change.Table) *hub {
	return &hub{header: wire.Header{Generation: 7, System: 1 << 63, Timeline: 2}, seq: 10, lsn: 1000, tables: tables}
}

func (h *hub) state() State {
	return State{
		Position: change.Position{Generation: h.header.Generation, LSN: h.lsn},
		Seq:      h.seq, System: h.header.System, Timeline: h.header.Timeline, Last: h.last,
	}
}

func (h *hub) message(m wire.Message) Delivery {
	m.Header = h.header
	m.Prev = h.lsn
	m.Sent = time.Unix(1, 0)
	if end, ok := m.End(); ok {
		h.lsn = end
	}
	if n := len(m.Txs); n > 0 {
		h.last = change.Commit{LSN: m.Txs[n-1].End, XID: m.Txs[n-1].XID, Time: m.Txs[n-1].Time}
	}
	if m.Part.Last {
		h.last = change.Commit{LSN: m.Part.End, XID: m.Part.XID, Time: m.Part.Time}
	}
	h.seq++
	return Delivery{Seq: h.seq, Message: m}
}

// described puts the tables' descriptions before the records.
func (h *hub) described(records ...[]byte) []byte {
	var b []byte
	for _, t := range h.tables {
		b = wire.AppendRecord(b, relation(t))
	}
	return append(b, body(records...)...)
}

// batch is one message with a transaction for each list of records.
func (h *hub) batch(txs ...[][]byte) Delivery {
	m := wire.Message{Kind: wire.Batch}
	for i, records := range txs {
		m.Txs = append(m.Txs, wire.Tx{End: h.lsn + change.LSN(10*(i+1)), XID: uint32(i), Body: h.described(records...)})
	}
	return h.message(m)
}

func (h *hub) tx(records ...[]byte) Delivery { return h.batch(records) }

func (h *hub) heartbeat(lsn change.LSN) Delivery {
	return h.message(wire.Message{Kind: wire.Heartbeat, Heartbeat: lsn})
}

// parts cuts one transaction into n parts; all but the last move no position.
func (h *hub) parts(attempt uint32, n int, records ...[]byte) []Delivery {
	whole := h.described(records...)
	sum := xxhash.Sum64(whole)
	var out []Delivery
	for i := range n {
		from, to := len(whole)*i/n, len(whole)*(i+1)/n
		p := wire.Part{Attempt: attempt, Number: uint32(i), XID: 99, Body: whole[from:to]}
		if i == n-1 {
			p.Last, p.End, p.Checksum = true, h.lsn+10, sum
		}
		out = append(out, h.message(wire.Message{Kind: wire.Piece, Part: p}))
	}
	return out
}

// fill makes a complete file with rows of the hub's first table.
func fill(t tester, h *hub, path string, rows ...change.Row) {
	t.Helper()
	l, err := Create(t.Context(), path)
	must(t, err)
	must(t, l.Begin(h.tables))
	for _, r := range rows {
		must(t, l.Row(h.tables[0], r))
	}
	must(t, l.Finish(t.Context(), h.state()))
}

// open gives a loaded replica of items and links, and what feeds it.
func open(t testing.TB, change ...func(*Options)) (*Replica, *hub) {
	t.Helper()
	h := newHub(items(), links())
	o := Options{Path: filepath.Join(t.TempDir(), "replica.db")}
	for _, c := range change {
		c(&o)
	}
	fill(t, h, o.Path)
	return reopen(t, o), h
}

func reopen(t testing.TB, o Options) *Replica {
	t.Helper()
	r, err := Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

// tester is what the tests of testing and of rapid have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Context() context.Context
}

func must(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func apply(t testing.TB, r *Replica, deliveries ...Delivery) {
	t.Helper()
	must(t, r.Apply(context.Background(), deliveries))
}

func refuses(t testing.TB, r *Replica, want string, deliveries ...Delivery) {
	t.Helper()
	before := r.State()
	rows := dump(t, r, "SELECT * FROM items ORDER BY id")
	err := r.Apply(context.Background(), deliveries)
	if !errors.Is(err, ErrResync) || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want a resync because of %q", err, want)
	}
	if r.State() != before {
		t.Errorf("the state went from %+v to %+v", before, r.State())
	}
	if after := dump(t, r, "SELECT * FROM items ORDER BY id"); after != rows {
		t.Errorf("rows went from\n%s\nto\n%s", rows, after)
	}
}

// dump reads rows as text: columns split by |, rows by newlines.
func dump(t testing.TB, r *Replica, query string, args ...any) string {
	t.Helper()
	var out string
	must(t, r.Read(context.Background(), func(v View) (err error) {
		out, err = dumpTx(v.Tx, query, args...)
		return err
	}))
	return out
}

func dumpTx(tx *Tx, query string, args ...any) (string, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var lines []string
	for rows.Next() {
		values := make([]any, len(columns))
		places := make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return "", err
		}
		fields := make([]string, len(values))
		for i, v := range values {
			if fields[i] = fmt.Sprint(v); v == nil {
				fields[i] = "NULL"
			}
		}
		lines = append(lines, strings.Join(fields, "|"))
	}
	return strings.Join(lines, "\n"), rows.Err()
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func checksum(b []byte) uint64 { return xxhash.Sum64(b) }

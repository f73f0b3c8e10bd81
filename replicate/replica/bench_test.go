package replica

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/wire"
)

// people has eight columns, like a table that grows.
func people() *change.Table {
	t := &change.Table{OID: 400, Schema: "public", Name: "people", SQLite: "people", Key: []int{0}, Identity: []int{0}}
	t.Columns = []change.Column{
		{Name: "id", Kind: change.Integer},
		{Name: "company_id", Kind: change.Integer},
		{Name: "email", Kind: change.Text},
		{Name: "full_name", Kind: change.Text},
		{Name: "is_active", Kind: change.Boolean},
		{Name: "score", Kind: change.Float},
		{Name: "created_at", Kind: change.Timestamptz},
		{Name: "department", Kind: change.Text},
	}
	return t
}

func person(id int) change.Row {
	return row(id, id%100, fmt.Sprintf("user%d@example.com", id), fmt.Sprintf("Given Family%d", id), "t", "0.75",
		"2026-11-23 05:00:00.123456+00", nil)
}

// BenchmarkApply applies rows in one Postgres transaction that comes in parts, as a
// bulk load does; an operation is a row.
func BenchmarkApply(b *testing.B) {
	table := people()
	for _, kind := range []string{"insert", "update", "delete"} {
		b.Run(kind, func(b *testing.B) {
			h := newHub(table)
			path := filepath.Join(b.TempDir(), "replica.db")
			var before []change.Row
			if kind != "insert" {
				for i := range b.N {
					before = append(before, person(i))
				}
			}
			fill(b, h, path, before...)
			r := reopen(b, Options{Path: path})
			var body []byte
			for i := range b.N {
				switch kind {
				case "insert":
					body = wire.AppendRecord(body, insert(table, person(i)))
				case "update":
					body = wire.AppendRecord(body, update(table, nil, person(i)))
				case "delete":
					body = wire.AppendRecord(body, remove(table, row(i, nil, nil, nil, nil, nil, nil, nil)))
				}
			}
			body = append(h.described(), body...)
			parts := cutBody(h, body, 1<<20)
			b.ReportAllocs()
			b.ResetTimer()
			for _, p := range parts {
				if err := r.Apply(context.Background(), []Delivery{p}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// cutBody cuts a transaction into parts of a size.
func cutBody(h *hub, body []byte, size int) (out []Delivery) {
	sum := checksum(body)
	for n := uint32(0); len(body) > 0; n++ {
		part := body[:min(size, len(body))]
		body = body[len(part):]
		p := wire.Part{Attempt: 1, Number: n, Body: part}
		if len(body) == 0 {
			p.Last, p.End, p.Checksum = true, h.lsn+10, sum
		}
		out = append(out, h.message(wire.Message{Kind: wire.Piece, Part: p}))
	}
	return out
}

// BenchmarkApplySmall applies transactions of one row each, that many to a call.
func BenchmarkApplySmall(b *testing.B) {
	table := people()
	for _, together := range []int{1, 100} {
		b.Run(fmt.Sprintf("%dtogether", together), func(b *testing.B) {
			h := newHub(table)
			path := filepath.Join(b.TempDir(), "replica.db")
			fill(b, h, path)
			r := reopen(b, Options{Path: path})
			var deliveries []Delivery
			for i := range b.N {
				deliveries = append(deliveries, h.tx(insert(table, person(i))))
			}
			b.ReportAllocs()
			b.ResetTimer()
			for len(deliveries) > 0 {
				n := min(together, len(deliveries))
				if err := r.Apply(context.Background(), deliveries[:n]); err != nil {
					b.Fatal(err)
				}
				deliveries = deliveries[n:]
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transactions/s")
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	table := people()
	h := newHub(table)
	var rows []change.Row
	for i := range b.N {
		rows = append(rows, person(i))
	}
	l, err := Create(b.Context(), filepath.Join(b.TempDir(), "replica.db"))
	must(b, err)
	must(b, l.Begin(h.tables))
	b.ReportAllocs()
	b.ResetTimer()
	for _, r := range rows {
		if err := l.Row(table, r); err != nil {
			b.Fatal(err)
		}
	}
	must(b, l.Finish(b.Context(), h.state()))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkRead(b *testing.B) {
	h := newHub(items())
	path := filepath.Join(b.TempDir(), "replica.db")
	fill(b, h, path, row(1, 7, "one", strings.Repeat("x", 500)))
	r := reopen(b, Options{Path: path})
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Read(context.Background(), func(View) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

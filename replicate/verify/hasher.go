package verify

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"strings"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/replica"
)

// hasher hashes the replica's rows one after the other. A value is read while it is
// scanned, and no copy of it is made.
type hasher struct {
	t      *table
	text   []byte
	places []any // for Scan: first those of the caller, then one for each column
}

// place is where one column is scanned to.
type place struct {
	h    *hasher
	kind change.Kind
	at   int
}

func newHasher(t *table, before ...any) *hasher {
	h := &hasher{t: t, places: before}
	for i := range t.Columns {
		h.places = append(h.places, &place{h, t.Columns[i].Kind, i})
	}
	return h
}

// Scan implements sql.Scanner. Columns come in their order.
func (p *place) Scan(v any) error {
	if p.at == 0 {
		p.h.text = p.h.text[:0]
	} else {
		p.h.text = append(p.h.text, separator)
	}
	p.h.text = appendField(p.h.text, p.kind, v)
	return nil
}

// scan hashes the row at which rows stands.
func (h *hasher) scan(rows *sql.Rows) (sum, error) {
	if err := rows.Scan(h.places...); err != nil {
		return sum{}, err
	}
	return sha256.Sum256(h.text), nil
}

// fields are those of the row that was scanned last.
func (h *hasher) fields() []string { return strings.Split(string(h.text), string(separator)) }

// hashes gives the hash of each row in the replica: nil for one that is not there.
func (p *pass) hashes(ctx context.Context, t *table, rows []row) ([]*sum, error) {
	out := make([]*sum, len(rows))
	h := newHasher(t)
	for next := 0; next < len(rows); {
		err := p.read(ctx, t, func(v replica.View) (err error) {
			stmt, err := v.Tx.PrepareContext(ctx, t.selectSQL(t.columns))
			if err != nil {
				return err
			}
			defer stmt.Close()
			for began := time.Now(); next < len(rows) && time.Since(began) < readTime; next++ {
				if out[next], err = h.one(ctx, stmt, rows[next].stored); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (h *hasher) one(ctx context.Context, stmt *sql.Stmt, key []any) (*sum, error) {
	// A context that can end costs a goroutine per row.
	rows, err := stmt.QueryContext(context.WithoutCancel(ctx), key...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	s, err := h.scan(rows)
	return &s, err
}

// selectSQL reads a row by its key. IS finds NULL too, which no key should be.
func (t *table) selectSQL(columns []string) string {
	var condition []string
	for _, k := range t.Key {
		condition = append(condition, t.columns[k]+" IS ?")
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + identifier(t.SQLite) + " WHERE " + strings.Join(condition, " AND ")
}

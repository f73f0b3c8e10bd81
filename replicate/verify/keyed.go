package verify

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"outpost/replicate/replica"
)

const (
	firstPage = 100
	// quickPage and slowPage are what a page's time is kept between, by its size: rows
	// may be of 20 bytes or of 20 MB.
	quickPage = 50 * time.Millisecond
	slowPage  = 200 * time.Millisecond
	// readTime bounds one read transaction of the replica, but for its last row.
	readTime = 100 * time.Millisecond
)

// sum is a row's hash.
type sum [32]byte

// row is a row by its key. stored is what SQLite has for it, text what Postgres takes
// for it: nil if no value of the key's type is stored like that.
type row struct {
	stored []any
	text   [][]byte
	hash   sum
}

func (p *pass) keyed(ctx context.Context, t *table, out *Table) error {
	if err := p.forward(ctx, t, out); err != nil {
		return err
	}
	return p.backward(ctx, t, out)
}

// forward walks the primary's rows and looks each up in the replica.
func (p *pass) forward(ctx context.Context, t *table, out *Table) error {
	var after *row
	var candidates []row
	for size := firstPage; ; {
		began := time.Now()
		rows, err := p.page(ctx, t, after, size)
		if err != nil {
			return err
		}
		if after != nil && len(rows) > 0 && slices.EqualFunc(rows[0].stored, after.stored, identical) {
			return fmt.Errorf("Postgres does not read its key back as it wrote it: %s", t.name(*after))
		}
		found, err := p.hashes(ctx, t, rows)
		if err != nil {
			return err
		}
		for i := range rows {
			if found[i] == nil || *found[i] != rows[i].hash {
				candidates = append(candidates, rows[i])
			}
		}
		out.Rows += int64(len(rows))
		p.compared(len(rows))
		done := len(rows) < size
		if done || len(candidates) >= pageRows {
			if err := p.settle(ctx, t, candidates, forward, out); err != nil {
				return err
			}
			candidates = nil
		}
		if done {
			return nil
		}
		after = &rows[len(rows)-1]
		size = resize(size, time.Since(began))
		if err := p.limit.WaitN(ctx, len(rows)); err != nil {
			return err
		}
	}
}

func resize(size int, took time.Duration) int {
	switch {
	case took < quickPage:
		return min(2*size, pageRows)
	case took > slowPage:
		return max(size/2, 1)
	}
	return size
}

// backward walks the replica's rows and looks their keys up in the primary. The rows
// that are added while it walks are not its business.
func (p *pass) backward(ctx context.Context, t *table, out *Table) error {
	var rows, candidates []row
	w := p.walk(t, t.keyNames())
	w.row = func(found *sql.Rows) error {
		r := row{stored: make([]any, len(t.key))}
		places := []any{&w.next}
		for i := range r.stored {
			places = append(places, &r.stored[i])
		}
		if err := found.Scan(places...); err != nil {
			return err
		}
		r.text = t.keyText(r.stored)
		rows = append(rows, r)
		return nil
	}
	for {
		rows = nil
		done, err := w.page(ctx)
		if err != nil {
			return err
		}
		found, err := p.lookup(ctx, t, rows, "''")
		if err != nil {
			return err
		}
		for i := range rows {
			if found[i] == nil {
				candidates = append(candidates, rows[i])
			}
		}
		if done || len(candidates) >= pageRows {
			if err := p.settle(ctx, t, candidates, backward, out); err != nil {
				return err
			}
			candidates = nil
		}
		if done {
			return nil
		}
		if err := p.limit.WaitN(ctx, len(rows)); err != nil {
			return err
		}
	}
}

// keyText is nil where a value is none that its type can have.
func (t *table) keyText(stored []any) [][]byte {
	text := make([][]byte, len(stored))
	for i, v := range stored {
		var ok bool
		if text[i], ok = appendText([]byte{}, t.key[i].Kind, v); !ok {
			return nil
		}
	}
	return text
}

func (t *table) keyNames() string {
	names := make([]string, len(t.Key))
	for i, k := range t.Key {
		names[i] = t.columns[k]
	}
	return strings.Join(names, ", ")
}

// page reads rows of the primary in the order of the key, from behind a row on.
func (p *pass) page(ctx context.Context, t *table, after *row, size int) ([]row, error) {
	var order []string
	for _, k := range t.key {
		order = append(order, k.ordered+" USING "+k.Less)
	}
	query := "SELECT " + t.keyTexts() + ", " + t.hash + " FROM " + t.from
	condition := t.filtered()
	var args [][]byte
	if after != nil {
		condition = append(condition, t.behind())
		args = after.text
	}
	if condition != nil {
		query += " WHERE " + strings.Join(condition, " AND ")
	}
	query += " ORDER BY " + strings.Join(order, ", ") + " LIMIT " + strconv.Itoa(size)
	var rows []row
	err := p.pg.query(ctx, query, args, func(values [][]byte) error {
		r := row{}
		for i := range t.key {
			r.text = append(r.text, slices.Clone(values[i]))
		}
		var err error
		if r.stored, err = t.keyStored(r.text); err != nil {
			return err
		}
		rows = append(rows, r)
		return rows[len(rows)-1].hash.read(values[len(t.key)])
	})
	return rows, err
}

// keyTexts selects the key as the stream would send it.
func (t *table) keyTexts() string {
	var list []string
	for _, k := range t.key {
		list = append(list, "concat("+identifier(k.Name)+")")
	}
	return strings.Join(list, ", ")
}

// keyStored is what the replica stores for a key.
func (t *table) keyStored(text [][]byte) ([]any, error) {
	stored := make([]any, len(text))
	for i := range text {
		v, err := replica.Stored(t.key[i].Column, text[i])
		if err != nil {
			return nil, err
		}
		stored[i] = v
	}
	return stored, nil
}

func (t *table) filtered() []string {
	if t.Filter == "" {
		return nil
	}
	return []string{"(" + t.Filter + ")"}
}

// behind is the condition that a row comes after the one whose key the parameters are.
// Columns whose operators are called alike are compared as one, which an index serves
// best.
func (t *table) behind() string {
	columns, values := make([]string, len(t.key)), make([]string, len(t.key))
	alike := true
	for i, k := range t.key {
		columns[i], values[i] = k.ordered, fmt.Sprintf("$%d::%s", i+1, k.typed)
		alike = alike && k.Greater == t.key[0].Greater
	}
	switch {
	case len(t.key) == 1:
		return columns[0] + " " + t.key[0].Greater + " " + values[0]
	case alike:
		return "ROW(" + strings.Join(columns, ", ") + ") " + t.key[0].Greater + " ROW(" + strings.Join(values, ", ") + ")"
	}
	last := len(t.key) - 1
	condition := columns[last] + " " + t.key[last].Greater + " " + values[last]
	for i := last - 1; i >= 0; i-- {
		k := t.key[i]
		condition = fmt.Sprintf("(%s %s %s OR %s %s %s AND %s)", columns[i], k.Greater, values[i], columns[i], k.Equal, values[i], condition)
	}
	return condition
}

// found is a row of the primary, with the values that were asked for.
type found struct{ values [][]byte }

// lookup finds rows of the primary by their keys: nil for one that is not there. list
// selects values of each.
func (p *pass) lookup(ctx context.Context, t *table, rows []row, list string) ([]*found, error) {
	out := make([]*found, len(rows))
	var asked []int // those whose key Postgres can have
	for i := range rows {
		if rows[i].text != nil {
			asked = append(asked, i)
		}
	}
	return out, p.lookupSome(ctx, t, rows, asked, list, out)
}

func (p *pass) lookupSome(ctx context.Context, t *table, rows []row, asked []int, list string, out []*found) error {
	if len(asked) == 0 {
		return nil
	}
	var args [][]byte
	for _, i := range asked {
		args = append(args, rows[i].text...)
	}
	err := p.pg.query(ctx, t.lookupSQL(len(asked), list), args, func(values [][]byte) error {
		n, err := strconv.Atoi(string(values[0]))
		if err != nil {
			return err
		}
		// Postgres calls keys equal that are not the same: 1.0 and 1.00.
		key := values[1 : 1+len(t.key)]
		stored, err := t.keyStored(key)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(stored, rows[asked[n]].stored, identical) {
			return nil
		}
		f := &found{}
		for _, v := range values[1+len(t.key):] {
			f.values = append(f.values, slices.Clone(v))
		}
		out[asked[n]] = f
		return nil
	})
	if !impossible(err) || len(asked) == 1 {
		if impossible(err) { // no value of its type: the primary cannot have the row
			err = nil
		}
		return err
	}
	half := len(asked) / 2
	return errors.Join(p.lookupSome(ctx, t, rows, asked[:half], list, out), p.lookupSome(ctx, t, rows, asked[half:], list, out))
}

// lookupSQL asks for n keys. The inner query is one of the table alone, so that names in
// the row filter mean what they mean there.
func (t *table) lookupSQL(n int, list string) string {
	var b strings.Builder
	b.WriteString("SELECT _outpost_key.n, _outpost_found.* FROM (VALUES ")
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%d", i)
		for j, k := range t.key {
			fmt.Fprintf(&b, ", $%d::%s", i*len(t.key)+j+1, k.typed)
		}
		b.WriteByte(')')
	}
	b.WriteString(") AS _outpost_key(n")
	condition := t.filtered()
	for j, k := range t.key {
		fmt.Fprintf(&b, ", k%d", j)
		condition = append(condition, fmt.Sprintf("%s %s _outpost_key.k%d", k.ordered, k.Equal, j))
	}
	fmt.Fprintf(&b, ") CROSS JOIN LATERAL (SELECT %s, %s FROM %s AS _outpost_row WHERE %s) AS _outpost_found",
		t.keyTexts(), list, t.from, strings.Join(condition, " AND "))
	return b.String()
}

// identical compares what SQLite stores, bit for bit.
func identical(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && string(a) == string(b)
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	}
	if _, ok := b.([]byte); ok {
		return false
	}
	return a == b
}

func (s *sum) read(text []byte) error {
	if n, err := hex.Decode(s[:], text); err != nil || n != len(s) {
		return fmt.Errorf("Postgres sent %.80q for a hash", text)
	}
	return nil
}

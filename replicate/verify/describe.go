package verify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"outpost/replicate/change"
	"outpost/replicate/replica"
)

const (
	// lookedAt is how much of a value's text is looked at for the place of a difference,
	// in characters, and shown how much of it is shown.
	lookedAt = 4096
	shown    = 60
	// described bounds the columns of a difference whose values are shown.
	described = 20
)

// list counts a difference and describes it, as long as there is room.
func (p *pass) list(ctx context.Context, t *table, d proven, behind bool, out *Table) error {
	if !out.add(d.kind, 1, p.List) {
		return nil
	}
	difference := Difference{Kind: d.kind, Key: t.name(d.row), Count: 1, Behind: behind}
	if d.kind == Different {
		var err error
		if difference.Columns, err = p.columnsOf(ctx, t, d.row); err != nil {
			return err
		}
	}
	out.List = append(out.List, difference)
	return nil
}

// name is a row's key for a person.
func (t *table) name(r row) string {
	parts := make([]string, len(t.key))
	for i, k := range t.key {
		v := shorten(fmt.Sprint(r.stored[i]), 0)
		switch stored := r.stored[i].(type) {
		case nil:
			v = "NULL"
		case []byte:
			v = shorten(fmt.Sprintf(`\x%x`, stored), 0)
		}
		if r.text != nil {
			v = shorten(string(r.text[i]), 0)
		}
		parts[i] = k.Name + "=" + v
	}
	return strings.Join(parts, ", ")
}

// columnsOf finds the columns in which a row differs, as it is now: it may have changed
// since it was found to differ, and then there may be none.
func (p *pass) columnsOf(ctx context.Context, t *table, r row) ([]Column, error) {
	fields := make([]string, len(t.Columns))
	for i := range t.Columns {
		fields[i] = fieldSQL(&t.Columns[i])
	}
	there, err := p.lookup(ctx, t, []row{r}, strings.Join(fields, ", "))
	if err != nil || there[0] == nil {
		return nil, err
	}
	h := newHasher(t)
	var here *sum
	err = p.read(ctx, t, func(v replica.View) error {
		stmt, err := v.Tx.PrepareContext(ctx, t.selectSQL(t.columns))
		if err != nil {
			return err
		}
		defer stmt.Close()
		here, err = h.one(ctx, stmt, r.stored)
		return err
	})
	if err != nil || here == nil {
		return nil, err
	}
	var differ []int
	for i, field := range h.fields() {
		is := there[0].values[i]
		if is == nil && field != null || is != nil && string(is) != field {
			differ = append(differ, i)
		}
	}
	return p.values(ctx, t, r, differ)
}

// values reads both sides' values of some columns of a row.
func (p *pass) values(ctx context.Context, t *table, r row, columns []int) ([]Column, error) {
	var list []string
	for _, i := range columns[:min(len(columns), described)] {
		list = append(list, shownSQL(&t.Columns[i]))
	}
	if list == nil {
		return nil, nil
	}
	there, err := p.lookup(ctx, t, []row{r}, strings.Join(list, ", "))
	if err != nil || there[0] == nil {
		return nil, err
	}
	var out []Column
	for n, i := range columns {
		c := Column{Name: t.Columns[i].Name}
		if n < described {
			here, err := p.shownHere(ctx, t, t.selectSQL(t.columns[i:i+1]), r.stored, i)
			if err != nil {
				return nil, err
			}
			c.Primary, c.Replica = apart(textOf(there[0].values[n]), here)
		}
		out = append(out, c)
	}
	return out, nil
}

func textOf(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

// shownSQL is the beginning of a value's text.
func shownSQL(c *change.Column) string {
	name := identifier(c.Name)
	text := fmt.Sprintf("left(concat(%s), %d)", name, lookedAt)
	if c.Kind == change.Bytes {
		text = fmt.Sprintf(`'\x' || encode(substring(%s from 1 for %d), 'hex')`, name, lookedAt/2)
	}
	return "CASE num_nulls(" + name + ") WHEN 0 THEN " + text + " END"
}

// shownHere is the same of the replica.
func (p *pass) shownHere(ctx context.Context, t *table, query string, key []any, column int) (text *string, err error) {
	err = p.read(ctx, t, func(v replica.View) error {
		err := v.Tx.QueryRowContext(ctx, query, key...).Scan(&beginning{t.Columns[column].Kind, &text})
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	return text, err
}

// beginning scans the beginning of a value.
type beginning struct {
	kind change.Kind
	text **string
}

func (b *beginning) Scan(v any) error {
	*b.text = nil
	if v == nil {
		return nil
	}
	var s string
	switch v := v.(type) {
	case []byte:
		s = fmt.Sprintf(`\x%x`, v[:min(len(v), lookedAt/2)])
		if b.kind != change.Bytes {
			s = "the bytes " + s
		}
	case string:
		end := min(len(v), lookedAt*utf8.UTFMax)
		text, ok := appendText(nil, b.kind, v[:end])
		if s = string(text); !ok {
			s = "the text " + v[:end]
		}
	default:
		text, ok := appendText(nil, b.kind, v)
		if s = string(text); !ok {
			s = fmt.Sprintf("the number %v", v)
		}
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	*b.text = &s
	return nil
}

// apart shortens two texts to the place where they differ.
func apart(a, b *string) (*string, *string) {
	if a == nil || b == nil {
		return cut(a, 0), cut(b, 0)
	}
	same := 0
	for same < len(*a) && same < len(*b) && (*a)[same] == (*b)[same] {
		same++
	}
	if same == len(*a) && same == len(*b) { // beyond what was looked at
		same = 0
	}
	return cut(a, same), cut(b, same)
}

func cut(s *string, at int) *string {
	if s == nil {
		return nil
	}
	short := shorten(*s, at)
	return &short
}

// shorten keeps the surroundings of a byte.
func shorten(s string, at int) string {
	if utf8.RuneCountInString(s) <= shown {
		return s
	}
	runes := 0
	from, to := 0, len(s)
	if at > shown/3 {
		from = at - shown/3
		for from > 0 && !utf8.RuneStart(s[from]) {
			from--
		}
	}
	for i := range s[from:] {
		if runes++; runes > shown {
			to = from + i
			break
		}
	}
	short := s[from:to]
	if from > 0 {
		short = "…" + short
	}
	if to < len(s) {
		short += "…"
	}
	return short
}

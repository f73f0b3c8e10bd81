package hub

import (
	"fmt"
	"strings"
)

// some picks up to n rows of a table, wherever they are.
func (s *session) some(t *worldTable, n int) string {
	return fmt.Sprintf("(tableoid, ctid) IN (SELECT tableoid, ctid FROM %s OFFSET %d LIMIT %d)", t.sql(), s.rand.IntN(20), n)
}

// write changes a few rows.
func (s *session) write(t *worldTable) {
	switch n := s.rand.IntN(20); {
	case n < 8:
		s.insert(t)
	case n < 16:
		s.update(t)
	case n < 19:
		s.exec("DELETE FROM " + t.sql() + " WHERE " + s.some(t, 1+s.rand.IntN(4)))
	default:
		s.exec("DELETE FROM " + t.sql() + " WHERE " + s.some(t, 1000))
	}
}

func (s *session) insert(t *worldTable) {
	var names []string
	var columns []worldColumn
	for _, c := range t.Columns {
		if c.Fixed || !c.NotNull && s.chance(4) {
			continue
		}
		names, columns = append(names, ident(c.Name)), append(columns, c)
	}
	if len(names) == 0 {
		s.exec("INSERT INTO " + t.sql() + " DEFAULT VALUES")
		return
	}
	var rows []string
	for range 1 + s.rand.IntN(5) {
		var values []string
		for _, c := range columns {
			if c.NotNull && !c.Key && s.chance(6) {
				values = append(values, "DEFAULT")
				continue
			}
			values = append(values, s.literal(c))
		}
		rows = append(rows, "("+strings.Join(values, ", ")+")")
	}
	s.exec("INSERT INTO " + t.sql() + " (" + strings.Join(names, ", ") + ") VALUES " + strings.Join(rows, ", "))
}

// update sets columns to other values, or to what they are; keys less often, and then
// of one row.
func (s *session) update(t *worldTable) {
	moves := s.chance(4)
	rows := 1
	if !moves {
		rows += s.rand.IntN(30)
	}
	var sets []string
	for _, c := range t.Columns {
		name := ident(c.Name)
		switch {
		case c.Fixed || c.Indexed && !moves || !s.chance(3):
		case s.chance(4):
			sets = append(sets, name+" = "+name)
		case c.Type == "text" && s.chance(3):
			sets = append(sets, fmt.Sprintf("%s = %s || '.'", name, name))
		case c.Type == "integer" && s.chance(3):
			sets = append(sets, fmt.Sprintf("%s = -%s", name, name))
		default:
			sets = append(sets, name+" = "+s.literal(c))
		}
	}
	if len(sets) == 0 { // nothing changes, and is sent all the same
		for _, c := range t.Columns {
			if !c.Fixed {
				sets = append(sets, ident(c.Name)+" = "+ident(c.Name))
				break
			}
		}
	}
	if len(sets) == 0 {
		return
	}
	s.exec("UPDATE " + t.sql() + " SET " + strings.Join(sets, ", ") + " WHERE " + s.some(t, rows))
}

// large writes more than fits a message, or many rows at once.
func (s *session) large(t *worldTable) {
	key, text := "", ""
	for _, c := range t.Columns {
		switch {
		case c.Key && (c.Type == "integer" || c.Type == "bigint") && key == "":
			key = ident(c.Name)
		case c.Fixed && c.NotNull, c.Key && c.Type == "region":
		case c.NotNull:
			key = "" // it needs values
		case c.Type == "text":
			text = ident(c.Name)
		}
	}
	if key == "" || text == "" {
		if text != "" {
			s.exec(fmt.Sprintf("UPDATE %s SET %s = repeat(md5('%d'), 1000) WHERE %s", t.sql(), text, s.serial, s.some(t, 60)))
		}
		return
	}
	columns, region := key+", "+text, ""
	for _, c := range t.Columns {
		if c.Type == "region" {
			columns, region = columns+", "+ident(c.Name), ", "+s.literal(c)
		}
	}
	n := 50 + s.rand.IntN(100)
	from := 200_000 + s.rand.IntN(1_000_000)
	s.exec(fmt.Sprintf("INSERT INTO %s (%s) SELECT g, repeat(md5(g::text), %d)%s FROM generate_series(%d, %d) g",
		t.sql(), columns, 1+s.rand.IntN(1500), region, from, from+n))
}

// empty truncates tables, or puts their rows into other files.
func (s *session) empty(tables []worldTable, t *worldTable) {
	s.emptied = true
	if !s.open && s.chance(3) {
		s.exec("VACUUM FULL " + t.sql())
		return
	}
	names := []string{t.sql()}
	if s.chance(3) {
		other := &tables[s.rand.IntN(len(tables))]
		names, t = append(names, other.sql()), &worldTable{Leaf: t.Leaf || other.Leaf, Root: t.Root || other.Root}
	}
	s.mayCopy = s.mayCopy || t.Leaf
	s.exec("TRUNCATE " + strings.Join(names, ", "))
}

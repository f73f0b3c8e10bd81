package verify

import (
	"context"
	_ "embed" // the query
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"outpost/replicate/change"
	"outpost/replicate/replica"
)

//go:embed shape.sql
var shapeSQL string

// shape is what shape.sql says.
type shape struct {
	text    string
	Kind    string `json:"kind"`
	Schema  string `json:"schema"`
	Name    string `json:"name"`
	Columns []struct {
		Number  int16  `json:"number"`
		Name    string `json:"name"`
		TypeOID uint32 `json:"type_oid"`
		Type    string `json:"type"`
	} `json:"columns"`
	Indexes []struct {
		Columns []part `json:"columns"`
	} `json:"indexes"`
}

// part is a column of an index.
type part struct {
	Number    int16   `json:"number"`
	Collation *string `json:"collation"` // where it is not the column's
	Less      string  `json:"less"`
	Equal     string  `json:"equal"`
	Greater   string  `json:"greater"`
}

// shape reads what the primary knows of a table; nil if there is none.
func (p *primary) shape(ctx context.Context, oid uint32) (*shape, error) {
	text, ok, err := p.value(ctx, shapeSQL, strconv.FormatUint(uint64(oid), 10))
	if err != nil {
		return nil, fmt.Errorf("reading what Postgres knows of table %d: %w", oid, err)
	}
	if !ok {
		return nil, nil
	}
	s := &shape{text: text}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("reading what Postgres knows of table %d: %w", oid, err)
	}
	return s, nil
}

// table is a table that both sides have, and how to speak of it to each.
type table struct {
	*change.Table
	shape   *shape
	columns []string // in the replica, quoted
	rowid   string   // SQLite's number of a row
	from    string   // in Postgres' FROM
	hash    string   // the hash of a row, in Postgres' SQL
	key     []keyColumn
}

// keyColumn is a column of the key, as Postgres has to be asked for it.
type keyColumn struct {
	*change.Column
	part
	typed   string // the column's type
	ordered string // the column, with the collation of the index
}

// newTable joins the two descriptions, or says in which way they are not of one table.
func newTable(t *change.Table, s *shape) (*table, string) {
	if s == nil {
		return nil, "Postgres does not have it any more"
	}
	if s.Schema != t.Schema || s.Name != t.Name {
		return nil, fmt.Sprintf("Postgres calls it %s.%s", s.Schema, s.Name)
	}
	out := &table{Table: t, shape: s, columns: replica.ColumnNames(t), hash: rowSQL(t)}
	types := make([]string, len(t.Columns))
	numbers := make([]int16, len(t.Columns))
	for i := range t.Columns {
		c := &t.Columns[i]
		n := slices.IndexFunc(s.Columns, func(is struct {
			Number  int16  `json:"number"`
			Name    string `json:"name"`
			TypeOID uint32 `json:"type_oid"`
			Type    string `json:"type"`
		},
		) bool {
			return is.Name == c.Name
		})
		if n < 0 {
			return nil, fmt.Sprintf("Postgres has no column %s in it", c.Name)
		}
		is := s.Columns[n]
		if is.TypeOID != c.TypeOID || c.Number != 0 && is.Number != c.Number {
			return nil, fmt.Sprintf("its column %s is another one in Postgres (%s, here %s)", c.Name, is.Type, c.Type)
		}
		types[i], numbers[i] = is.Type, is.Number
	}
	var free bool
	if out.rowid, free = rowID(out.columns); !free {
		return nil, "its columns hide SQLite's number of a row"
	}
	out.from = identifier(t.Schema) + "." + identifier(t.Name)
	if s.Kind != "p" {
		out.from = "ONLY " + out.from
	}
	if len(t.Key) == 0 {
		return out, ""
	}
	parts := s.index(t.Key, numbers)
	if parts == nil {
		return nil, "Postgres has no unique index over its key any more"
	}
	for i, k := range t.Key {
		c := keyColumn{Column: &t.Columns[k], part: parts[i], typed: types[k], ordered: identifier(t.Columns[k].Name)}
		if c.Collation != nil {
			c.ordered += " COLLATE " + *c.Collation
		}
		out.key = append(out.key, c)
	}
	return out, ""
}

// index gives the parts of an index over exactly these columns.
func (s *shape) index(key []int, numbers []int16) []part {
	for _, index := range s.Indexes {
		if slices.EqualFunc(index.Columns, key, func(p part, k int) bool { return p.Number == numbers[k] }) {
			return index.Columns
		}
	}
	return nil
}

// rowID finds a name of SQLite's number of a row that no column has.
func rowID(columns []string) (string, bool) {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if !slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, `"`+name+`"`) }) {
			return name, true
		}
	}
	return "", false
}

// same compares definitions but for the files, which a TRUNCATE exchanges too.
func same(a, b *change.Table) bool {
	if a == nil || b == nil {
		return a == b
	}
	one, other := *a, *b
	one.Files, other.Files = "", ""
	return reflect.DeepEqual(one, other)
}

// agree finds out what a table is on both sides. Where they differ, the replica gets the
// time to follow. gone says that the replica has no such table any more.
func (p *pass) agree(ctx context.Context, oid uint32) (t *table, problem string, gone bool, err error) {
	here, there, err := p.definitions(ctx, oid)
	if err != nil {
		return nil, "", false, err
	}
	if here == nil {
		return nil, "", true, nil
	}
	if t, problem = newTable(here, there); problem == "" {
		return t, "", false, nil
	}
	if _, err := p.catchUp(ctx); err != nil {
		return nil, "", false, err
	}
	after, thereAfter, err := p.definitions(ctx, oid)
	if err != nil {
		return nil, "", false, err
	}
	if !same(here, after) || !there.equal(thereAfter) {
		return nil, "", false, errChanged
	}
	return nil, problem, false, nil
}

func (p *pass) definitions(ctx context.Context, oid uint32) (here *change.Table, there *shape, err error) {
	err = p.read(ctx, nil, func(v replica.View) error {
		here, err = v.Table(ctx, oid)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	there, err = p.pg.shape(ctx, oid)
	return here, there, err
}

// unchanged fails with errChanged if the table is not what it was on either side.
func (p *pass) unchanged(ctx context.Context, t *table) error {
	here, there, err := p.definitions(ctx, t.OID)
	if err == nil && (!same(here, t.Table) || !there.equal(t.shape)) {
		err = errChanged
	}
	return err
}

func (s *shape) equal(o *shape) bool {
	if s == nil || o == nil {
		return s == o
	}
	return s.text == o.text
}

package wire

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outpost/replicate/change"
)

func schemaChanges() []*change.SchemaChange {
	missing := "it's"
	return []*change.SchemaChange{
		{},
		{Dropped: []uint32{1, 4294967295}},
		{
			Tables: []*change.Table{
				{
					OID: 7, Schema: "S \"x", Name: "Ünï", SQLite: "S_Ünï", Key: []int{1, 0}, Identity: []int{0, 1}, Files: "1:2 3:4", Filter: "(id > 1)", Membership: "1/2/3",
					Columns: []change.Column{
						{Name: "id", TypeOID: 20, Type: "bigint", Kind: change.Integer, Number: 1, Revision: 700},
						{Name: "m", TypeOID: 99999, Type: "mood", Kind: change.Text, Number: -3, Missing: &missing, Labels: map[string]string{"5": "sad"}},
					},
				},
				{OID: 8, Full: true, Columns: []change.Column{{Name: "a"}}},
			},
			Dropped: []uint32{9},
		},
	}
}

func TestSchemaChangeSurvivesTheWire(t *testing.T) {
	for _, want := range schemaChanges() {
		record, err := EncodeSchema(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeSchema(record)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// Whatever is accepted can be looked at without care, and survives the wire.
func FuzzDecodeSchema(f *testing.F) {
	for _, c := range schemaChanges() {
		record, err := EncodeSchema(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(record)
	}
	f.Add([]byte(`S{"tables":[null]}`))
	f.Add([]byte(`S{"tables":[{"oid":1},{"oid":1}]}`))
	f.Add([]byte(`S{"tables":[{"oid":1}],"dropped":[1]}`))
	f.Add([]byte(`S{"dropped":[1,1]}`))
	f.Add([]byte(`S{"tables":[{"oid":1,"columns":[{"name":"a"}],"key":[0,0]}]}`))
	f.Add([]byte(`S{"tables":[{"oid":1,"columns":[{"name":"a"},{"name":"a"}],"key":[1],"identity":[-1]}]}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		c, err := DecodeSchema(record)
		if err != nil {
			if c != nil || !errors.Is(err, ErrFormat) {
				t.Fatalf("got %v and the error %v", c, err)
			}
			return
		}
		named := make(map[uint32]bool)
		name := func(oid uint32) {
			if named[oid] {
				t.Fatalf("table %d is named twice", oid)
			}
			named[oid] = true
		}
		for _, oid := range c.Dropped {
			name(oid)
		}
		for _, table := range c.Tables {
			name(table.OID)
			for _, indexes := range [][]int{table.Key, table.Identity} {
				seen := make(map[int]bool)
				for _, i := range indexes {
					if _ = table.Columns[i]; seen[i] {
						t.Fatalf("column %d is named twice in %v", i, indexes)
					}
					seen[i] = true
				}
			}
			numbers := make(map[int16]bool)
			for _, column := range table.Columns {
				if numbers[column.Number] {
					t.Fatalf("two columns have the number %d", column.Number)
				}
				numbers[column.Number] = true
			}
		}
		again, err := EncodeSchema(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeSchema(again)
		if err != nil {
			t.Fatalf("%s came back as %s: %v", record, again, err)
		}
		if text, err := EncodeSchema(back); err != nil || string(text) != string(again) {
			t.Fatalf("%s came back as %s (%v)", again, text, err)
		}
	})
}

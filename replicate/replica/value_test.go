package replica

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"outpost/replicate/change"
)

// values states, for each kind, what Postgres' text becomes: the SQLite type it is
// stored as, and the value. It proves the table of the package's documentation.
var values = []struct {
	kind       change.Kind
	text       string
	storage    string
	want       any
	whyInWords string
}{
	{change.Integer, "0", "integer", int64(0), ""},
	{change.Integer, "-32768", "integer", int64(-32768), "int2"},
	{change.Integer, "9223372036854775807", "integer", int64(math.MaxInt64), "int8"},
	{change.Integer, "-9223372036854775808", "integer", int64(math.MinInt64), "int8"},
	{change.Integer, "4294967295", "integer", int64(math.MaxUint32), "oid"},

	{change.Boolean, "t", "integer", int64(1), ""},
	{change.Boolean, "f", "integer", int64(0), ""},

	{change.Float, "0", "real", 0.0, "stays REAL though it is whole"},
	{change.Float, "1e+300", "real", 1e300, ""},
	{change.Float, "0.1", "real", 0.1, ""},
	{change.Float, "0.30000000000000004", "real", 0.30000000000000004, ""},
	{change.Float, "5e-324", "real", 5e-324, "the smallest there is"},
	{change.Float, "1.7976931348623157e+308", "real", math.MaxFloat64, ""},
	{change.Float, "-12345678", "real", -12345678.0, ""},
	{change.Float, "NaN", "text", "NaN", "SQLite would make it NULL"},
	{change.Float, "-0", "text", "-0", "SQLite would make it 0"},
	{change.Float, "Infinity", "text", "Infinity", ""},
	{change.Float, "-Infinity", "text", "-Infinity", ""},

	{change.Bytes, `\x`, "blob", []byte{}, "empty is not NULL"},
	{change.Bytes, `\x00ff10`, "blob", []byte{0, 255, 16}, "NUL is possible"},
	{change.Bytes, `\xC0FFEE`, "blob", []byte{0xC0, 0xFF, 0xEE}, ""},

	{change.Timestamptz, "2026-11-23 05:00:00.123456+00", "text", "2026-11-23T05:00:00.123456Z", ""},
	{change.Timestamptz, "2026-11-23 05:00:00+00", "text", "2026-11-23T05:00:00.000000Z", "always six digits"},
	{change.Timestamptz, "2026-11-23 05:00:00.5+00", "text", "2026-11-23T05:00:00.500000Z", ""},
	{change.Timestamptz, "infinity", "text", "infinity", ""},
	{change.Timestamptz, "-infinity", "text", "-infinity", ""},
	{change.Timestamptz, "0044-03-15 12:00:00+00 BC", "text", "0044-03-15T12:00:00.000000Z BC", ""},
	{change.Timestamptz, "4714-11-24 00:00:00+00 BC", "text", "4714-11-24T00:00:00.000000Z BC", "the first there is"},
	{change.Timestamptz, "294276-12-31 23:59:59.999999+00", "text", "294276-12-31T23:59:59.999999Z", "the last there is"},
	{change.Timestamp, "2026-11-23 05:00:00.12", "text", "2026-11-23T05:00:00.120000", ""},
	{change.Timestamp, "2026-11-23 24:00:00", "text", "2026-11-23T24:00:00.000000", ""},
	{change.Timestamp, "0001-01-01 00:00:00 BC", "text", "0001-01-01T00:00:00.000000 BC", ""},
	{change.Timestamp, "infinity", "text", "infinity", ""},
	{change.Date, "2026-11-23", "text", "2026-11-23", ""},
	{change.Date, "0044-03-15 BC", "text", "0044-03-15 BC", ""},
	{change.Date, "5874897-12-31", "text", "5874897-12-31", "the last there is"},
	{change.Date, "-infinity", "text", "-infinity", ""},

	{change.Text, "", "text", "", "empty is not NULL"},
	{change.Text, "1.10", "text", "1.10", "numeric: all digits"},
	{change.Text, "123456789012345678901234567890.123456789", "text", "123456789012345678901234567890.123456789", "numeric"},
	{change.Text, "NaN", "text", "NaN", "numeric"},
	{change.Text, "-Infinity", "text", "-Infinity", "numeric"},
	{change.Text, "007", "text", "007", "text that looks like a number"},
	{change.Text, "Ä€😀\n\t\\N'\"", "text", "Ä€😀\n\t\\N'\"", ""},
	{change.Text, "{}", "text", "{}", "an empty array"},
	{change.Text, `{1,NULL,"a b"}`, "text", `{1,NULL,"a b"}`, "an array"},
	{change.Text, `{"a": 1.0}`, "text", `{"a": 1.0}`, "json"},
	{change.Text, "[1,5)", "text", "[1,5)", "a range"},
	{change.Text, "2001:db8::/32", "text", "2001:db8::/32", "inet"},
	{change.Text, "1 year 2 mons -3 days 04:05:06.7", "text", "1 year 2 mons -3 days 04:05:06.7", "an interval"},
	{change.Text, "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "text", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "uuid"},
}

var kinds = []change.Kind{
	change.Integer, change.Boolean, change.Float, change.Bytes,
	change.Timestamptz, change.Timestamp, change.Date, change.Text,
}

// samples has a key and a column of every kind.
func samples() *change.Table {
	t := &change.Table{OID: 300, Schema: "public", Name: "samples", SQLite: "samples", Key: []int{0}, Identity: []int{0}}
	t.Columns = append(t.Columns, change.Column{Name: "id", Kind: change.Integer})
	for _, k := range kinds {
		t.Columns = append(t.Columns, change.Column{Name: string(k), Kind: k})
	}
	return t
}

func sampleRow(id int, kind change.Kind, v change.Value) change.Row {
	r := row(id)
	for _, k := range kinds {
		if k == kind {
			r = append(r, v)
		} else {
			r = append(r, change.Value{Presence: change.Null})
		}
	}
	return r
}

func TestValuesSurviveExactly(t *testing.T) {
	table := samples()
	h := newHub(table)
	path := filepath.Join(t.TempDir(), "replica.db")
	var loaded []change.Row
	for i, v := range values {
		loaded = append(loaded, sampleRow(i, v.kind, row(v.text)[0]))
	}
	fill(t, h, path, loaded...)
	r := reopen(t, Options{Path: path})
	// By the copy, by INSERT and by UPDATE.
	var records [][]byte
	for i, v := range values {
		records = append(records, insert(table, sampleRow(1000+i, v.kind, row(v.text)[0])))
		records = append(records, insert(table, sampleRow(2000+i, v.kind, row(nil)[0])))
		records = append(records, update(table, nil, sampleRow(2000+i, v.kind, row(v.text)[0])))
	}
	apply(t, r, h.tx(records...))
	for i, v := range values {
		for _, id := range []int{i, 1000 + i, 2000 + i} {
			must(t, r.Read(t.Context(), func(view View) error {
				var got any
				var storage string
				column := quote(string(v.kind))
				if err := view.Tx.QueryRow("SELECT "+column+", typeof("+column+") FROM samples WHERE id = ?", id).Scan(&got, &storage); err != nil {
					return err
				}
				if want, ok := v.want.([]byte); ok {
					if b, _ := got.([]byte); !bytes.Equal(b, want) {
						t.Errorf("%s %q: got %v, want %v", v.kind, v.text, got, want)
					}
				} else if got != v.want {
					t.Errorf("%s %q: got %#v, want %#v", v.kind, v.text, got, v.want)
				}
				equal(t, fmt.Sprintf("%s %q is stored as", v.kind, v.text), storage, v.storage)
				return nil
			}))
		}
	}
	if got := dump(t, r, `SELECT count(*) FROM samples WHERE "text" IS NULL AND "bytes" IS NULL AND "float" IS NULL
		AND "integer" IS NULL AND "boolean" IS NULL AND "date" IS NULL AND "timestamp" IS NULL AND "timestamptz" IS NULL`); got != "0" {
		t.Errorf("%s values became NULL", got)
	}
}

func TestValuesThatAreNoneAreRefused(t *testing.T) {
	for _, bad := range []struct {
		kind change.Kind
		text string
	}{
		{change.Integer, ""},
		{change.Integer, "1.5"},
		{change.Integer, "9223372036854775808"},
		{change.Boolean, "true"},
		{change.Boolean, ""},
		{change.Float, "nan"},
		{change.Float, "1e999"},
		{change.Float, ""},
		{change.Float, "inf"},
		{change.Float, "0x1p-2"},
		{change.Float, "-0.0"},
		{change.Float, "1e-400"},
		{change.Bytes, "abc"},
		{change.Bytes, `\x1`},
		{change.Bytes, `\xzz`},
		{change.Bytes, ""},
		{change.Timestamptz, "2026-11-23 05:00:00"},
		{change.Timestamptz, "2026-11-23 05:00:00+01"},
		{change.Timestamptz, "2026-11-23 05:00:00.+00"},
		{change.Timestamptz, "2026-11-23 05:00:00.1234567+00"},
		{change.Timestamptz, "2026-11-23"},
		{change.Timestamptz, ""},
		{change.Timestamptz, "26-11-23 05:00:00+00"},
		{change.Timestamp, "2026-11-23 05:00:00+00"},
		{change.Timestamp, "23/11/2026 05:00:00"},
		{change.Date, "23/11/2026"},
		{change.Date, "2026-11-23 05:00:00"},
		{change.Date, " BC"},
	} {
		var c converter
		got, err := c.value(&change.Column{Name: "c", Kind: bad.kind}, row(bad.text)[0])
		if err == nil {
			t.Errorf("%s %q became %v", bad.kind, bad.text, got)
		}
	}
}

func TestColumnsHaveNoAffinityThatChangesValues(t *testing.T) {
	for _, k := range kinds {
		switch a := affinity(k); a {
		case "INTEGER", "TEXT", "BLOB", "":
		default:
			t.Errorf("%s has affinity %s", k, a)
		}
	}
}

func TestColumnsThatSQLiteCannotTellApart(t *testing.T) {
	table := &change.Table{SQLite: `a"b`, Columns: []change.Column{
		{Name: "Name", Kind: change.Text},
		{Name: "name", Kind: change.Text},
		{Name: "name_2", Kind: change.Text},
		{Name: "NAME", Kind: change.Text},
		{Name: "ÄÖ", Kind: change.Text},
		{Name: "äö", Kind: change.Text},
	}}
	got := strings.Join(columnNames(table), " ")
	equal(t, "names", got, `"Name" "name_3" "name_2" "NAME_4" "ÄÖ" "äö"`)
	h := newHub(table)
	fill(t, h, filepath.Join(t.TempDir(), "x.db")) // SQLite agrees
}

package replicatest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
)

// session makes Postgres' text independent of the server; names are to be qualified.
const session = `SET TimeZone = 'UTC'; SET DateStyle = ISO; SET IntervalStyle = postgres; SET extra_float_digits = 3;
	SET bytea_output = hex; SET lc_monetary = 'C'; SET search_path = pg_catalog; SET quote_all_identifiers = off;
	SET client_encoding = 'UTF8'`

// Equal catches up and compares the results of two queries, one of Postgres and one of
// the replica, as sets in which a row may stand more than once.
//
// It goes the other way round than the replica: it makes Postgres' text again out of
// what SQLite holds, by rules of its own.
func (f *Follower) Equal(t testing.TB, postgres, sqlite string) {
	t.Helper()
	f.CatchUp(t)
	want, types := f.Postgres(t, postgres)
	got := f.SQLite(t, types, sqlite)
	slices.Sort(want)
	slices.Sort(got)
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%s\nPostgres has %d rows, the replica %d", postgres, len(want), len(got))
	count := map[string]int{}
	for _, row := range want {
		count[row]++
	}
	for _, row := range got {
		count[row]--
	}
	told := 0
	for _, row := range slices.Concat(want, got) {
		side := "Postgres"
		if count[row] < 0 {
			side = "the replica"
		}
		if count[row] != 0 && told < 10 {
			t.Errorf("only in %s: %.300s", side, row)
			told++
		}
		delete(count, row)
	}
}

// EqualTables compares tables of schema public that are called alike on both sides,
// without their generated columns, which are not sent.
func (f *Follower) EqualTables(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		table := "public." + quoted
		// A query describes a domain as the type it is over; but it is text.
		rows, _ := f.Postgres(t, `SELECT string_agg(quote_ident(attname) || CASE typtype WHEN 'd' THEN '::text' ELSE '' END, ', ' ORDER BY attnum)
			FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
			WHERE attrelid = '`+strings.ReplaceAll(table, "'", "''")+`'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`)
		columns, err := strconv.Unquote(rows[0])
		must(t, err)
		f.Equal(t, "SELECT "+columns+" FROM "+table, "SELECT * FROM "+quoted)
	}
}

// Postgres gives a query's rows in Postgres' own text, and the types of its columns.
func (f *Follower) Postgres(t testing.TB, query string) (rows []string, types []uint32) {
	t.Helper()
	conn := pgtest.Connect(t, f.URL)
	defer func() { must(t, conn.Close(context.Background())) }()
	_, err := conn.PgConn().Exec(t.Context(), session).ReadAll()
	must(t, err)
	// Without formats everything comes as text.
	result := conn.PgConn().ExecParams(t.Context(), query, nil, nil, nil, nil)
	for _, field := range result.FieldDescriptions() {
		types = append(types, field.DataTypeOID)
	}
	for result.NextRow() {
		values := result.Values()
		fields := make([]string, len(values))
		for i, v := range values {
			switch {
			case v == nil:
				fields[i] = "NULL"
			case types[i] == 700 || types[i] == 701:
				fields[i] = float(string(v))
			default:
				fields[i] = strconv.Quote(string(v))
			}
		}
		rows = append(rows, strings.Join(fields, " "))
	}
	if _, err := result.Close(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return rows, types
}

// SQLite gives a query's rows in the text that Postgres has for values of those types.
func (f *Follower) SQLite(t testing.TB, types []uint32, query string) (rows []string) {
	t.Helper()
	must(t, f.Replica.Read(t.Context(), func(v replica.View) error {
		found, err := v.Tx.Query(query)
		if err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		defer found.Close()
		columns, err := found.Columns()
		if err != nil {
			return err
		}
		if len(columns) != len(types) {
			return fmt.Errorf("%s: %d columns, Postgres has %d", query, len(columns), len(types))
		}
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		for found.Next() {
			if err := found.Scan(places...); err != nil {
				return err
			}
			fields := make([]string, len(values))
			for i, v := range values {
				fields[i] = Text(types[i], v)
			}
			rows = append(rows, strings.Join(fields, " "))
		}
		return found.Err()
	}))
	return rows
}

// Text is the quoted text that Postgres prints for what SQLite holds of a type.
func Text(oid uint32, v any) string {
	wrong := func() string { return fmt.Sprintf("(%T %.100q is no value of type %d)", v, fmt.Sprint(v), oid) }
	switch oid {
	case 16, 20, 21, 23, 26: // bool, int8, int2, int4, oid
		n, ok := v.(int64)
		switch {
		case v == nil:
			return "NULL"
		case !ok || oid == 16 && n != 0 && n != 1:
			return wrong()
		case oid == 16:
			return strconv.Quote([]string{"f", "t"}[n])
		}
		return strconv.Quote(strconv.FormatInt(n, 10))
	case 17: // bytea
		switch b := v.(type) {
		case nil:
			return "NULL"
		case []byte:
			return strconv.Quote(`\x` + hex.EncodeToString(b))
		}
		return wrong()
	case 700, 701: // float4, float8
		switch n := v.(type) {
		case nil:
			return "NULL"
		case float64:
			return strconv.FormatFloat(n, 'e', -1, 64)
		case string: // only what SQLite cannot hold as a number
			if n == "NaN" || n == "-0" || n == "Infinity" || n == "-Infinity" {
				return float(n)
			}
		}
		return wrong()
	}
	if v == nil {
		return "NULL"
	}
	s, ok := v.(string)
	if !ok {
		return wrong()
	}
	switch oid {
	case 1082, 1114, 1184: // date, timestamp, timestamptz
		s = moment(s, oid)
	}
	return strconv.Quote(s)
}

// moment takes from a date or time what the replica adds.
func moment(s string, oid uint32) string {
	if strings.Contains(s, "infinity") {
		return s
	}
	s, bc := strings.CutSuffix(s, " BC")
	if date, clock, ok := strings.Cut(s, "T"); ok {
		clock, zulu := strings.CutSuffix(clock, "Z")
		whole, fraction, _ := strings.Cut(clock, ".")
		if len(fraction) != 6 {
			return "not six digits: " + s
		}
		if s = date + " " + whole; fraction != "000000" {
			s += "." + strings.TrimRight(fraction, "0")
		}
		if zulu != (oid == 1184) {
			return "a zone where none belongs, or none: " + s
		}
		if zulu {
			s += "+00"
		}
	}
	if bc {
		s += " BC"
	}
	return s
}

// float gives numbers that are equal to the last bit one text.
func float(text string) string {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return strconv.Quote(text)
	}
	return strconv.FormatFloat(n, 'e', -1, 64)
}

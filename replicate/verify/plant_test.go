package verify

import (
	"slices"
	"strings"
	"testing"
)

// keys are tables with keys of many kinds, each with some rows around the ones in which
// differences are planted.
var keys = []string{
	`CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
	`CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')`,
	`CREATE DOMAIN code AS text CHECK (VALUE <> '')`,
	`CREATE TABLE by_bigint (id bigint PRIMARY KEY, name text, body bytea, n numeric, f float8, g float4, at timestamptz, plain timestamp, day date, yes bool, parts int[], pair int4range)`,
	`INSERT INTO by_bigint SELECT i, 'name ' || i, decode(md5(i::text), 'hex'), i / 7.0, i / 3.0, i / 3.0,
		'2026-11-23 05:00:00.123456+00'::timestamptz + i * interval '1 second', '2026-11-23 05:00:00', '2026-11-23', i % 2 = 0, ARRAY[i, NULL, 2], int4range(i, i + 3)
		FROM generate_series(-700, 1800) i`,
	`CREATE TABLE by_text (name text COLLATE "de-x-icu" PRIMARY KEY, value text)`,
	`INSERT INTO by_text SELECT w || i, 'value' FROM unnest(ARRAY['Äpfel','apfel','Zebra','zebra','Öl','oel','ß','ss','é','''','"','\','{a,b}','日本']) w, generate_series(1, 150) i`,
	`CREATE TABLE by_nocase (name text COLLATE nocase PRIMARY KEY, value text)`,
	`INSERT INTO by_nocase SELECT w || i, 'value' FROM unnest(ARRAY['Ab','cD','EF']) w, generate_series(1, 100) i`,
	`CREATE TABLE by_uuid (id uuid PRIMARY KEY, value text)`,
	`INSERT INTO by_uuid SELECT md5(i::text)::uuid, 'value ' || i FROM generate_series(1, 1500) i`,
	`CREATE TABLE by_numeric (id numeric PRIMARY KEY, value text)`,
	`INSERT INTO by_numeric SELECT i * 1.50, 'value' FROM generate_series(-60, 60) i`,
	`INSERT INTO by_numeric VALUES ('NaN', 'nan'), ('Infinity', 'inf'), ('-Infinity', '-inf'), (1e40, 'big'), (0.00000000001, 'small')`,
	`CREATE TABLE by_float (id float8 PRIMARY KEY, value text)`,
	`INSERT INTO by_float VALUES ('NaN', 'nan'), ('Infinity', 'inf'), ('-Infinity', '-inf'), ('-0', 'zero'), (0.1, 'a'), (5e-324, 'b'), (1.7976931348623157e308, 'c')`,
	`CREATE TABLE by_real (id float4 PRIMARY KEY, value text)`,
	`INSERT INTO by_real VALUES ('NaN', 'nan'), ('-0', 'zero'), (0.1, 'a'), (1e-45, 'b'), (3.4028235e38, 'c')`,
	`CREATE TABLE by_time (at timestamptz PRIMARY KEY, value text)`,
	`INSERT INTO by_time SELECT '2026-11-23 05:00:00.5+00'::timestamptz + i * interval '1.000001 second', 'value' FROM generate_series(1, 1200) i`,
	`INSERT INTO by_time VALUES ('infinity', 'a'), ('-infinity', 'b'), ('0044-03-15 12:00:00 BC', 'c'), ('294276-12-31 23:59:59.999999', 'd')`,
	`CREATE TABLE by_day (day date PRIMARY KEY, value text)`,
	`INSERT INTO by_day SELECT '2026-11-23'::date + i, 'value' FROM generate_series(1, 300) i`,
	`INSERT INTO by_day VALUES ('infinity', 'a'), ('0044-03-15 BC', 'c'), ('5874897-12-31', 'd')`,
	`CREATE TABLE by_bytes (id bytea PRIMARY KEY, value text)`,
	`INSERT INTO by_bytes SELECT decode(md5(i::text), 'hex'), 'value' FROM generate_series(1, 300) i`,
	`INSERT INTO by_bytes VALUES ('', 'empty'), ('\x00', 'nul')`,
	`CREATE TABLE by_bool (yes bool PRIMARY KEY, value text)`,
	`INSERT INTO by_bool VALUES (true, 'a'), (false, 'b')`,
	`CREATE TABLE by_char (id character(5) PRIMARY KEY, single "char" NOT NULL, value text)`,
	`INSERT INTO by_char VALUES ('ab', 'x', 'a'), ('abc', 'y', 'b'), ('', 'z', 'c')`,
	`CREATE TABLE by_enum (m mood, c code, a int[], PRIMARY KEY (m, c, a))`,
	`INSERT INTO by_enum SELECT m::mood, 'c' || i, ARRAY[i] FROM unnest(ARRAY['sad','ok','glad']) m, generate_series(1, 80) i`,
	`CREATE TABLE by_two (company bigint, name text, value text, PRIMARY KEY (company, name))`,
	`INSERT INTO by_two SELECT i % 7, 'name' || i, 'value' FROM generate_series(1, 3000) i`,
	`CREATE TABLE by_index (a int NOT NULL, b inet NOT NULL, value text)`,
	`CREATE UNIQUE INDEX by_index_key ON by_index (b, a)`,
	`ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_key`,
	`INSERT INTO by_index SELECT i, ('10.0.0.' || i % 5)::inet, 'value' FROM generate_series(1, 200) i`,
	`CREATE TABLE parted (id bigint, region text, value text, PRIMARY KEY (id, region)) PARTITION BY LIST (region)`,
	`CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a')`,
	`CREATE TABLE parted_b (value text, region text NOT NULL, id bigint NOT NULL)`,
	`ALTER TABLE parted ATTACH PARTITION parted_b FOR VALUES IN ('b')`,
	`INSERT INTO parted SELECT i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END, 'value' FROM generate_series(1, 500) i`,
	`CREATE TABLE filtered (id bigint PRIMARY KEY, state text, value text, secret text)`,
	`INSERT INTO filtered SELECT i, CASE i % 3 WHEN 0 THEN 'draft' ELSE 'live' END, 'value', 'secret' FROM generate_series(1, 500) i`,
	`CREATE TABLE keyless (a int, b text)`,
	`ALTER TABLE keyless REPLICA IDENTITY FULL`,
	`INSERT INTO keyless SELECT i % 40, 'text ' || i % 3 FROM generate_series(1, 2000) i`,
	`INSERT INTO keyless VALUES (NULL, NULL), (NULL, ''), (7, NULL)`,
	`CREATE SCHEMA "Other Schema"`,
	`CREATE TABLE "Other Schema"."n" ("n" int PRIMARY KEY, "k0" text, "Order" text, "rowid" int, "_outpost_row" int)`,
	`INSERT INTO "Other Schema"."n" SELECT i, 'k', 'o', i, i FROM generate_series(1, 50) i`,
	`CREATE PUBLICATION outpost FOR TABLE by_bigint, by_text, by_nocase, by_uuid, by_numeric, by_float, by_real, by_time, by_day, by_bytes, by_bool, by_char,
		by_enum, by_two, by_index, parted, filtered (id, state, value) WHERE (state = 'live'), keyless, "Other Schema"."n" WHERE (n <> 13) WITH (publish_via_partition_root)`,
	`ANALYZE`,
}

// TestEachDifferenceIsFoundOnce plants one difference after the other into tables with
// keys of every kind.
func TestEachDifferenceIsFoundOnce(t *testing.T) {
	f := follow(t, keys...)
	expectEqual(t, f.verify())
	for _, d := range []struct{ plant, undo, want string }{
		{`UPDATE by_bigint SET name = 'nbme 5' WHERE id = 5`, `UPDATE by_bigint SET name = 'name 5' WHERE id = 5`,
			`by_bigint: id=5: different: name is "name 5", in the replica "nbme 5"`},
		{`UPDATE by_bigint SET name = NULL WHERE id = -700`, `UPDATE by_bigint SET name = 'name -700' WHERE id = -700`,
			`by_bigint: id=-700: different: name is "name -700", in the replica NULL`},
		{`UPDATE by_bigint SET body = x'c4ca4238a0b923820dcc509a6f75849c' WHERE id = 1`, `UPDATE by_bigint SET body = x'c4ca4238a0b923820dcc509a6f75849b' WHERE id = 1`,
			`by_bigint: id=1: different: body is "\\xc4ca4238a0b923820dcc509a6f75849b", in the replica "\\xc4ca4238a0b923820dcc509a6f75849c"`},
		{`UPDATE by_bigint SET body = CAST(body AS text) WHERE id = 3`, `UPDATE by_bigint SET body = CAST(body AS blob) WHERE id = 3`, `by_bigint: id=3: different: body is`},
		{`UPDATE by_bigint SET n = substr(n, 1, length(n) - 1) || '4' WHERE id = 8`, `UPDATE by_bigint SET n = substr(n, 1, length(n) - 1) || '1' WHERE id = 8`, `by_bigint: id=8: different: n is`},
		{`UPDATE by_bigint SET n = n || '0' WHERE id = 9`, `UPDATE by_bigint SET n = substr(n, 1, length(n) - 1) WHERE id = 9`, `by_bigint: id=9: different: n is`},
		{`UPDATE by_bigint SET f = 0.33333333333333337 WHERE id = 1`, `UPDATE by_bigint SET f = 0.3333333333333333 WHERE id = 1`,
			`by_bigint: id=1: different: f is "0.3333333333333333", in the replica "0.33333333333333337"`},
		{`UPDATE by_bigint SET g = 0.33333334 WHERE id = 1`, `UPDATE by_bigint SET g = 0.33333334 WHERE id = 1`, ``},
		{`UPDATE by_bigint SET g = 0.33333333 WHERE id = 1`, `UPDATE by_bigint SET g = 0.33333334 WHERE id = 1`, `by_bigint: id=1: different: g is`},
		{`UPDATE by_bigint SET f = 0 WHERE id = 0`, `UPDATE by_bigint SET f = 0.0 WHERE id = 0`, `by_bigint: id=0: different: f is "0", in the replica "the number 0"`},
		{`UPDATE by_bigint SET at = '2026-11-23T05:00:07.123457Z' WHERE id = 7`, `UPDATE by_bigint SET at = '2026-11-23T05:00:07.123456Z' WHERE id = 7`,
			`by_bigint: id=7: different: at is "2026-11-23 05:00:07.123456+00", in the replica "2026-11-23 05:00:07.123457+00"`},
		{`UPDATE by_bigint SET plain = '2026-11-23T05:00:00Z' WHERE id = 7`, `UPDATE by_bigint SET plain = '2026-11-23T05:00:00.000000' WHERE id = 7`, `by_bigint: id=7: different: plain is`},
		{`UPDATE by_bigint SET plain = '2026-11-23 05:00:00' WHERE id = 7`, `UPDATE by_bigint SET plain = '2026-11-23T05:00:00.000000' WHERE id = 7`, `by_bigint: id=7: different: plain is`},
		{`UPDATE by_bigint SET day = '2026-11-24' WHERE id = 1800`, `UPDATE by_bigint SET day = '2026-11-23' WHERE id = 1800`, `by_bigint: id=1800: different: day is`},
		{`UPDATE by_bigint SET yes = 1 WHERE id = 1`, `UPDATE by_bigint SET yes = 0 WHERE id = 1`, `by_bigint: id=1: different: yes is "f", in the replica "t"`},
		{`UPDATE by_bigint SET yes = 2 WHERE id = 2`, `UPDATE by_bigint SET yes = 1 WHERE id = 2`, `by_bigint: id=2: different: yes is "t", in the replica "the number 2"`},
		{`UPDATE by_bigint SET parts = '{1,NULL,3}' WHERE id = 1`, `UPDATE by_bigint SET parts = '{1,NULL,2}' WHERE id = 1`, `by_bigint: id=1: different: parts is`},
		{`DELETE FROM by_bigint WHERE id = 1799`, ``, `by_bigint: id=1799: missing from the replica`},
		{`INSERT INTO by_bigint (id) VALUES (-9223372036854775808)`, `DELETE FROM by_bigint WHERE id = -9223372036854775808`, `by_bigint: id=-9223372036854775808: surplus in the replica`},
		{`INSERT INTO by_bigint (id) VALUES (9223372036854775807)`, `DELETE FROM by_bigint WHERE id = 9223372036854775807`, `by_bigint: id=9223372036854775807: surplus in the replica`},
		{`UPDATE by_text SET value = '' WHERE name = 'Äpfel7'`, `UPDATE by_text SET value = 'value' WHERE name = 'Äpfel7'`, `by_text: name=Äpfel7: different: value is "value", in the replica ""`},
		{`DELETE FROM by_text WHERE name = 'ß9'`, ``, `by_text: name=ß9: missing from the replica`},
		{`DELETE FROM by_text WHERE name = '\9'`, ``, `by_text: name=\9: missing from the replica`},
		{`INSERT INTO by_text VALUES ('äpfel7', 'value')`, `DELETE FROM by_text WHERE name = 'äpfel7'`, `by_text: name=äpfel7: surplus in the replica`},
		{`INSERT INTO by_nocase VALUES ('aB7', 'value')`, `DELETE FROM by_nocase WHERE name = 'aB7'`, `by_nocase: name=aB7: surplus in the replica`},
		{`INSERT INTO by_uuid VALUES ('not a uuid', 'value')`, `DELETE FROM by_uuid WHERE id = 'not a uuid'`, `by_uuid: id=not a uuid: surplus in the replica`},
		{`INSERT INTO by_uuid VALUES (NULL, 'value')`, `DELETE FROM by_uuid WHERE id IS NULL`, `by_uuid: id=NULL: surplus in the replica`},
		{`INSERT INTO by_numeric VALUES ('1.5', 'value')`, `DELETE FROM by_numeric WHERE id = '1.5'`, `by_numeric: id=1.5: surplus in the replica`},
		{`UPDATE by_numeric SET value = 'x' WHERE id = 'NaN'`, `UPDATE by_numeric SET value = 'nan' WHERE id = 'NaN'`, `by_numeric: id=NaN: different: value`},
		{`UPDATE by_float SET value = 'x' WHERE id = '-0'`, `UPDATE by_float SET value = 'zero' WHERE id = '-0'`, `by_float: id=-0: different: value`},
		{`INSERT INTO by_float VALUES (0.10000000000000002, '')`, `DELETE FROM by_float WHERE id = 0.10000000000000002`, `by_float: id=0.10000000000000002: surplus`},
		{`INSERT INTO by_real VALUES (0.100000001, '')`, `DELETE FROM by_real WHERE id = 0.100000001`, `by_real: id=0.100000001: surplus`},
		{`INSERT INTO by_time VALUES ('2026-11-23T05:00:00.500000Z', '')`, `DELETE FROM by_time WHERE at = '2026-11-23T05:00:00.500000Z'`, `by_time: at=2026-11-23 05:00:00.5+00: surplus`},
		{`UPDATE by_time SET value = 'x' WHERE at LIKE '%BC'`, `UPDATE by_time SET value = 'c' WHERE at LIKE '%BC'`, `by_time: at=0044-03-15 12:00:00+00 BC: different`},
		{`UPDATE by_day SET value = 'x' WHERE day LIKE '%BC'`, `UPDATE by_day SET value = 'c' WHERE day LIKE '%BC'`, `by_day: day=0044-03-15 BC: different`},
		{`UPDATE by_bytes SET value = 'x' WHERE id = x''`, `UPDATE by_bytes SET value = 'empty' WHERE id = x''`, `by_bytes: id=\x: different`},
		{`INSERT INTO by_bytes VALUES (x'0000', 'x')`, `DELETE FROM by_bytes WHERE id = x'0000'`, `by_bytes: id=\x0000: surplus`},
		{`DELETE FROM by_bool WHERE yes = 0`, ``, `by_bool: yes=f: missing`},
		{`UPDATE by_char SET value = 'x' WHERE id = 'ab   '`, `UPDATE by_char SET value = 'a' WHERE id = 'ab   '`, `by_char: id=ab   : different`},
		{`UPDATE by_enum SET c = 'c999' WHERE m = 'ok' AND c = 'c7'`, `UPDATE by_enum SET c = 'c7' WHERE m = 'ok' AND c = 'c999'`,
			"by_enum: m=ok, c=c7, a={7}: missing from the replica\nby_enum: m=ok, c=c999, a={7}: surplus in the replica"},
		{`INSERT INTO by_enum VALUES ('furious', 'c1', '{1}')`, `DELETE FROM by_enum WHERE m = 'furious'`, `by_enum: m=furious, c=c1, a={1}: surplus`},
		{`DELETE FROM by_two WHERE company = 3 AND name = 'name3'`, ``, `by_two: company=3, name=name3: missing`},
		{`UPDATE by_index SET value = 'x' WHERE a = 5`, `UPDATE by_index SET value = 'value' WHERE a = 5`, `by_index: b=10.0.0.0, a=5: different`},
		{`UPDATE parted SET value = 'x' WHERE id = 5`, `UPDATE parted SET value = 'value' WHERE id = 5`, `parted: id=5, region=b: different`},
		{`INSERT INTO filtered VALUES (3, 'draft', 'value')`, `DELETE FROM filtered WHERE id = 3`, `filtered: id=3: surplus`},
		{`UPDATE filtered SET value = 'x' WHERE id = 4`, `UPDATE filtered SET value = 'value' WHERE id = 4`, `filtered: id=4: different: value`},
		{`INSERT INTO keyless VALUES (39, 'text 0')`, `DELETE FROM keyless WHERE rowid = (SELECT max(rowid) FROM keyless WHERE a = 39 AND b = 'text 0')`,
			`keyless: row `},
		{`INSERT INTO keyless VALUES (NULL, '')`, `DELETE FROM keyless WHERE rowid = (SELECT max(rowid) FROM keyless)`, `keyless: row `},
		{`UPDATE keyless SET b = '' WHERE a IS NULL AND b IS NULL`, `UPDATE keyless SET b = NULL WHERE rowid = (SELECT max(rowid) FROM keyless WHERE a IS NULL)`, "keyless: row \nkeyless: row "},
		{`DELETE FROM keyless WHERE a = 7 AND b IS NULL`, ``, `keyless: row `},
		{`UPDATE "Other Schema_n" SET "Order" = 'x' WHERE n = 5`, `UPDATE "Other Schema_n" SET "Order" = 'o' WHERE n = 5`, `n: n=5: different: Order is "o", in the replica "x"`},
		{`INSERT INTO "Other Schema_n" VALUES (13, 'k', 'o', 13, 13)`, `DELETE FROM "Other Schema_n" WHERE n = 13`, `n: n=13: surplus`},
	} {
		var saved string
		if d.undo == "" { // a deleted row comes back by itself
			table := strings.Fields(d.plant)[2]
			saved = "CREATE TABLE saved AS SELECT * FROM " + table + strings.TrimPrefix(d.plant, "DELETE FROM "+table)
			plant(t, f.path, saved)
			d.undo = "INSERT INTO " + table + " SELECT * FROM saved"
		}
		plant(t, f.path, d.plant)
		got := lines(f.verify())
		slices.Sort(got)
		var want []string
		if d.want != "" {
			want = strings.Split(d.want, "\n")
		}
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%s: found\n%s\nwant\n%s", d.plant, strings.Join(got, "\n"), d.want)
		}
		plant(t, f.path, d.undo)
		if saved != "" {
			plant(t, f.path, "DROP TABLE saved")
		}
	}
	expectEqual(t, f.verify())
}

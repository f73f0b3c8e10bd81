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
	`UPDATE by_text SET value = CASE name WHEN 'Äpfel8' THEN '' END WHERE name IN ('Äpfel8', 'Äpfel9')`,
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

// TestEachDifferenceIsFoundOnce plants differences into tables with keys of every kind.
func TestEachDifferenceIsFoundOnce(t *testing.T) {
	f := follow(t, keys...)
	expectEqual(t, f.verify())
	var want []string
	for _, d := range []struct{ plant, want string }{
		{`UPDATE by_bigint SET name = 'nbme 5' WHERE id = 5`, `by_bigint: id=5: different: name is "name 5", in the replica "nbme 5"`},
		{`UPDATE by_bigint SET name = NULL WHERE id = -700`, `by_bigint: id=-700: different: name is "name -700", in the replica NULL`},
		{
			`UPDATE by_bigint SET body = x'c4ca4238a0b923820dcc509a6f75849c' WHERE id = 1`,
			`by_bigint: id=1: different: body is "\\xc4ca4238a0b923820dcc509a6f75849b", in the replica "\\xc4ca4238a0b923820dcc509a6f75849c"`,
		},
		{`UPDATE by_bigint SET body = CAST(x'c3a9' AS text) WHERE id = 3`, `by_bigint: id=3: different: body is`},
		{`UPDATE by_bigint SET n = '1.1428571428571428' WHERE id = 8`, `by_bigint: id=8: different: n is "1.1428571428571429", in the replica "1.1428571428571428"`},
		{`UPDATE by_bigint SET n = n || '0' WHERE id = 9`, `by_bigint: id=9: different: n is`},
		{
			`UPDATE by_bigint SET f = 3.6666666666666674 WHERE id = 11`,
			`by_bigint: id=11: different: f is "3.6666666666666665", in the replica "3.6666666666666674"`,
		},
		{`UPDATE by_bigint SET g = 3.6666667 WHERE id = 11 AND g = 3.6666667`, ``}, // what it is
		{`UPDATE by_bigint SET g = 4.33333331 WHERE id = 13`, `by_bigint: id=13: different: g is`},
		{`UPDATE by_bigint SET f = 0 WHERE id = 0`, `by_bigint: id=0: different: f is "0", in the replica "the number 0"`},
		{`UPDATE by_bigint SET f = 'NaN' WHERE id = 14`, `by_bigint: id=14: different: f is "4.666666666666667", in the replica "NaN"`},
		{
			`UPDATE by_bigint SET at = '2026-11-23T05:00:07.123457Z' WHERE id = 7`,
			`by_bigint: id=7: different: at is "2026-11-23 05:00:07.123456+00", in the replica "2026-11-23 05:00:07.123457+00"`,
		},
		{`UPDATE by_bigint SET plain = '2026-11-23T05:00:00Z' WHERE id = 15`, `by_bigint: id=15: different: plain is`},
		{`UPDATE by_bigint SET plain = '2026-11-23 05:00:00' WHERE id = 16`, `by_bigint: id=16: different: plain is`},
		{`UPDATE by_bigint SET plain = '2026-11-23T05:00:00.0' WHERE id = 17`, `by_bigint: id=17: different: plain is`},
		{`UPDATE by_bigint SET day = '2026-11-24' WHERE id = 1800`, `by_bigint: id=1800: different: day is`},
		{`UPDATE by_bigint SET yes = 1 WHERE id = 19`, `by_bigint: id=19: different: yes is "f", in the replica "t"`},
		{`UPDATE by_bigint SET yes = 2 WHERE id = 2`, `by_bigint: id=2: different: yes is "t", in the replica "the number 2"`},
		{`UPDATE by_bigint SET parts = '{18,NULL,3}', pair = '[18,22)' WHERE id = 18`, `by_bigint: id=18: different: parts is "{18,NULL,2}", in the replica "{18,NULL,3}", pair is`},
		{`DELETE FROM by_bigint WHERE id = 1799`, `by_bigint: id=1799: missing from the replica`},
		{`INSERT INTO by_bigint (id) VALUES (-9223372036854775808)`, `by_bigint: id=-9223372036854775808: surplus in the replica`},
		{`INSERT INTO by_bigint (id) VALUES (9223372036854775807)`, `by_bigint: id=9223372036854775807: surplus in the replica`},
		{`UPDATE by_text SET value = '' WHERE name = 'Äpfel7'`, `by_text: name=Äpfel7: different: value is "value", in the replica ""`},
		{`UPDATE by_text SET value = NULL WHERE name = 'Äpfel8'`, `by_text: name=Äpfel8: different: value is "", in the replica NULL`},
		{`UPDATE by_text SET value = '' WHERE name = 'Äpfel9'`, `by_text: name=Äpfel9: different: value is NULL, in the replica ""`},
		{`DELETE FROM by_text WHERE name = 'ß9'`, `by_text: name=ß9: missing from the replica`},
		{`DELETE FROM by_text WHERE name = '\9'`, `by_text: name=\9: missing from the replica`},
		{`INSERT INTO by_text VALUES ('äpfel7', 'value')`, `by_text: name=äpfel7: surplus in the replica`},
		{`INSERT INTO by_nocase VALUES ('aB7', 'value')`, `by_nocase: name=aB7: surplus in the replica`},
		{`INSERT INTO by_uuid VALUES ('not a uuid', 'value')`, `by_uuid: id=not a uuid: surplus in the replica`},
		{`INSERT INTO by_uuid VALUES (NULL, 'value')`, `by_uuid: id=NULL: surplus in the replica`},
		{`INSERT INTO by_numeric VALUES ('1.5', 'value')`, `by_numeric: id=1.5: surplus in the replica`},
		{`UPDATE by_numeric SET value = 'x' WHERE id = 'NaN'`, `by_numeric: id=NaN: different: value`},
		{`UPDATE by_float SET value = 'x' WHERE id = '-0'`, `by_float: id=-0: different: value`},
		{`INSERT INTO by_float VALUES (0.10000000000000002, '')`, `by_float: id=0.10000000000000002: surplus`},
		{`INSERT INTO by_real VALUES (0.100000001, '')`, `by_real: id=0.100000001: surplus`},
		{`INSERT INTO by_time VALUES ('2026-11-23T05:00:00.500000Z', '')`, `by_time: at=2026-11-23 05:00:00.5+00: surplus`},
		{`UPDATE by_time SET value = 'x' WHERE at LIKE '%BC'`, `by_time: at=0044-03-15 12:00:00+00 BC: different`},
		{`UPDATE by_day SET value = 'x' WHERE day LIKE '%BC'`, `by_day: day=0044-03-15 BC: different`},
		{`UPDATE by_bytes SET value = 'x' WHERE id = x''`, `by_bytes: id=\x: different`},
		{`INSERT INTO by_bytes VALUES (x'0000', 'x')`, `by_bytes: id=\x0000: surplus`},
		{`DELETE FROM by_bool WHERE yes = 0`, `by_bool: yes=f: missing`},
		{`UPDATE by_char SET value = 'x' WHERE id = 'ab   '`, `by_char: id=ab   : different`},
		{
			`UPDATE by_enum SET c = 'c999' WHERE m = 'ok' AND c = 'c7'`,
			"by_enum: m=ok, c=c7, a={7}: missing from the replica\nby_enum: m=ok, c=c999, a={7}: surplus in the replica",
		},
		{`INSERT INTO by_enum VALUES ('furious', 'c1', '{1}')`, `by_enum: m=furious, c=c1, a={1}: surplus`},
		{`DELETE FROM by_two WHERE company = 3 AND name = 'name3'`, `by_two: company=3, name=name3: missing`},
		{`UPDATE by_index SET value = 'x' WHERE a = 5`, `by_index: b=10.0.0.0, a=5: different`},
		{`UPDATE parted SET value = 'x' WHERE id = 5`, `parted: id=5, region=b: different`},
		{`INSERT INTO filtered VALUES (3, 'draft', 'value')`, `filtered: id=3: surplus`},
		{`UPDATE filtered SET value = 'x' WHERE id = 4`, `filtered: id=4: different: value`},
		{`INSERT INTO keyless VALUES (39, 'text 0')`, `keyless: row 3639a52daf32c8c8…: surplus in the replica: a "39", b "text 0"`},
		{
			`UPDATE keyless SET b = '' WHERE a IS NULL AND b IS NULL`,
			"keyless: row 4f77e139c906283d…: surplus in the replica: a NULL, b \"\"\nkeyless: row ff0c2b1a782be5d0…: missing from the replica: a NULL, b NULL",
		},
		{`DELETE FROM keyless WHERE a = 5 AND b = 'text 0'`, `keyless: row bf9f6412e6f9ebe2…: missing from the replica, 17 times: a "5", b "text 0"`},
		{`UPDATE "Other Schema_n" SET "Order" = 'x' WHERE n = 5`, `n: n=5: different: Order is "o", in the replica "x"`},
		{`INSERT INTO "Other Schema_n" VALUES (13, 'k', 'o', 13, 13)`, `n: n=13: surplus`},
	} {
		plant(t, f.path, d.plant)
		if d.want != "" {
			want = append(want, strings.Split(d.want, "\n")...)
		}
	}
	var unexpected []string
	for _, line := range lines(f.verify()) {
		i := slices.IndexFunc(want, func(w string) bool { return strings.HasPrefix(line, w) })
		if i < 0 {
			unexpected = append(unexpected, line)
			continue
		}
		want = slices.Delete(want, i, i+1)
	}
	if len(want) > 0 || len(unexpected) > 0 {
		t.Errorf("not found:\n\t%s\nfound, and not planted:\n\t%s", strings.Join(want, "\n\t"), strings.Join(unexpected, "\n\t"))
	}
}

-- What happens in a boat hire: a statement after each line that says which table it is for, with $n for
-- a number that no other statement gets. Those that meet no row, or a constraint, are as good as any.

--: harbour.country insert
INSERT INTO harbour.country VALUES ('x' || to_hex($n % 250), 'Land ' || $n, ARRAY['l' || $n, NULL], chr(97 + $n % 20)::"char") ON CONFLICT DO NOTHING
--: harbour.country update
UPDATE harbour.country SET languages = languages || ARRAY['u' || $n % 10], calling = NULL WHERE name LIKE '%' || $n % 10 AND cardinality(languages) < 9 AND array_ndims(languages) = 1
--: harbour.country delete
DELETE FROM harbour.country WHERE code = 'x' || to_hex($n * 7 % 250)
--: harbour.marina insert
INSERT INTO harbour.marina (country, name, spot, basin, depth, contact, network, season) VALUES ('DK', 'Neuer Hafen ' || $n, point($n % 90, -0.5), NULL, 'NaN', hstore('web', 'https://h' || $n || '.example'), '10.0.0.0/8', '{}')
--: harbour.marina update
UPDATE harbour.marina SET depth = depth + 0.1, contact = contact || hstore('vhf', ($n % 70)::text), spot = point(spot[0], $n / 3.0) WHERE id % 25 = $n % 25
--: harbour.marina delete
DELETE FROM harbour.marina WHERE id > 25 AND id % 3 = $n % 3
--: harbour.berth insert
INSERT INTO harbour.berth SELECT 1 + $n % 25, 'Z', 10 + $n % 500, $n / 9.0, daterange('2027-01-01', NULL), $n::money ON CONFLICT DO NOTHING
--: harbour.berth update
UPDATE harbour.berth SET taken = daterange('2026-05-01', '2026-05-02'), length = CASE number % 3 WHEN 0 THEN 'Infinity' WHEN 1 THEN '-0' ELSE length + 0.1 END WHERE marina = 1 + $n % 25 AND pier = 'A'
--: harbour.berth update
UPDATE harbour.berth SET number = number + 1000 WHERE marina = 1 + $n % 25 AND pier = 'Z' AND number < 1000
--: harbour.berth delete
DELETE FROM harbour.berth WHERE (pier, number) IN (('B', 1 + $n % 11), ('Z', 10 + $n * 3 % 500))
--: harbour.boat_model insert
INSERT INTO harbour.boat_model VALUES ('Werft ' || $n % 50, 'Neu', 1900 + $n % 100, 'carbon fibre', '{"a": {"b": [1, 2.50]}}', decode(md5($n::text), 'hex'), prose($n, 900)) ON CONFLICT DO NOTHING
--: harbour.boat_model update
UPDATE harbour.boat_model SET datasheet = datasheet || jsonb_build_object('seen', $n) WHERE model = 'Typ ' || 1 + $n % 120
--: harbour.boat_model update
UPDATE harbour.boat_model SET year = year + 1 WHERE model = 'Typ ' || 1 + $n * 11 % 120
--: harbour.boat_model delete
DELETE FROM harbour.boat_model WHERE maker = 'Werft ' || $n * 3 % 50
--: harbour.boat insert
INSERT INTO harbour.boat (id, name, home, price, equipment, hardware, sister, beam, length, registered, marks) VALUES (1000 + $n, 'Jolle ' || $n, 1 + $n % 25, $n % 1000, ARRAY['oars', '', '"', 'ä,b'], NULL, 1 + $n % 300, 1.5, 4, 'infinity', B'')
--: harbour.boat update
UPDATE harbour.boat SET price = price + 0.01, marks = ~marks, registered = registered + interval '1.000001 s', sister = NULL WHERE id = 1 + $n % 400
--: harbour.boat delete
DELETE FROM harbour.boat WHERE id = (SELECT min(id) FROM harbour.boat WHERE id > 1000) OR id = 300 + $n % 100 AND $n % 9 = 0
--: harbour.service insert
INSERT INTO harbour.service (id, done, boat, took, cost, remark) SELECT 100000 + $n * 10 + i, date '2023-12-25' + ($n * 37 % 900)::int, 1 + $n % 200, i * interval '1 mon -3 hours', $n % 500, NULL FROM generate_series(0, 9) i
--: harbour.service update
UPDATE harbour.service SET cost = cost + 1, remark = prose($n, 15) WHERE id % 150 = $n % 150
--: harbour.service update
UPDATE harbour.service SET done = done + 366 WHERE id % 211 = $n % 211 AND isfinite(done)
--: harbour.service delete
DELETE FROM harbour.service WHERE id % 97 = $n % 97 AND done < '2025-01-01'
--: public.weather insert
INSERT INTO weather SELECT 1 + i % 25, timestamptz '2027-01-01 00:00+00' + $n * interval '1 minute' + i * interval '1 microsecond', i / 3.0, $n, i, B'00001111' FROM generate_series(1, 20) i ON CONFLICT DO NOTHING
--: public.weather update
UPDATE weather SET wind = CASE WHEN wind > 100 THEN 'Infinity' ELSE wind * 1.1 END, gust = -0.0::float8, remark = NULLIF(remark, 'sturm') WHERE marina = 1 + $n % 25 AND measured < timestamptz '2026-03-01 06:00+00'
--: public.weather delete
DELETE FROM weather WHERE ctid IN (SELECT ctid FROM weather WHERE marina = 1 + $n % 25 ORDER BY measured DESC LIMIT 15)
--: hire.customer insert
INSERT INTO hire.customer (id, email, name, home, phones, preferences, last_seen, notes, seen_at) VALUES (md5('new ' || $n)::uuid, 'n' || $n || '@example.org', given_name($n) || E' \u202e' || family_name($n), ROW('Gasse', $n % 100, '', '-infinity'), '{}', '[]', '::1', CASE WHEN $n % 3 = 0 THEN prose($n, 1500) END, clock_timestamp())
--: hire.customer update
UPDATE hire.customer SET balance = balance + '1.25'::money, preferences = preferences || '{"newsletter": null}', seen_at = clock_timestamp() WHERE id = md5('customer ' || 1 + $n % 1500)::uuid
--: hire.customer update
UPDATE hire.customer SET notes = CASE WHEN notes = '' THEN NULL ELSE coalesce(notes, '') || 'x' END, home.number = $n % 77 WHERE id = md5('customer ' || 20 * (1 + $n % 75))::uuid
--: hire.customer delete
DELETE FROM hire.customer WHERE email = 'n' || $n - 40 || '@example.org' OR id = md5('customer ' || 1000 + $n % 500)::uuid AND $n % 5 = 0
--: hire.licence insert
INSERT INTO hire.licence SELECT id, 'sea ' || $n % 5, 'S' || $n, daterange(NULL, '2030-01-01', '[]'), '\x00ff' FROM hire.customer WHERE id > md5('l' || $n)::uuid ORDER BY id LIMIT 5 ON CONFLICT DO NOTHING
--: hire.licence update
UPDATE hire.licence SET number = number || '+', valid = 'empty' WHERE customer = md5('customer ' || 1 + $n % 800)::uuid
--: hire.licence delete
DELETE FROM hire.licence WHERE customer = md5('customer ' || 1 + $n * 7 % 800)::uuid AND kind <> 'inland' OR kind = 'sea ' || $n % 25
--: hire.booking insert
INSERT INTO hire.booking SELECT 100000 + $n * 4 + i, md5('customer ' || 1 + ($n + i) % 900)::uuid, 1 + $n % 300, tstzrange(at, at + interval '5 hours', '[)'), 'confirmed', NULL, false FROM generate_series(0, 3) i, LATERAL (SELECT timestamptz '2030-01-01 00:00+00' + ($n * 4 + i) * interval '6 hours' AS at) a
--: hire.booking update
UPDATE hire.booking SET state = CASE WHEN state = 'cancelled' THEN state ELSE 'returned' END, paid = NOT paid, grace = coalesce(grace, '0') + interval '1 day -1 second' WHERE id % 400 = $n % 400
--: hire.booking delete
DELETE FROM hire.booking WHERE id = 1 + $n * 13 % 4000 OR id BETWEEN 100000 AND 99000 + $n * 4 AND id % 3 = 0
--: hire.booking_line insert
INSERT INTO hire.booking_line SELECT id, 10 + $n % 90, 'extra', 1, $n % 100 FROM hire.booking WHERE id % 211 = $n % 211 ON CONFLICT DO NOTHING
--: hire.booking_line update
UPDATE hire.booking_line SET quantity = quantity + 1 WHERE booking % 150 = $n % 150
--: hire.booking_line delete
DELETE FROM hire.booking_line WHERE booking % 173 = $n % 173 AND line > 1
--: hire.payment insert
INSERT INTO hire.payment SELECT 1000000 + $n * 3 + i, (ARRAY['visa', 'cash', 'bitcoin'])[1 + i], 1 + $n % 4000, '-12.34', clock_timestamp(), '{"new":  [1 ]}' FROM generate_series(0, 2) i WHERE EXISTS (SELECT FROM hire.booking WHERE id = 1 + $n % 4000)
--: hire.payment update
UPDATE hire.payment SET amount = amount * 1.5, reply = NULL WHERE id % 120 = $n % 120
--: hire.payment update
UPDATE hire.payment SET method = CASE method WHEN 'visa' THEN 'cash' WHEN 'cash' THEN 'paypal' ELSE 'mastercard' END WHERE id % 130 = $n % 130 AND method <> 'cheque'
--: hire.payment delete
DELETE FROM hire.payment WHERE id % 140 = $n % 140
--: hire.payment_cheque insert
INSERT INTO hire.payment_cheque VALUES (600000 + $n, 'cheque', 1 + $n % 90, 1::money, '2026-05-05', NULL)
--: hire.payment_cheque update
UPDATE hire.payment_cheque SET amount = amount + '0.01'::money WHERE id % 20 = $n % 20
--: hire.payment_cheque delete
DELETE FROM hire.payment_cheque WHERE id % 31 = $n % 31
--: hire.review insert
INSERT INTO hire.review (booking, stars, words) SELECT id, 1 + $n % 5, prose($n, 300) FROM hire.booking WHERE id % 97 = $n % 97 ORDER BY id LIMIT 4 ON CONFLICT DO NOTHING
--: hire.review update
UPDATE hire.review SET stars = 1 + (stars + $n) % 5 WHERE booking % 75 = $n % 15 * 5
--: hire.review update
UPDATE hire.review SET words = words || ' noch einmal ' || $n WHERE booking % 300 = $n % 60 * 5
--: hire.review delete
DELETE FROM hire.review WHERE booking % 155 = $n % 155
--: hire.voucher insert
INSERT INTO hire.voucher VALUES ('NEU-' || $n, '5', 'empty', NULL, '{}', numrange($n, $n + 1, '[]'))
--: hire.voucher update
UPDATE hire.voucher SET worth = worth - '1'::money, used_by = NULL, bits = bits || B'010' WHERE code LIKE '%' || $n % 100
--: hire.voucher delete
DELETE FROM hire.voucher WHERE code LIKE 'NEU-%' || $n % 30
--: Back Office.Employee insert
INSERT INTO "Back Office"."Employee" ("Full Name", "Boss", "Works At", "Salary, yearly", hired, "Picture") VALUES (given_name($n), 1 + $n % 100, 1 + $n % 25, $n, '2026-06-01', '\xdeadbeef')
--: Back Office.Employee update
UPDATE "Back Office"."Employee" SET "Salary, yearly" = "Salary, yearly" * 1.01, "Say ""hi""" = "Full Name" || '!' WHERE "ID" % 40 = $n % 40
--: Back Office.Employee delete
DELETE FROM "Back Office"."Employee" WHERE "ID" = (SELECT max("ID") FROM "Back Office"."Employee" WHERE "ID" > 150)
--: Back Office.Shift insert
INSERT INTO "Back Office"."Shift" SELECT "ID", date '2027-01-01' + ($n % 2000)::int, '24:00', '00:00-11', NULL FROM "Back Office"."Employee" WHERE "ID" % 20 = $n % 20 ON CONFLICT DO NOTHING
--: Back Office.Shift update
UPDATE "Back Office"."Shift" SET "Break" = '1 year -00:00:00.5', "Day" = "Day" + 4000 WHERE "Employee" = 1 + $n % 100 AND "Day" < '2027-01-01'
--: Back Office.Shift delete
DELETE FROM "Back Office"."Shift" WHERE "Employee" % 50 = $n % 50 AND "Day" > '2027-01-01'
--: Back Office.article insert
INSERT INTO "Back Office".article VALUES ('N-' || $n, 'shop.neu', $n % 100, '"a b"=>"c, d"', 1, '<x/>')
--: Back Office.article update
UPDATE "Back Office".article SET stock = stock - 1, attributes = attributes || hstore('n', NULL) WHERE sku = 'A-' || lpad((1 + $n % 300)::text, 5, '0')
--: Back Office.article update
UPDATE "Back Office".article SET sku = 'B' || substr(sku, 2) WHERE sku = 'A-' || lpad((201 + $n % 100)::text, 5, '0')
--: Back Office.article delete
DELETE FROM "Back Office".article WHERE sku LIKE 'N-%' || $n % 20
--: Back Office.supplier insert
INSERT INTO "Back Office".supplier (name, rating, country, active) VALUES ('Händler ' || $n, '-Infinity', 'SE', NULL)
--: Back Office.supplier update
UPDATE "Back Office".supplier SET rating = CASE WHEN rating > 5 THEN 'NaN' ELSE $n / 7.0 END, active = NOT coalesce(active, true) WHERE id % 20 = $n % 20
--: Back Office.supplier delete
DELETE FROM "Back Office".supplier WHERE name LIKE 'HÄNDLER %' || $n % 20
--: Back Office.supply insert
INSERT INTO "Back Office".supply SELECT id, 'A-' || lpad((1 + $n % 200)::text, 5, '0'), 'NaN', '3 days' FROM "Back Office".supplier WHERE id % 15 = $n % 15 ON CONFLICT DO NOTHING
--: Back Office.supply update
UPDATE "Back Office".supply SET cost = cost + 0.000001, lead = -lead WHERE supplier % 12 = $n % 12
--: Back Office.supply delete
DELETE FROM "Back Office".supply WHERE sku LIKE '%' || $n % 100
--: Back Office.Stock Movement insert
INSERT INTO "Back Office"."Stock Movement" SELECT 'A-00001', 1, '2026-07-01', CASE WHEN $n % 4 = 0 THEN prose($n % 3, 900) END, 'NaN' FROM generate_series(1, 3)
--: Back Office.Stock Movement update
UPDATE "Back Office"."Stock Movement" SET delta = delta + 1 WHERE ctid IN (SELECT ctid FROM "Back Office"."Stock Movement" ORDER BY at, delta LIMIT 3 OFFSET $n % 400)
--: Back Office.Stock Movement delete
DELETE FROM "Back Office"."Stock Movement" WHERE ctid IN (SELECT ctid FROM "Back Office"."Stock Movement" ORDER BY at DESC, delta LIMIT 2 OFFSET $n % 5)
--: Back Office.price_history insert
INSERT INTO "Back Office".price_history VALUES (timestamptz '2028-01-01' + $n * interval '1 second', 0, 'N-' || $n, '')
--: Back Office.price_history update
UPDATE "Back Office".price_history SET price = price + 1, since = since - interval '12 hours' WHERE sku = 'A-' || lpad((1 + $n % 300)::text, 5, '0')
--: Back Office.price_history delete
DELETE FROM "Back Office".price_history WHERE sku LIKE 'N-%' || $n % 20
--: Back Office.order insert
INSERT INTO "Back Office"."order" VALUES (1000 + $n, $n % 10, NULL, '{{1.0,2},{3,4}}', '{}', '')
--: Back Office.order update
UPDATE "Back Office"."order" SET "select" = "select" || $n % 10, "group" = "group" || NULL::numeric WHERE rowid % 30 = $n % 30 AND array_ndims("group") = 1 AND cardinality("group") < 20
--: Back Office.order update
UPDATE "Back Office"."order" SET oid = oid + 1 WHERE rowid % 40 = $n % 40
--: Back Office.order delete
DELETE FROM "Back Office"."order" WHERE rowid > 1000 AND rowid % 20 = $n % 20
--: Back Office.audit insert
INSERT INTO "Back Office".audit (at, kind, before, after) VALUES (clock_timestamp(), 'hire.booking', NULL, '{"by hand": 1e400}')
--: Back Office.audit update
UPDATE "Back Office".audit SET kind = NULL WHERE id % 50 = $n % 50
--: Back Office.audit delete
DELETE FROM "Back Office".audit WHERE id % 60 = $n % 60
--: public.notice insert
INSERT INTO notice VALUES (10000 + $n, E'a\\b\r\n', '-infinity')
--: public.notice update
UPDATE ONLY notice SET text = text || '.' WHERE id % 20 = $n % 20
--: public.notice delete
DELETE FROM ONLY notice WHERE id > 10000 AND id % 10 = $n % 10
--: public.storm_warning insert
INSERT INTO storm_warning VALUES (20000 + $n, NULL, '9999-12-31 23:59:59.999999', 12)
--: public.storm_warning update
UPDATE notice SET at = coalesce(at, '2026-01-01') + interval '1 day' WHERE id % 20 = $n % 20 AND tableoid = 'storm_warning'::regclass
--: public.storm_warning delete
DELETE FROM storm_warning WHERE id > 20000 AND id % 10 = $n % 10

-- Large ones, each more than a message between source and file, or more than its buffers.

--: public.weather insert large
INSERT INTO weather SELECT 1 + i % 25, timestamptz '2035-01-01 00:00+00' + $n * interval '1 day' + i * interval '1 second', i, i, i / 7.0, B'11110000', NULL FROM generate_series(1, 5000) i ON CONFLICT DO NOTHING
--: public.weather delete large
DELETE FROM weather WHERE measured > '2030-01-01'
--: hire.booking_line update large
UPDATE hire.booking_line SET price = (price * 1.01)::numeric(8,2) WHERE price < 1000
--: hire.customer update large
UPDATE hire.customer SET seen_at = '2026-08-01 12:00+00', notes = notes || '.'
--: hire.payment update large
UPDATE hire.payment SET at = at + interval '1 second'
--: hire.session insert large
INSERT INTO hire.session SELECT md5($n || ' ' || i), NULL FROM generate_series(1, 100) i ON CONFLICT DO NOTHING
--: harbour.visitor insert large
INSERT INTO harbour.visitor SELECT clock_timestamp(), prose(i, 10) FROM generate_series(1, 50) i
--: hire.revenue insert large
REFRESH MATERIALIZED VIEW CONCURRENTLY hire.revenue
--: public.notice delete large
TRUNCATE notice, "Back Office".supply

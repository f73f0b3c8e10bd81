package seed

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/sql/sqltest"
)

// catalogueOf describes what postponing could change.
func catalogueOf(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	return strings.Join(slices.Concat(
		ask[string](t, conn, `
			SELECT concat_ws(' | ', conrelid::regclass, conname, pg_get_constraintdef(c.oid), 'validated ' || convalidated,
				'index ' || nullif(conindid, 0)::regclass, obj_description(c.oid, 'pg_constraint'), (
					SELECT string_agg(tgrelid::regclass || ' ' || tgfoid::regproc || ' ' || tgtype || tgenabled::text, ', ' ORDER BY tgfoid)
					FROM pg_trigger WHERE tgconstraint = c.oid))
			FROM pg_constraint c WHERE connamespace = 'public'::regnamespace ORDER BY 1`),
		ask[string](t, conn, `
			SELECT concat_ws(' | ', pg_get_indexdef(indexrelid), 'replica identity ' || indisreplident, 'clustered ' || indisclustered,
				'valid ' || indisvalid, obj_description(indexrelid, 'pg_class'), relname, reloptions::text)
			FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'public'::regnamespace ORDER BY 1`),
		ask[string](t, conn, `
			SELECT concat_ws(' | ', oid::regclass, 'replica identity ' || relreplident::text, relhasindex, obj_description(oid, 'pg_class'))
			FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`),
		// the order in which the triggers of foreign keys fire
		ask[string](t, conn, `
			SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY ($1::text[]::regclass[])
				AND obj_description(oid, 'pg_constraint') IS NULL ORDER BY oid`, crowded()),
	), "\n")
}

// TestPostponingChangesNothing: neither the schema nor a row, and it takes nobody who is more than
// the owner of the tables.
func TestPostponingChangesNothing(t *testing.T) {
	var all [][]string
	for _, postponed := range []bool{false, true} {
		url := sqltest.Database(t)
		pgtest.Exec(t, url, `
			COMMENT ON INDEX enrollments_course IS 'told';
			COMMENT ON INDEX certificates_code_key IS 'told';
			COMMENT ON CONSTRAINT sessions_user_id_company_id_data_zone_fkey ON sessions IS 'told';
			ALTER TABLE sessions ADD CONSTRAINT unproven FOREIGN KEY (id) REFERENCES lessons NOT VALID;
			CREATE INDEX "An index" ON enrollments (score) WITH (fillfactor = 70);
			ALTER INDEX users_company SET (fillfactor = 80);
			DO $$
			DECLARE name regclass;
			BEGIN
				IF to_regrole('modest') IS NULL THEN CREATE ROLE modest; END IF;
				FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
					EXECUTE format('ALTER TABLE %s OWNER TO modest', name);
				END LOOP;
				GRANT CREATE ON SCHEMA public TO modest;
			END $$`)
		if !postponed {
			pgtest.Exec(t, url, "ALTER TABLE sessions DROP CONSTRAINT unproven") // checked row by row it would refuse them
		}
		conn := pgtest.Connect(t, url)
		before := catalogueOf(t, conn)
		o := Options{Size: Small, Courses: 1, PasswordHash: testHash, Now: today(), flushAt: 700, postpone: postponed}
		if err := Run(t.Context(), url+"&options=-c%20role%3Dmodest", o); err != nil {
			t.Fatal(err)
		}
		if after := catalogueOf(t, conn); after != before {
			t.Errorf("the catalogue is\n%s\nbefore\n%s", after, before)
		}
		all = append(all, fingerprints(t, conn))
	}
	if !slices.Equal(all[0], all[1]) {
		t.Errorf("the rows are %v, without postponing %v", all[1], all[0])
	}
}

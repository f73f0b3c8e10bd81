package direct

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/source"
)

// refuses runs with a change, and wants an error with these words in one line.
func (f *fixture) refuses(what string, alter func(*Options), words ...string) {
	f.t.Helper()
	err := f.run(alter)
	if err == nil {
		f.t.Errorf("%s: nothing is refused", what)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			f.t.Errorf("%s: the error does not say %q: %v", what, word, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		f.t.Errorf("%s: more than a line: %v", what, err)
	}
}

func TestNothingIsTakenThatIsNotOurs(t *testing.T) {
	f := newFixture(t)
	nothing := func(*Options) {}

	theirs := bytes.Repeat([]byte("somebody's "), 1000)
	if err := os.WriteFile(f.path, theirs, 0o600); err != nil {
		t.Fatal(err)
	}
	f.refuses("a file that is no replica", nothing, f.path, "not overwritten", "name another")
	if now, err := os.ReadFile(f.path); err != nil || !bytes.Equal(now, theirs) {
		t.Errorf("the file was touched: %v", err)
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.refuses("a folder that is not there", func(o *Options) { o.Path = "/nowhere/shop.db" }, "/nowhere/shop.db", "create it")
	f.refuses("a folder", func(o *Options) { o.Path = t.TempDir() }, "is no file")

	if err := os.WriteFile(f.path+noteSuffix, theirs, 0o600); err != nil {
		t.Fatal(err)
	}
	f.refuses("a note that is somebody's", nothing, noteSuffix, "move it away")
	if err := os.Remove(f.path + noteSuffix); err != nil {
		t.Fatal(err)
	}

	f.exec("SELECT pg_create_logical_replication_slot('" + f.slot + "', 'pgoutput')")
	f.refuses("a slot that exists", nothing, f.slot, "--slot", "--drop-slot", "pg_drop_replication_slot")
	f.exec("SELECT pg_drop_replication_slot('" + f.slot + "')")

	f.exec("CREATE PUBLICATION " + f.slot + " FOR TABLE item")
	f.refuses("a publication that exists", nothing, f.slot, "somebody else's", "--publication")
	f.exec("DROP PUBLICATION " + f.slot)

	f.refuses("no such publication", func(o *Options) {
		o.Own = false
		o.Source = source.New(source.Config{URL: f.url, Publication: "nowhere", Slot: f.slot})
	}, "nowhere", "does not exist", "CREATE PUBLICATION")

	f.exec("CREATE TABLE keyless (a int)", "CREATE VIEW looks AS SELECT * FROM item")
	f.refuses("tables by name", func(o *Options) { o.Tables = []string{"item", "keyless", "looks", "nowhere", "a.b.c", "x y"} },
		`"public"."keyless": it has no primary key`, `"public"."looks": it is a view`, `"public"."nowhere" does not exist`, `"a.b.c" is not the name`, `"x y" is not the name`)

	if left := f.leftBehind(); len(left) > 0 {
		t.Errorf("left behind by what was refused: %v", left)
	}
	entries, err := os.ReadDir(strings.TrimSuffix(f.path, "/shop.db"))
	if err != nil || len(entries) > 0 {
		t.Errorf("files left behind: %v, %v", entries, err)
	}
}

func TestTwoDoNotFollowIntoOneFile(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.equal()
	f.refuses("a second one", func(*Options) {}, "another process", f.path)
	f.exec("DELETE FROM item WHERE id < 10")
	f.equal()
	f.stop()
	// A second file on the same slot would take it from the first.
	f.refuses("another file", func(o *Options) { o.Path += "-other" }, f.slot, "--slot")
	// Of another slot the first would be left behind, and keep WAL for nobody.
	f.refuses("another slot", func(o *Options) {
		o.Source = source.New(source.Config{URL: f.url, Publication: f.slot + "_2", Slot: f.slot + "_2"})
	}, f.path, "--slot "+f.slot, "pg_drop_replication_slot('"+f.slot+"')")
	f.exec("SELECT pg_drop_replication_slot('" + f.slot + "')")
	f.slot += "_2"
	if err := f.run(); err != nil {
		t.Errorf("anew, under another slot: %v", err)
	}
}

func TestAllTablesWithAKeyAreReplicated(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE keyless (a int)", "CREATE VIEW looks AS SELECT * FROM item", "CREATE MATERIALIZED VIEW looked AS SELECT * FROM item",
		"CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY)", `CREATE TABLE "Mixed Case" (id int PRIMARY KEY)`,
		"CREATE TABLE indexed (a int NOT NULL UNIQUE, b int GENERATED ALWAYS AS (a + 1) STORED)", "ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_a_key")
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	if got := f.published(); !slices.Equal(got, []string{"public.Mixed Case", "public.indexed", "public.item", "shop.orders"}) {
		t.Errorf("published are %q", got)
	}
	for _, word := range []string{"public.keyless", "no primary key", "public.looks", "a view", "public.looked", "materialized", "public.fleeting", "unlogged", "columns b: generated"} {
		if !strings.Contains(f.logged.String(), word) {
			t.Errorf("the log does not say %q", word)
		}
	}
	before := f.state()
	// The next run takes what has a key by then, and copies it.
	f.exec("ALTER TABLE keyless ADD COLUMN id int", "INSERT INTO keyless VALUES (1, 1)", "ALTER TABLE keyless ADD PRIMARY KEY (id)", "DROP TABLE indexed")
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	if got := f.published(); !slices.Equal(got, []string{"public.Mixed Case", "public.item", "public.keyless", "shop.orders"}) {
		t.Errorf("published are %q", got)
	}
	if got, err := lines(t.Context(), f.path, "SELECT a || '|' || id FROM keyless"); err != nil || !slices.Equal(got, []string{"1|1"}) {
		t.Errorf("the file has %q: %v", got, err)
	}
	if after := f.state(); after.Position.Generation <= before.Position.Generation {
		t.Errorf("the table was not copied: %s", after.Position)
	}
	before = f.state()
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	if after := f.state(); after.Position.Generation != before.Position.Generation {
		t.Error("a run in which nothing changed took a new generation")
	}
}

func TestTablesByName(t *testing.T) {
	f := newFixture(t)
	f.exec(`CREATE TABLE "Mixed Case" (id int PRIMARY KEY)`, `INSERT INTO "Mixed Case" VALUES (7)`)
	only := func(o *Options) { o.Tables = []string{`"Mixed Case"`, "SHOP.orders", "shop.orders"} }
	if err := f.run(only); err != nil {
		t.Fatal(err)
	}
	if got := f.published(); !slices.Equal(got, []string{"public.Mixed Case", "shop.orders"}) {
		t.Errorf("published are %q", got)
	}
	if got, err := lines(t.Context(), f.path, `SELECT id FROM "Mixed Case"`); err != nil || !slices.Equal(got, []string{"7"}) {
		t.Errorf("the file has %q: %v", got, err)
	}
	if got, err := lines(t.Context(), f.path, "SELECT count(*) FROM shop_orders"); err != nil || !slices.Equal(got, []string{"200"}) {
		t.Errorf("the file has %q: %v", got, err)
	}
}

func TestAPublicationThatIsNamedIsNotAltered(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE other (id int PRIMARY KEY)", "CREATE PUBLICATION mine FOR TABLE item")
	mine := func(o *Options) {
		o.Own, o.Drop = false, true
		o.Source = source.New(source.Config{URL: f.url, Publication: "mine", Slot: f.slot, Log: o.Log})
	}
	if err := f.run(mine); err != nil {
		t.Fatal(err)
	}
	if left := f.leftBehind(); !slices.Equal(left, []string{"publication mine"}) {
		t.Errorf("left are %v", left)
	}
	if got := f.publishedBy("mine"); !slices.Equal(got, []string{"public.item"}) {
		t.Errorf("published are %q", got)
	}
	if log := f.logged.String(); !strings.Contains(log, `tables="[public.other `) || strings.Contains(log, "public.item") {
		t.Error("the log does not name what the publication leaves out, and that only")
	}
}

func TestARoleWithoutRightsIsToldWhatToDo(t *testing.T) {
	f := newFixture(t)
	config, err := pgx.ParseConfig(f.url)
	if err != nil {
		t.Fatal(err)
	}
	role := "role_" + config.Database
	f.exec("CREATE ROLE "+role+" LOGIN REPLICATION PASSWORD 'geheim'", "ALTER TABLE item OWNER TO "+role,
		"GRANT CREATE ON DATABASE "+config.Database+" TO "+role, "REVOKE CREATE ON DATABASE "+config.Database+" FROM "+role)
	t.Cleanup(func() {
		pgtest.Exec(t, f.url, "DROP OWNED BY "+role+" CASCADE", "DROP ROLE "+role, "DROP OWNED BY "+role+"_2 CASCADE", "DROP ROLE "+role+"_2")
	})
	address := strings.Replace(f.url, config.User+":"+config.Password+"@", role+":geheim@", 1)
	alter := func(o *Options) {
		o.Source = source.New(source.Config{URL: address, Publication: f.slot, Slot: f.slot, Log: o.Log})
	}
	f.refuses("no right to make a publication", alter, "GRANT CREATE ON DATABASE", config.Database, "--publication")
	f.refuses("a table of somebody else's", func(o *Options) {
		alter(o)
		o.Tables = []string{"shop.orders"}
	}, "belongs to the superuser "+config.User, "--publication")
	f.exec("CREATE ROLE "+role+"_2", "ALTER TABLE shop.orders OWNER TO "+role+"_2")
	f.refuses("a table of a role that is none", func(o *Options) {
		alter(o)
		o.Tables = []string{"shop.orders"}
	}, "belongs to "+role+"_2", "GRANT "+role+"_2 TO "+role)
	f.exec("GRANT CREATE ON DATABASE " + config.Database + " TO " + role)
	if err := f.run(alter); err != nil {
		t.Fatal(err)
	}
	if got := f.published(); !slices.Equal(got, []string{"public.item"}) {
		t.Errorf("published are %q", got)
	}
	if !strings.Contains(f.logged.String(), "event triggers") {
		t.Error("the log does not say that only a superuser may make event triggers")
	}
	if err := f.run(func(o *Options) { alter(o); o.Drop = true }); err != nil {
		t.Fatal(err)
	}
	if left := f.leftBehind(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func (f *fixture) published() []string { return f.publishedBy(f.slot) }

func (f *fixture) publishedBy(name string) []string {
	f.t.Helper()
	rows, err := f.pg.Query(f.t.Context(), `SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = $1 ORDER BY schemaname COLLATE "C", tablename COLLATE "C"`, name)
	if err != nil {
		f.t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		f.t.Fatal(err)
	}
	return found
}

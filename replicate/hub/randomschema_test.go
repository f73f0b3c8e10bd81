package hub

import (
	"fmt"
	"slices"
	"strings"
)

// populate makes the types, schemas, tables and the publication.
func (w *world) populate() {
	w.t.Helper()
	ddl, page := readTypesMD(w.t)
	for _, statement := range ddl {
		w.must(statement)
	}
	for _, schema := range worldSchemas[1:] {
		w.must("CREATE SCHEMA " + ident(schema))
	}
	w.must("CREATE SCHEMA r") // not published, unless everything is
	w.learnTypes(page)
	s := &session{world: w}
	var tables []string
	for range 5 + w.rand.IntN(8) {
		name := ident(w.pick(worldSchemas...), w.pick(worldNames...))
		if slices.Contains(tables, name) {
			continue
		}
		tables = append(tables, name)
		for _, sql := range s.tableOf(name) {
			w.must(sql)
		}
	}
	for _, sql := range []string{
		`CREATE TABLE parts (id int, region text, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region)`,
		`CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu')`, `CREATE TABLE s.parts_us PARTITION OF parts FOR VALUES IN ('us')`,
		`CREATE TABLE parts_asia (id int, region text, note text, PRIMARY KEY (id, region))`,
		`CREATE TABLE filtered (id int PRIMARY KEY, n int, note text, secret text)`,
		`CREATE TABLE listed (id int PRIMARY KEY, n int, note text, secret text)`,
		`ALTER TABLE parts_eu ALTER note SET STORAGE EXTERNAL`,
	} {
		w.must(sql)
	}
	tables = append(tables, "public.parts", "public.parts_asia", "public.filtered WHERE (id % 3 <> 0)", "public.listed (id, note)")
	options := " WITH (publish_via_partition_root = " + w.pick("true", "false") + ")"
	switch w.style = w.pick("all", "schemas", "list"); w.style {
	case "all":
		w.must("CREATE PUBLICATION everything FOR ALL TABLES" + options)
	case "schemas":
		w.must(`CREATE PUBLICATION everything FOR TABLES IN SCHEMA public, s, "S", "we ird"` + options)
	default:
		w.must("CREATE PUBLICATION everything FOR TABLE " + strings.Join(tables, ", ") + options)
	}
	// Rows for the first copy.
	w.sessions = []*session{s}
	for range 3 {
		for _, t := range s.tables() {
			s.insert(&t)
		}
	}
	w.sessions = nil
}

// tableOf gives the statements for a random table of that name.
func (s *session) tableOf(name string) []string {
	var columns, key []string
	names := s.names()
	identity := s.pick("default", "default", "default", "index", "full", "full with key")
	if identity != "full" && identity != "index" {
		for range 1 + s.rand.IntN(8)/6 {
			key = append(key, ident(names[len(columns)]))
			columns = append(columns, ident(names[len(columns)])+" "+s.pick(keyTypes[:1+s.rand.IntN(len(keyTypes))]...))
		}
	}
	for range 1 + s.rand.IntN(8) {
		at := ident(names[len(columns)])
		typ := s.types[s.rand.IntN(len(s.types))].name
		switch {
		case len(columns) == 0 || s.chance(3): // and never generated columns alone
			typ = "text"
		case s.chance(6):
			typ = s.pick("integer", "character varying(30)", "numeric(10,2)", "mood", "boolean")
		case s.chance(15):
			typ = "integer GENERATED ALWAYS AS (1 + 1) STORED"
		case s.chance(15):
			typ = "integer NOT NULL DEFAULT 7"
		}
		columns = append(columns, at+" "+typ)
	}
	var more []string
	alter := "ALTER TABLE " + name + " "
	switch identity {
	case "full", "full with key":
		more = append(more, alter+"REPLICA IDENTITY FULL")
	case "index":
		a, b := ident(names[len(columns)]), ident(names[len(columns)+1])
		columns = append(columns, a+" "+s.pick("integer", "uuid", "text")+" NOT NULL", b+" text NOT NULL")
		s.serial++
		index := fmt.Sprintf(`"identity %d"`, s.serial)
		more = append(more, "CREATE UNIQUE INDEX "+index+" ON "+name+" ("+b+", "+a+")", alter+"REPLICA IDENTITY USING INDEX "+index)
	}
	for _, column := range columns[len(key):] {
		if strings.HasSuffix(column, " text") {
			more = append(more, alter+"ALTER "+strings.TrimSuffix(column, " text")+" SET STORAGE EXTERNAL")
		}
	}
	if key != nil {
		columns = append(columns, "PRIMARY KEY ("+strings.Join(key, ", ")+")")
	}
	return append([]string{"CREATE TABLE " + name + " (" + strings.Join(columns, ", ") + ")"}, more...)
}

// names gives all names in a random order.
func (w *world) names() []string {
	names := slices.Clone(worldNames)
	w.rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// alterSchema makes one change. What SCHEMA.md says needs a copy is noted; so is all of
// it where nobody announces it.
func (s *session) alterSchema(tables []worldTable, t *worldTable) {
	if s.limited {
		s.mayCopy = true
	}
	alter := "ALTER TABLE " + t.sql() + " "
	free := s.pick(s.names()...)
	c := t.Columns[s.rand.IntN(len(t.Columns))]
	column := ident(c.Name)
	copies := func() { s.mayCopy = true }
	switch s.rand.IntN(24) {
	case 0, 1, 2, 3:
		typ := s.types[s.rand.IntN(len(s.types))]
		add := alter + "ADD COLUMN " + ident(free) + " " + typ.name
		if typ.domain {
			copies()
		}
		if s.chance(3) {
			s.exec(add)
			return
		}
		value := typ.literals[s.rand.IntN(len(typ.literals))]
		if strings.Contains(value, "generate_series") || strings.Contains(value, "SELECT") {
			copies()
		}
		s.exec(add + " DEFAULT " + value + s.pick("", " NOT NULL"))
	case 4:
		s.exec(alter + "ADD COLUMN " + ident(free) + " int DEFAULT 1, ADD COLUMN " + ident(s.pick(worldNames...)) + " text DEFAULT 'zwei'")
	case 5, 6:
		if !c.Indexed && len(t.Columns) > 2 {
			s.exec(alter + "DROP COLUMN " + column + s.pick("", ", ADD COLUMN "+column+" text", ", ADD COLUMN "+ident(free)+" int DEFAULT 3"))
		}
	case 7, 8, 9:
		if c.Name != "region" {
			s.exec(alter + "RENAME COLUMN " + column + " TO " + ident(free))
		}
	case 10:
		other := t.Columns[s.rand.IntN(len(t.Columns))]
		if other.Name != c.Name && c.Name != "region" && other.Name != "region" {
			s.begin()
			if s.exec(alter+`RENAME `+column+` TO "between names"`) && s.exec(alter+"RENAME "+ident(other.Name)+" TO "+column) {
				s.exec(alter + `RENAME "between names" TO ` + ident(other.Name))
			}
		}
	case 11, 12:
		s.exec(alter + "RENAME TO " + ident(free))
	case 13:
		if !t.Root && !t.Leaf && s.style == "all" {
			s.exec(alter + "SET SCHEMA " + ident(s.pick(worldSchemas...)))
		}
	case 14, 15:
		s.create(free)
	case 16:
		if len(tables) > 6 {
			if t.Leaf || t.Root {
				copies()
			}
			s.exec("DROP TABLE " + t.sql())
		}
	case 17:
		s.retype(alter, c, copies)
	case 18:
		s.identify(alter, t, copies)
	case 19:
		s.serial++
		if s.chance(3) {
			copies()
			s.exec(fmt.Sprintf("ALTER TYPE mood RENAME VALUE 'new %d' TO 'renamed %d'", 1+s.rand.IntN(s.serial), s.serial))
			return
		}
		s.exec(fmt.Sprintf("ALTER TYPE mood ADD VALUE 'new %d'", s.serial))
	case 20:
		s.partition(copies)
	case 21:
		s.harmless(alter, t, column)
	case 22:
		if s.style == "list" {
			copies()
			s.exec("ALTER PUBLICATION everything " + s.pick("DROP TABLE ", "ADD TABLE ", "ADD TABLE ") + t.sql())
		}
	default:
		copies()
		s.exec(alter + "ADD COLUMN " + ident(free) + s.pick(" float8 DEFAULT random()", " int GENERATED BY DEFAULT AS IDENTITY", " uuid NOT NULL DEFAULT gen_random_uuid()"))
	}
}

// create makes a table, and perhaps fills it in the same transaction. One that has no
// key until the next statement is copied.
func (s *session) create(free string) {
	schema := s.pick(worldSchemas...)
	statements := s.tableOf(ident(schema, free))
	if s.chance(2) {
		s.begin()
	}
	if s.style == "list" {
		s.mayCopy = true
		statements = append(statements, "ALTER PUBLICATION everything ADD TABLE "+ident(schema, free))
	}
	if !strings.Contains(statements[0], "PRIMARY KEY") || len(statements) > 1 && strings.Contains(strings.Join(statements, " "), "IDENTITY") {
		s.mayCopy = true
		s.begin() // or nobody could replicate it for a while
	}
	for _, sql := range statements {
		if !s.exec(sql) {
			return
		}
	}
	for _, t := range s.tables() {
		if t.Schema == schema && t.Name == free {
			s.insert(&t)
		}
	}
}

func (s *session) retype(alter string, c worldColumn, copies func()) {
	column := ident(c.Name)
	if c.Name == "region" || c.Fixed {
		return
	}
	switch c.Type {
	case "character varying(30)":
		s.exec(alter + "ALTER " + column + " TYPE " + s.pick("text", "character varying(40)"))
	case "numeric(10,2)":
		if s.chance(2) {
			copies()
			s.exec(alter + "ALTER " + column + " TYPE numeric(14,4)")
			return
		}
		s.exec(alter + "ALTER " + column + " TYPE numeric(12,2)")
	case "integer", "smallint":
		copies()
		s.exec(alter + "ALTER " + column + " TYPE bigint")
	case "text":
		if c.Indexed {
			return // the index is made anew, and may be the identity
		}
		copies()
		s.exec(alter + "ALTER " + column + " TYPE text USING upper(" + column + ")")
	case "timestamp with time zone", "date":
		copies()
		s.exec(alter + "ALTER " + column + " TYPE timestamp")
	}
}

// identify changes how rows are found.
func (s *session) identify(alter string, t *worldTable, copies func()) {
	keyed := slices.ContainsFunc(t.Columns, func(c worldColumn) bool { return c.Key })
	switch {
	case t.Root, t.Restricted:
	case !keyed && t.Identity == "f" || t.Identity == "i":
		copies()
		s.exec(alter + "REPLICA IDENTITY FULL")
	case !keyed:
	case s.chance(3):
		copies()
		var key []string
		for _, c := range t.Columns {
			if c.Key || c.NotNull {
				key = append(key, ident(c.Name))
			}
		}
		slices.Reverse(key)
		s.exec(alter + "DROP CONSTRAINT IF EXISTS " + ident(t.Name+"_pkey") + ", ADD PRIMARY KEY (" + strings.Join(key, ", ") + ")")
	default:
		s.exec(alter + "REPLICA IDENTITY " + s.pick("FULL", "DEFAULT"))
	}
}

func (s *session) partition(copies func()) {
	switch s.rand.IntN(5) {
	case 0:
		copies()
		s.exec("ALTER TABLE parts ATTACH PARTITION parts_asia FOR VALUES IN ('asia')")
	case 1:
		copies()
		s.exec("ALTER TABLE parts DETACH PARTITION parts_asia")
	case 2:
		s.serial++
		s.exec(fmt.Sprintf("CREATE TABLE parts_%d PARTITION OF parts FOR VALUES IN ('more %d')", s.serial, s.serial))
	case 3:
		s.exec("ALTER TABLE parts ADD COLUMN " + ident(s.pick(worldNames...)) + " int DEFAULT 5")
	default:
		s.emptied = true
		s.exec("TRUNCATE parts")
	}
}

// harmless changes nothing that a replica has.
func (s *session) harmless(alter string, t *worldTable, column string) {
	s.exec(s.pick(
		"CREATE INDEX ON "+t.sql()+" (("+column+"::text))", "COMMENT ON TABLE "+t.sql()+" IS 'a comment'", "GRANT SELECT ON "+t.sql()+" TO PUBLIC",
		alter+"ALTER "+column+" SET STATISTICS 50", alter+"ALTER "+column+" DROP DEFAULT", alter+"SET (fillfactor = 50)",
		"CREATE TEMP TABLE IF NOT EXISTS temporary (id int)", "CREATE UNLOGGED TABLE IF NOT EXISTS unlogged (id int)",
		"CREATE VIEW a_view AS SELECT 1 AS one", "ANALYZE "+t.sql(), alter+"ADD CHECK (true)",
	))
}

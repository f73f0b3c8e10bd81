package replica

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Object is something of SQLite's that lives beside the replicated tables: indexes,
// FTS5 tables, triggers, derived tables. SQL may be a script; it runs once, when the
// rows are there, so a derived table has to fill itself. Objects are made in their
// order, travel in snapshots, and are dropped and made again when their SQL changes.
//
// An index must not be unique: within a transaction rows may pass through states that
// a unique index forbids.
type Object struct{ Name, SQL string }

// created is one thing that an Object's SQL made.
type created struct{ Type, Name string }

// analyze gathers statistics, from about a thousand rows of each index.
const analyze = "PRAGMA analysis_limit = 1000; ANALYZE"

// ensureObjects makes the file's objects those that are wanted.
func ensureObjects(ctx context.Context, c *conn, objects []Object) error {
	have, order, err := readObjects(ctx, c)
	if err != nil {
		return err
	}
	want := make(map[string]string, len(objects))
	for _, o := range objects {
		want[o.Name] = hash(o.SQL)
	}
	same := len(have) == len(want)
	for name, h := range want {
		same = same && have[name].hash == h
	}
	if same {
		return nil
	}
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("rebuilding the replica's objects: %w", err)
	}
	err = rebuildObjects(ctx, c, objects, want, have, order)
	if err == nil {
		// Each transaction in the log has the state, so that it tells where a log was cut off
		// (see mark); SQLite writes only what changes.
		err = c.exec(ctx, "UPDATE _outpost_state SET incarnation = incarnation + 1; UPDATE _outpost_state SET incarnation = incarnation - 1")
	}
	if err != nil {
		return errors.Join(err, c.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	if err := c.exec(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("rebuilding the replica's objects: %w", err)
	}
	if err := c.exec(ctx, analyze); err != nil {
		return fmt.Errorf("gathering the replica's statistics: %w", err)
	}
	return nil
}

type builtObject struct {
	hash    string
	created []created
}

func readObjects(ctx context.Context, c *conn) (objects map[string]builtObject, order []string, err error) {
	rows, err := c.query(ctx, `SELECT name, hash, created FROM _outpost_objects ORDER BY rowid`)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the replica's objects: %w", err)
	}
	objects = make(map[string]builtObject, len(rows))
	for _, row := range rows {
		name, _ := row[0].(string)
		h, _ := row[1].(string)
		text, _ := row[2].(string)
		var list []created
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, nil, fmt.Errorf("%w: what object %s created: %w", errDamaged, name, err)
		}
		objects[name] = builtObject{hash: h, created: list}
		order = append(order, name)
	}
	return objects, order, nil
}

func rebuildObjects(ctx context.Context, c *conn, objects []Object, want map[string]string, have map[string]builtObject, order []string) error {
	// Last made, first dropped. Dropping a table takes the indexes and triggers on it
	// along; an object that lost one that way is no longer whole and goes too.
	slices.Reverse(order)
	for _, name := range order {
		if have[name].hash == want[name] {
			continue
		}
		if err := dropObject(ctx, c, name, have[name]); err != nil {
			return err
		}
		delete(have, name)
	}
	there, err := schema(ctx, c)
	if err != nil {
		return err
	}
	for _, name := range order {
		o, ok := have[name]
		if !ok || !slices.ContainsFunc(o.created, func(x created) bool { return !there[x] }) {
			continue
		}
		if err := dropObject(ctx, c, name, o); err != nil {
			return err
		}
		delete(have, name)
	}
	for _, o := range objects {
		if _, ok := have[o.Name]; ok {
			continue
		}
		if err := makeObject(ctx, c, o); err != nil {
			return err
		}
	}
	return nil
}

func makeObject(ctx context.Context, c *conn, o Object) error {
	before, err := schema(ctx, c)
	if err != nil {
		return err
	}
	if err := c.exec(ctx, o.SQL); err != nil {
		return fmt.Errorf("creating the replica's object %s: %w", o.Name, err)
	}
	after, err := schema(ctx, c)
	if err != nil {
		return err
	}
	made := []created{}
	for x := range after {
		if !before[x] {
			made = append(made, x)
		}
	}
	slices.SortFunc(made, func(a, b created) int { return dropOrder(a) - dropOrder(b) })
	text, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("creating the replica's object %s: %w", o.Name, err)
	}
	if err := c.exec(ctx, `INSERT INTO _outpost_objects VALUES (?, ?, ?)`, o.Name, hash(o.SQL), string(text)); err != nil {
		return fmt.Errorf("creating the replica's object %s: %w", o.Name, err)
	}
	return nil
}

func dropObject(ctx context.Context, c *conn, name string, o builtObject) error {
	for _, x := range o.created {
		kind := x.Type
		if kind == virtual {
			kind = "table"
		}
		if err := c.exec(ctx, "DROP "+kind+" IF EXISTS "+quote(x.Name)); err != nil {
			return fmt.Errorf("dropping the replica's object %s: %w", name, err)
		}
	}
	if err := c.exec(ctx, `DELETE FROM _outpost_objects WHERE name = ?`, name); err != nil {
		return fmt.Errorf("dropping the replica's object %s: %w", name, err)
	}
	return nil
}

// virtual is the type of tables that take others, their own, along.
const virtual = "virtual"

func dropOrder(x created) int {
	return slices.Index([]string{"trigger", "view", virtual, "index", "table"}, x.Type)
}

// schema lists what there is, apart from SQLite's own.
func schema(ctx context.Context, c *conn) (map[created]bool, error) {
	rows, err := c.query(ctx, `SELECT CASE WHEN sql LIKE 'CREATE VIRTUAL %' THEN ? ELSE type END, name
		FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'`, driver.Value(virtual))
	if err != nil {
		return nil, fmt.Errorf("reading the replica's schema: %w", err)
	}
	out := make(map[created]bool, len(rows))
	for _, row := range rows {
		kind, _ := row[0].(string)
		name, _ := row[1].(string)
		out[created{kind, name}] = true
	}
	return out, nil
}

func hash(sql string) string {
	sum := sha256.Sum256([]byte(sql))
	return hex.EncodeToString(sum[:])
}

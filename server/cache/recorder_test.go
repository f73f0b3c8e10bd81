package cache

import (
	"strconv"
	"testing"

	"outpost/replicate/change"
)

// observer is what a replica asks of those who watch it apply.
type observer interface {
	Row(t *change.Table, old, new change.Row)
	Touched(name, key string, id int64)
	Truncate(t *change.Table)
	Commit(at change.Position)
	Rollback()
	Replaced(incarnation uint64)
}

var _ observer = (*Recorder)(nil)

var users = &change.Table{
	OID: 1, Schema: "public", Name: "users", SQLite: "users",
	Columns: []change.Column{
		{Name: "id", Kind: change.Integer},
		{Name: "company_id", Kind: change.Integer},
		{Name: "data_zone", Kind: change.Text},
		{Name: "manager_id", Kind: change.Integer},
	},
	Key:      []int{0},
	Identity: []int{0, 1, 2},
}

func user(id, company int64) change.Row {
	return change.Row{number(id), number(company), {Presence: change.Present, Data: []byte("eu")}, number(99)}
}

func number(n int64) change.Value {
	return change.Value{Presence: change.Present, Data: strconv.AppendInt(nil, n, 10)}
}

func TestRecorderRaisesWhatARowTouches(t *testing.T) {
	watched := map[string]Tag{
		"table": Table("users"), "row 1": Row("users", 1), "row 2": Row("users", 2), "row -3": Row("users", -3),
		"company 7": Tenant("users", 7), "company 8": Tenant("users", 8),
		"not identity": Ref("users", "manager_id", 99), "other table": Row("courses", 1),
	}
	type tags = map[string]bool
	identity := change.Row{number(1), number(7), {}, {}}
	for name, test := range map[string]struct {
		do   func(*Recorder)
		want tags
	}{
		"insert": {func(r *Recorder) { r.Row(users, nil, user(1, 7)) }, tags{"table": true, "row 1": true, "company 7": true}},
		"delete": {func(r *Recorder) { r.Row(users, identity, nil) }, tags{"table": true, "row 1": true, "company 7": true}},
		"update": {func(r *Recorder) { r.Row(users, nil, user(-3, 7)) }, tags{"table": true, "row -3": true, "company 7": true}},
		"another company": {
			func(r *Recorder) { r.Row(users, identity, user(1, 8)) },
			tags{"table": true, "row 1": true, "company 7": true, "company 8": true},
		},
		"another key": {
			func(r *Recorder) { r.Row(users, identity, user(2, 7)) },
			tags{"table": true, "row 1": true, "row 2": true, "company 7": true},
		},
		"truncate": {func(r *Recorder) { r.Truncate(users) }, tags{"table": true}},
		"rolled back": {
			func(r *Recorder) { r.Row(users, nil, user(1, 7)); r.Rollback() },
			tags{"table": true, "row 1": true, "company 7": true},
		},
		"nothing": {func(*Recorder) {}, tags{}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t)
			r := NewRecorder(c)
			test.do(r)
			for tag, hash := range watched {
				if _, ok := c.era.Load().changed([]Tag{hash}, 10); ok {
					t.Errorf("%s was raised before the commit", tag)
				}
			}
			r.Commit(change.Position{Generation: 1, LSN: 11})
			for tag, hash := range watched {
				if _, ok := c.era.Load().changed([]Tag{hash}, 10); ok != test.want[tag] {
					t.Errorf("%s: raised %t, want %t", tag, ok, test.want[tag])
				}
			}
			r.Commit(change.Position{Generation: 1, LSN: 12})
			if _, ok := c.era.Load().changed([]Tag{watched["table"]}, 11); ok {
				t.Error("the next commit raised what it did not touch")
			}
		})
	}
}

func TestRecorderFollowsATableThatChangesShape(t *testing.T) {
	c, _ := start(t)
	r := NewRecorder(c)
	r.Row(users, nil, user(1, 7))
	r.Commit(change.Position{Generation: 1, LSN: 11})
	wider := *users
	wider.Identity = []int{0, 1, 3}
	r.Row(&wider, nil, user(1, 7))
	r.Commit(change.Position{Generation: 1, LSN: 12})
	if _, ok := c.era.Load().changed([]Tag{Ref("users", "manager_id", 99)}, 11); !ok {
		t.Error("the new shape's identity was not raised")
	}
	r.Replaced(2)
	if got := c.era.Load().incarnation; got != 2 {
		t.Errorf("incarnation %d", got)
	}
}

func TestRecorderIsBoundedHoweverLargeTheTransaction(t *testing.T) {
	c, _ := start(t, func(o *Options) { o.Counters = 128 })
	r := NewRecorder(c)
	for id := range int64(10_000) {
		r.Row(users, nil, user(id, id))
	}
	if len(r.slots) > 128 {
		t.Errorf("%d slots are remembered of 128", len(r.slots))
	}
	row := user(1, 7)
	if n := testing.AllocsPerRun(100, func() { r.Row(users, row, row) }); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func TestOnlyIntegersAreReadAsIntegers(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "42": 42, "-7": -7, "9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63} {
		if got, ok := integer(change.Value{Presence: change.Present, Data: []byte(text)}); !ok || got != want {
			t.Errorf("%s: %d, %t", text, got, ok)
		}
	}
	for _, v := range []change.Value{
		{Presence: change.Null},
		{Presence: change.Unchanged},
		{Presence: change.Present},
		{Presence: change.Present, Data: []byte("-")},
		{Presence: change.Present, Data: []byte("1.5")},
	} {
		if got, ok := integer(v); ok {
			t.Errorf("%+v: %d", v, got)
		}
	}
}

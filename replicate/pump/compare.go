package pump

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"outpost/replicate/change"
	"outpost/replicate/source"
)

// announced is an announcement and the transaction it was made in.
type announced struct {
	*source.Announcement
	xid uint32
}

// incompatible says why a table cannot become in place what was announced; "" if it can.
func incompatible(old *change.Table, now source.Published, a announced, emptied uint32) string {
	altered := false
	for _, c := range now.Columns {
		was := byNumber(old, c.Number)
		switch {
		case was == nil && (now.Listed || slices.Contains(old.Unsent, c.Number) || a.Tag != "ALTER TABLE" && c.Revision != a.xid):
			return fmt.Sprintf("column %s was added to those that are published", c.Name)
		case was == nil:
			altered = true
			continue
		case was.TypeOID != c.TypeOID && !(plainText(was.TypeOID) && plainText(c.TypeOID)):
			return fmt.Sprintf("column %s was of type %s and is of type %s", c.Name, was.Type, c.Type)
		}
		if renamed := renamedLabel(was.Labels, c.Labels); renamed != "" {
			return fmt.Sprintf("a label or the attributes of column %s's type were changed: %s", c.Name, renamed)
		}
		altered = altered || revised(was, &c)
	}
	switch {
	case old.Filter != now.Filter:
		return "its row filter was changed"
	case old.Membership != now.Membership:
		return "its place in the publication was changed"
	case !slices.Equal(numbers(old, old.Key), numbers(now.Table, now.Key)):
		return "its key was changed"
	}
	return moved(old, now, altered, emptied, a.Created)
}

// drifted says what is not as the replicas have it, of a change that nobody announced.
func drifted(old *change.Table, now source.Published, emptied uint32) string {
	if old.Schema != now.Schema || old.Name != now.Name {
		return "it was called " + old.Schema + "." + old.Name
	}
	if len(old.Columns) != len(now.Columns) {
		return fmt.Sprintf("it had %d columns and has %d", len(old.Columns), len(now.Columns))
	}
	altered := false
	for i, c := range now.Columns {
		was := old.Columns[i]
		switch {
		case was.Number != c.Number || was.Name != c.Name || was.TypeOID != c.TypeOID:
			return fmt.Sprintf("column %d was %s %s (attribute %d) and is %s %s (attribute %d)",
				i+1, was.Name, was.Type, was.Number, c.Name, c.Type, c.Number)
		case !maps.Equal(was.Labels, c.Labels):
			return fmt.Sprintf("the labels of column %s's type were changed", c.Name)
		}
		altered = altered || revised(&was, &c)
	}
	switch {
	case old.Filter != now.Filter:
		return "its row filter was changed"
	case old.Membership != now.Membership:
		return "its place in the publication was changed"
	case !slices.Equal(old.Key, now.Key) || !slices.Equal(old.Identity, now.Identity) || old.Full != now.Full:
		return "its key or replica identity was changed"
	}
	return moved(old, now, altered, emptied, nil)
}

// moved says whether the rows may be others because they are in other files. TRUNCATE
// (which the stream tells), VACUUM FULL and CLUSTER move a table without touching its
// columns; what rewrites it, alters one. Of a partitioned table the stream does not tell
// when a single partition is truncated, attached or detached; it is emptied, if at all, by
// a transaction that was seen to truncate the whole.
func moved(old *change.Table, now source.Published, altered bool, emptied uint32, created []uint32) string {
	if old.Files == now.Files {
		return ""
	}
	if !now.Partitioned {
		if altered {
			return "it was rewritten"
		}
		return ""
	}
	before, after := partitions(old.Files), partitions(now.Files)
	for oid, file := range before {
		switch now, ok := after[oid]; {
		case !ok:
			return "a partition was detached or dropped"
		case now.file != file.file && (altered || now.by != emptied):
			return "a partition was truncated or rewritten"
		}
	}
	for oid := range after {
		if _, ok := before[oid]; !ok && !slices.Contains(created, oid) {
			return "a partition was attached"
		}
	}
	return ""
}

// revised says that a column's definition was changed, whatever in it.
func revised(was, now *change.Column) bool {
	return was.Revision != now.Revision || was.Command != now.Command
}

// partition is the file of a partition, and the transaction that last changed which.
type partition struct{ file, by uint32 }

// partitions reads the files of a partitioned table, by the partition's OID.
func partitions(files string) map[uint32]partition {
	m := make(map[uint32]partition)
	for _, each := range strings.Fields(files) {
		var oid uint32
		var p partition
		if n, _ := fmt.Sscanf(each, "%d:%d:%d", &oid, &p.file, &p.by); n == 3 { // all are Postgres' own
			m[oid] = p
		}
	}
	return m
}

// gained says that a table has a partition that it did not have. old may be nil.
func gained(old, now *change.Table) bool {
	var before map[uint32]partition
	if old != nil {
		before = partitions(old.Files)
	}
	for oid := range partitions(now.Files) {
		if _, ok := before[oid]; !ok {
			return true
		}
	}
	return false
}

// plainText are the types between which a column changes without its text changing.
func plainText(oid uint32) bool { return oid == 25 || oid == 1043 } // text, varchar

func byNumber(t *change.Table, number int16) *change.Column {
	for i := range t.Columns {
		if t.Columns[i].Number == number {
			return &t.Columns[i]
		}
	}
	return nil
}

func numbers(t *change.Table, indexes []int) []int16 {
	out := make([]int16, len(indexes))
	for i, n := range indexes {
		out[i] = t.Columns[n].Number
	}
	return out
}

// renamedLabel finds a label that rows may have and that is called otherwise now. New
// ones are in no row yet.
func renamedLabel(old, now map[string]string) string {
	for oid, label := range old {
		if now[oid] != label {
			return fmt.Sprintf("%q is %q", label, now[oid])
		}
	}
	return ""
}

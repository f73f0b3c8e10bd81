package source

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"outpost/replicate/change"
)

// nameForSQLite gives each table its name in a replica. Tables of schema public keep
// theirs, others are prefixed with their schema. Where SQLite, which ignores the case
// of ASCII letters, would take two for one, and where it or a replica keeps the name
// for itself, a hash of schema and name is added: the same on every node.
func nameForSQLite(tables []*change.Table) {
	taken := make(map[string]bool)
	for _, public := range []bool{true, false} {
		for _, t := range tables {
			if (t.Schema == "public") == public {
				name(t, taken)
			}
		}
	}
}

// Name gives a new or renamed table its name beside the others of a replica, which keep
// theirs.
func Name(t *change.Table, others []*change.Table) {
	taken := make(map[string]bool, len(others))
	for _, other := range others {
		taken[fold(other.SQLite)] = true
	}
	name(t, taken)
}

func name(t *change.Table, taken map[string]bool) {
	t.SQLite = t.Name
	if t.Schema != "public" {
		t.SQLite = t.Schema + "_" + t.Name
	}
	if reserved(t.SQLite) {
		t.SQLite = "table_" + t.SQLite
	}
	if taken[fold(t.SQLite)] {
		sum := sha256.Sum256([]byte(t.Schema + "\x00" + t.Name))
		t.SQLite += "_" + hex.EncodeToString(sum[:4])
	}
	taken[fold(t.SQLite)] = true
}

func reserved(name string) bool {
	name = fold(name)
	return strings.HasPrefix(name, "sqlite_") || strings.HasPrefix(name, "_outpost_")
}

// fold does what SQLite does: it knows ASCII only.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, name)
}

// twins finds two columns that SQLite would take for one.
func twins(columns []change.Column) (string, string, bool) {
	seen := make(map[string]string, len(columns))
	for _, c := range columns {
		if other, ok := seen[fold(c.Name)]; ok {
			return other, c.Name, true
		}
		seen[fold(c.Name)] = c.Name
	}
	return "", "", false
}

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
		taken[change.Fold(other.SQLite)] = true
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
	plain := t.SQLite
	// A table may be called like another one with its hash.
	for again := 0; taken[change.Fold(t.SQLite)]; again++ {
		sum := sha256.Sum256([]byte(t.Schema + "\x00" + t.Name + strings.Repeat("\x00", again)))
		t.SQLite = plain + "_" + hex.EncodeToString(sum[:4])
	}
	taken[change.Fold(t.SQLite)] = true
}

func reserved(name string) bool {
	name = change.Fold(name)
	return strings.HasPrefix(name, "sqlite_") || strings.HasPrefix(name, "_outpost_")
}

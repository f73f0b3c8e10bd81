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
// for itself, a hash of schema and name is added: the same on every node. Tables of
// public come first, and each schema's in the order of their names.
func nameForSQLite(tables []*change.Table) {
	taken := make(map[string]bool)
	for _, public := range []bool{true, false} {
		for _, t := range tables {
			if (t.Schema == "public") != public {
				continue
			}
			plain := t.Name
			if !public {
				plain = t.Schema + "_" + t.Name
			}
			if reserved(plain) {
				plain = "table_" + plain
			}
			t.SQLite = plain
			// A table may be called like another one with its hash.
			for n := 0; taken[change.Fold(t.SQLite)]; n++ {
				sum := sha256.Sum256([]byte(t.Schema + "\x00" + t.Name + strings.Repeat("\x00", n)))
				t.SQLite = plain + "_" + hex.EncodeToString(sum[:4])
			}
			taken[change.Fold(t.SQLite)] = true
		}
	}
}

func reserved(name string) bool {
	name = change.Fold(name)
	return strings.HasPrefix(name, "sqlite_") || strings.HasPrefix(name, "_outpost_")
}

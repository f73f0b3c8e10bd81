package sql

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed sqlite/objects/*.sql
var objects embed.FS

// Object is a script that makes SQLite objects beside the replicated tables of a replica.
type Object struct{ Name, SQL string }

// Touched is the table of the objects in which triggers note what is told to the cache besides rows.
const Touched = "touched"

// Duties stands there for what figures see of enrollments: whose they are, of what, in which state and when.
// Progress in a lesson is none of it.
const Duties = "duties"

// Objects are the local objects of a replica of this data model, in their order.
func Objects() ([]Object, error) {
	const folder = "sqlite/objects"
	entries, err := objects.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the replica's objects: %w", err)
	}
	all := make([]Object, len(entries))
	for i, e := range entries {
		script, err := objects.ReadFile(path.Join(folder, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the replica's objects: %w", err)
		}
		all[i] = Object{Name: strings.TrimSuffix(e.Name(), ".sql"), SQL: string(script)}
	}
	return all, nil
}

package sql

import (
	_ "embed" // the schema below
	"regexp"
)

//go:embed sqlite/schema.sql
var schema string

var createTable = regexp.MustCompile(`(?m)^CREATE TABLE (\w+) \(`)

// Tables are the names of the published tables.
func Tables() []string {
	var names []string
	for _, match := range createTable.FindAllStringSubmatch(schema, -1) {
		names = append(names, match[1])
	}
	return names
}

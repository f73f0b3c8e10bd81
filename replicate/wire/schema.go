package wire

import (
	"encoding/json"
	"fmt"

	"outpost/replicate/change"
)

// SchemaRecord is the first byte of a record that is not one of pgoutput's: a change of
// the schema, as JSON behind it.
const SchemaRecord = 'S'

// EncodeSchema gives the record for a change of the schema.
func EncodeSchema(c *change.SchemaChange) ([]byte, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding a change of the schema: %w", err)
	}
	return append([]byte{SchemaRecord}, text...), nil
}

// DecodeSchema reads what EncodeSchema gave. Whatever it accepts, a replica can look
// at without care: indexes lie within their columns, and no table is named twice.
func DecodeSchema(record []byte) (*change.SchemaChange, error) {
	if len(record) == 0 || record[0] != SchemaRecord {
		return nil, fmt.Errorf("%w: no change of the schema", ErrFormat)
	}
	c := new(change.SchemaChange)
	if err := json.Unmarshal(record[1:], c); err != nil {
		return nil, fmt.Errorf("%w: a change of the schema: %w", ErrFormat, err)
	}
	seen := make(map[uint32]bool)
	for _, oid := range c.Dropped {
		seen[oid] = true
	}
	for _, t := range c.Tables {
		if t == nil || seen[t.OID] {
			return nil, fmt.Errorf("%w: a change of the schema names a table twice", ErrFormat)
		}
		seen[t.OID] = true
		for _, list := range [][]int{t.Key, t.Identity} {
			for _, i := range list {
				if i < 0 || i >= len(t.Columns) {
					return nil, fmt.Errorf("%w: a change of the schema names column %d of %d", ErrFormat, i, len(t.Columns))
				}
			}
		}
	}
	return c, nil
}

package wire

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

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
// at without care: indexes lie within their columns, and nothing is named twice.
func DecodeSchema(record []byte) (*change.SchemaChange, error) {
	if len(record) == 0 || record[0] != SchemaRecord {
		return nil, fmt.Errorf("%w: no change of the schema", ErrFormat)
	}
	c := new(change.SchemaChange)
	if err := json.Unmarshal(record[1:], c); err != nil {
		return nil, fmt.Errorf("%w: a change of the schema: %w", ErrFormat, err)
	}
	oids := slices.Clone(c.Dropped)
	for _, t := range c.Tables {
		if t == nil {
			return nil, fmt.Errorf("%w: a change of the schema lacks a table", ErrFormat)
		}
		oids = append(oids, t.OID)
		numbers := make([]int16, len(t.Columns))
		for i := range t.Columns {
			numbers[i] = t.Columns[i].Number
		}
		within := func(i int) bool { return 0 <= i && i < len(t.Columns) }
		for _, list := range [][]int{t.Key, t.Identity} {
			if repeats(list) || slices.ContainsFunc(list, func(i int) bool { return !within(i) }) {
				return nil, fmt.Errorf("%w: a change of the schema names the columns %v of %d", ErrFormat, list, len(t.Columns))
			}
		}
		if repeats(numbers) {
			return nil, fmt.Errorf("%w: a change of the schema gives a number to two columns", ErrFormat)
		}
	}
	if repeats(oids) {
		return nil, fmt.Errorf("%w: a change of the schema names a table twice", ErrFormat)
	}
	return c, nil
}

func repeats[T cmp.Ordered](list []T) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) < len(list)
}

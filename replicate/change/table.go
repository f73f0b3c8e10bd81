package change

// Kind says how SQLite stores a column. It follows from the column's Postgres type.
type Kind string

// The kinds. Everything that is not listed travels as Postgres' own text.
const (
	Integer     Kind = "integer"     // int2, int4, int8, oid
	Boolean     Kind = "boolean"     // 0 or 1
	Float       Kind = "float"       // REAL; NaN, −0 and infinities as text
	Bytes       Kind = "bytes"       // BLOB
	Timestamptz Kind = "timestamptz" // UTC, always six fractional digits
	Timestamp   Kind = "timestamp"   // the same without a zone
	Date        Kind = "date"        // 2026-11-23
	Text        Kind = "text"        // Postgres' text, numeric included
)

// Column is one replicated column, in the order of the Relation message.
type Column struct {
	Name    string `json:"name"`
	TypeOID uint32 `json:"type_oid"`
	Type    string `json:"type"` // as format_type prints it
	Kind    Kind   `json:"kind"`
	// Number is the column's attnum, which it keeps when it is renamed.
	Number int16 `json:"number"`
	// Revision is the transaction that last changed the column's definition.
	Revision uint32 `json:"revision,omitempty"`
	// Command is the command of that transaction that did: there may have been others.
	Command uint32 `json:"command,omitempty"`
	// Missing is what rows older than the column have in it, as text; nil is NULL.
	Missing *string `json:"missing,omitempty"`
	// Labels are those of the enums that the type is made of, by their OIDs, and the numbers
	// of the attributes of each composite type in it.
	Labels map[string]string `json:"labels,omitempty"`
}

// Table is a published table at one place in the history.
type Table struct {
	OID     uint32   `json:"oid"`
	Schema  string   `json:"schema"`
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
	// Key holds the indexes into Columns by which a row is found: the primary key
	// where the replica identity contains it, else the replica identity. It is empty
	// where only the whole row identifies it; then Full is set.
	Key []int `json:"key"`
	// Identity holds the indexes of the replica identity's columns, whose old
	// values come with every UPDATE that changes them and with every DELETE.
	Identity []int `json:"identity"`
	// Full says that whole old rows come with every UPDATE and DELETE.
	Full bool `json:"full,omitempty"`
	// Filter is the publication's row filter, in SQL.
	Filter string `json:"filter,omitempty"`
	// Membership changes with every ALTER PUBLICATION that concerns the table.
	Membership string `json:"membership,omitempty"`
	// Files names the files that the rows are in: a rewritten table has others.
	Files string `json:"files,omitempty"`
	// Unsent are the numbers of the columns that Postgres does not send.
	Unsent []int16 `json:"unsent,omitempty"`
	// SQLite is the table's name in a replica.
	SQLite string `json:"sqlite"`
}

// Column gives the index of the column of that name, or -1.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Presence says what a Value holds.
type Presence byte

// The presences of a value.
const (
	Null      Presence = 'n' // SQL NULL, or in an old row: not sent
	Unchanged Presence = 'u' // a TOAST value that the UPDATE left alone
	Present   Presence = 't' // Postgres' text form, in Data
)

// Value is one column's value in Postgres' text form. Data may alias a buffer
// that is reused after the row was handed on.
type Value struct {
	Presence Presence
	Data     []byte
}

// Row is a tuple, in the order of Table.Columns.
type Row []Value

// SchemaChange is what becomes of tables at one place in a transaction. A table that
// is known by its OID is altered, matching columns by their numbers; another one is new
// and empty.
type SchemaChange struct {
	Tables  []*Table `json:"tables,omitempty"`
	Dropped []uint32 `json:"dropped,omitempty"` // by OID
}

// Empty says that nothing changes.
func (c *SchemaChange) Empty() bool { return len(c.Tables) == 0 && len(c.Dropped) == 0 }

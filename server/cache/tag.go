package cache

import (
	"github.com/cespare/xxhash/v2"
)

// Tag names something that an answer depends on: a table, a row, a table's rows of one
// tenant, or in general a table's rows that hold one value in an identity column. It is a
// hash, the same in every process: two that collide cost a needless miss.
//
// The 16 bits at the top are the table's, so that a miss can be counted by table.
type Tag uint64

const tableBits = 48

// Table is the tag of a whole table: any change of any of its rows.
func Table(name string) Tag { return tag(xxhash.Sum64String(name), 0) }

// Row is the tag of one row, by its id.
func Row(table string, id int64) Tag { return Ref(table, "id", id) }

// Tenant is the tag of one company's rows of a table.
func Tenant(table string, company int64) Tag { return Ref(table, "company_id", company) }

// Ref is the tag of a table's rows that hold id in column, which must be an integer column
// of the table's replica identity. Of any other column Postgres does not send the old
// value, so the row that moves away from id would go unnoticed.
func Ref(table, column string, id int64) Tag {
	return ref(xxhash.Sum64String(table), xxhash.Sum64String(column), id)
}

func ref(table, column uint64, id int64) Tag {
	return tag(table, mix(column+uint64(id)*0x9e3779b97f4a7c15))
}

func tag(table, what uint64) Tag {
	const low = 1<<tableBits - 1
	return Tag(table&^uint64(low) | mix(table^what)&low)
}

func (t Tag) table() uint16 { return uint16(t >> tableBits) }

// mix is the finalizer of SplitMix64: every bit of x moves every bit of the result.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

package api

import "encoding/binary"

// key is a cache key under construction. Each part says how long it is, so that no two
// different requests make the same key, whatever bytes a client sends.
type key []byte

// newKey begins a key of that kind in the room of b.
func newKey(b []byte, kind string) key { return key(b[:0]).text(kind) }

func (k key) text(s string) key {
	k = binary.AppendUvarint(k, uint64(len(s)))
	return append(k, s...)
}

func (k key) number(n int64) key { return binary.AppendVarint(k, n) }

func (k key) flag(b bool) key {
	if b {
		return append(k, 1)
	}
	return append(k, 0)
}

// person scopes an answer to who asks, and to the rights that they have now.
func (k key) person(c *call) key {
	return k.number(c.principal.UserID).number(c.principal.CompanyID).text(string(c.principal.Role))
}

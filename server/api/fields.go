package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"outpost/server/training"
)

// fieldMask is a set of a projection's fields; the empty one means all of them.
type fieldMask uint64

// projection picks fields of one type of resource. The order and repetition of the names in
// ?fields= make no difference, so that they make no different key.
type projection struct {
	names []string // as in JSON, in the order of the struct
	index []int
}

// newProjection reads the JSON names of T, a struct of at most 64 plain fields.
func newProjection[T any]() *projection {
	p := &projection{}
	t := reflect.TypeFor[T]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		p.names = append(p.names, name)
		p.index = append(p.index, i)
	}
	return p
}

// parse reads ?fields=id,title. It allocates nothing but errors.
func (p *projection) parse(list string) (fieldMask, error) {
	var mask fieldMask
	for list != "" {
		var name string
		name, list, _ = strings.Cut(list, ",")
		i := slices.Index(p.names, name)
		if i < 0 {
			return 0, training.InvalidField("fields", "must be some of %s", strings.Join(p.names, ","))
		}
		mask |= 1 << i
	}
	return mask, nil
}

// pick gives value, a T, with only the fields in mask.
func (p *projection) pick(value any, mask fieldMask) (any, error) {
	if mask == 0 {
		return value, nil
	}
	var b bytes.Buffer
	v := reflect.ValueOf(value)
	b.WriteByte('{')
	for i, name := range p.names {
		if mask&(1<<i) == 0 {
			continue
		}
		field, err := encodeJSON(v.Field(p.index[i]).Interface())
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", name, err)
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, field)
	}
	b.WriteByte('}')
	return json.RawMessage(b.Bytes()), nil
}

// page is a page of a list on the wire.
type page struct {
	Items     any     `json:"items"`
	Total     int64   `json:"total"`
	Page      int     `json:"page"`
	Size      int     `json:"size"`
	Pages     int     `json:"pages"`
	HasNext   bool    `json:"has_next"`
	HasPrev   bool    `json:"has_prev"`
	NextAfter *string `json:"next_after"`
}

// newPage converts the items of p and picks their fields.
func newPage[D, T any](p training.Page[D], paging training.Paging, convert func(D) T, fields *projection, mask fieldMask) (page, error) {
	items, err := pageItems(p.Items, convert, fields, mask)
	if err != nil {
		return page{}, err
	}
	return page{
		Items: items, Total: p.Total, Page: p.Page, Size: p.Size, Pages: p.Pages(), HasNext: p.HasNext(),
		HasPrev: p.HasPrev() || paging.After != "", NextAfter: text(p.NextAfter),
	}, nil
}

// pageItems is a []T, or, where only some fields are wanted, those of each.
func pageItems[D, T any](found []D, convert func(D) T, fields *projection, mask fieldMask) (any, error) {
	if mask == 0 {
		whole := make([]T, len(found))
		for i, item := range found {
			whole[i] = convert(item)
		}
		return whole, nil
	}
	picked := make([]any, len(found))
	for i, item := range found {
		var err error
		if picked[i], err = fields.pick(convert(item), mask); err != nil {
			return nil, err
		}
	}
	return picked, nil
}

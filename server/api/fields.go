package api

import (
	"encoding"
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
	plain []bool   // of each: whether its kind alone says how it is written
}

// newProjection reads the JSON names of T, a struct of at most 64 plain fields.
func newProjection[T any]() *projection {
	p := &projection{}
	t := reflect.TypeFor[T]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		p.names = append(p.names, name)
		p.plain = append(p.plain, plainType(t.Field(i).Type))
	}
	return p
}

// plainType says whether appendPlain can write values of that type.
func plainType(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		return t.Elem().Kind() != reflect.Pointer && plainType(t.Elem())
	}
	for _, own := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return false
		}
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return true
	}
	return false
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
	b, err := p.append(nil, value, mask)
	return json.RawMessage(b), err
}

// append writes value, a T, with only the fields in mask.
func (p *projection) append(b []byte, value any, mask fieldMask) ([]byte, error) {
	v := reflect.ValueOf(value)
	separator := byte('{')
	for i, name := range p.names {
		if mask&(1<<i) == 0 {
			continue
		}
		b = append(b, separator, '"')
		b = append(append(b, name...), '"', ':')
		separator = ','
		field := v.Field(i)
		if p.plain[i] {
			b = appendPlain(b, field)
			continue
		}
		text, err := encodeJSON(field.Interface())
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", name, err)
		}
		b = append(b, text...)
	}
	return append(b, '}'), nil
}

// page is a page of a list on the wire: its items, written already, and this.
type page struct {
	items     []byte
	Total     int64   `json:"total"`
	Page      int     `json:"page"`
	Size      int     `json:"size"`
	Pages     int     `json:"pages"`
	HasNext   bool    `json:"has_next"`
	HasPrev   bool    `json:"has_prev"`
	NextAfter *string `json:"next_after"`
}

// newPage converts the items of p and writes their fields.
func newPage[D, T any](p training.Page[D], paging training.Paging, convert func(D) T, fields *projection, mask fieldMask) (page, error) {
	items, err := appendItems(p.Items, convert, fields, mask)
	if err != nil {
		return page{}, err
	}
	return page{
		items: items, Total: p.Total, Page: p.Page, Size: p.Size, Pages: p.Pages(), HasNext: p.HasNext(),
		HasPrev: p.HasPrev() || paging.After != "", NextAfter: text(p.NextAfter),
	}, nil
}

func appendItems[D, T any](found []D, convert func(D) T, fields *projection, mask fieldMask) (b []byte, err error) {
	if mask == 0 {
		whole := make([]T, len(found))
		for i, item := range found {
			whole[i] = convert(item)
		}
		return encodeJSON(whole)
	}
	separator := byte('[')
	if len(found) == 0 {
		b = append(b, separator)
	}
	for _, item := range found {
		b = append(b, separator)
		separator = ','
		if b, err = fields.append(b, convert(item), mask); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// encode writes the whole. To give the items to the encoder again would have it look through all of them.
func (p page) encode() ([]byte, error) {
	type plain page
	rest, err := encodeJSON(plain(p))
	if err != nil {
		return nil, err
	}
	b := append(make([]byte, 0, len(p.items)+len(rest)+16), `{"items":`...)
	b = append(append(b, p.items...), ',')
	return append(b, rest[1:]...), nil
}

package training

import "strings"

// Limits of lists.
const (
	MaxPage     = 1000
	MaxSize     = 100
	DefaultSize = 20
)

// Paging asks for one page of a list. After, when set, continues behind the item that a
// Page's NextAfter named and takes precedence over Page; it is bound to the order it was
// made for.
type Paging struct {
	Page  int // 1–1000
	Size  int // 1–100
	Sort  string
	Desc  bool
	After string
}

// Validate says what is wrong with p, given the fields by which the list can be sorted.
func (p Paging) Validate(sorts ...string) error {
	switch {
	case p.Page < 1 || p.Page > MaxPage:
		return InvalidField("page", "must be between 1 and %d", MaxPage)
	case p.Size < 1 || p.Size > MaxSize:
		return InvalidField("size", "must be between 1 and %d", MaxSize)
	}
	for _, s := range sorts {
		if p.Sort == s {
			return nil
		}
	}
	return InvalidField("sort", "must be one of %s, with - before it for the reverse order", strings.Join(sorts, ", "))
}

// Offset is the number of items before the page.
func (p Paging) Offset() int64 {
	if p.After != "" {
		return 0
	}
	return int64(p.Page-1) * int64(p.Size)
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T
	Total int64
	Page  int
	Size  int
	// NextAfter continues the list by key behind the last item; empty on the last page.
	NextAfter string
}

// Pages is the number of pages that Total makes.
func (p Page[T]) Pages() int {
	if p.Size < 1 {
		return 0
	}
	return int((p.Total + int64(p.Size) - 1) / int64(p.Size))
}

// HasNext says whether items follow this page.
func (p Page[T]) HasNext() bool { return p.NextAfter != "" }

// HasPrev says whether a page precedes this one.
func (p Page[T]) HasPrev() bool { return p.Page > 1 }

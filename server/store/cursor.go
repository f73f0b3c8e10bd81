package store

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"outpost/server/training"
)

// key is a place in an order: behind the row with that sort key and id.
type key struct {
	text   string
	number int64 // text as a number, for orders by one
	id     int64
}

// start is the place before the first row of an order.
func start(desc bool) key {
	if desc {
		return key{text: lastText, number: math.MaxInt64, id: maxID}
	}
	return key{number: math.MinInt64, id: math.MinInt64}
}

// A cursor names the order that it belongs to, since a place in one order means nothing in
// another.
func cursor(p training.Paging, sortKey string, id int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(order(p) + " " + strconv.FormatInt(id, 10) + " " + sortKey))
}

func order(p training.Paging) string {
	if p.Desc {
		return "-" + p.Sort
	}
	return p.Sort
}

// after gives the place where a page begins. Orders by number need a number as sort key.
func after(p training.Paging, numeric bool) (key, error) {
	if p.After == "" {
		return start(p.Desc), nil
	}
	refused := training.InvalidField("after", "must be what next_after said, in the same order")
	text, err := base64.RawURLEncoding.DecodeString(p.After)
	if err != nil {
		return key{}, refused
	}
	parts := strings.SplitN(string(text), " ", 3)
	if len(parts) != 3 || parts[0] != order(p) {
		return key{}, refused
	}
	k := key{text: parts[2]}
	if k.id, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return key{}, refused
	}
	if numeric {
		if k.number, err = strconv.ParseInt(parts[2], 10, 64); err != nil {
			return key{}, refused
		}
	}
	return k, nil
}

// place is a row's id and sort key.
type place struct {
	id      int64
	sortKey string
}

// cut takes the one place too many, which was asked for to know whether a page follows, and
// gives the cursor to that page.
func cut(p training.Paging, places []place) ([]place, string) {
	if len(places) <= p.Size {
		return places, ""
	}
	places = places[:p.Size]
	last := places[p.Size-1]
	return places, cursor(p, last.sortKey, last.id)
}

func ids(places []place) []int64 {
	out := make([]int64, len(places))
	for i, p := range places {
		out[i] = p.id
	}
	return out
}

// arrange puts what was read by id into the order of places.
func arrange[R, T any](places []place, rows []R, id func(*R) int64, convert func(*R) (T, error)) ([]T, error) {
	at := make(map[int64]int, len(rows))
	for i := range rows {
		at[id(&rows[i])] = i
	}
	out := make([]T, 0, len(places))
	for _, p := range places {
		i, ok := at[p.id]
		if !ok {
			continue
		}
		item, err := convert(&rows[i])
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

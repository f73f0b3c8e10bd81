package replica

import (
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/wire"
)

// TestReplicaRefuses lists what a replica must not follow. Each comes behind a good
// transaction in the same call, of which nothing may stay either.
func TestReplicaRefuses(t *testing.T) {
	item, link := items(), links()
	with := func(change func(*Delivery)) func(h *hub) Delivery {
		return func(h *hub) Delivery {
			d := h.tx(insert(item, row(9, 7, "nine", nil)))
			change(&d)
			return d
		}
	}
	records := func(b ...[]byte) func(h *hub) Delivery {
		return func(h *hub) Delivery { return h.tx(b...) }
	}
	describedAs := func(t *change.Table) func(h *hub) Delivery {
		return func(h *hub) Delivery {
			h.tables = []*change.Table{t}
			return h.tx()
		}
	}
	altered := func(alter func(*change.Table)) *change.Table {
		t := items()
		alter(t)
		return t
	}
	for name, test := range map[string]struct {
		message func(h *hub) Delivery
		want    string
	}{
		"a gap": {func(h *hub) Delivery {
			h.tx(insert(item, row(8, 7, "lost", nil)))
			return h.tx(insert(item, row(9, 7, "nine", nil)))
		}, "gap"},
		"an overlap":         {with(func(d *Delivery) { d.Message.Prev-- }), "gap"},
		"a newer generation": {with(func(d *Delivery) { d.Message.Generation++ }), "generation"},
		"an older one":       {with(func(d *Delivery) { d.Message.Generation-- }), "generation"},
		"another system":     {with(func(d *Delivery) { d.Message.System++ }), "server"},
		"another timeline":   {with(func(d *Delivery) { d.Message.Timeline++ }), "timeline"},
		"a step back":        {with(func(d *Delivery) { d.Message.Txs[0].End = d.Message.Prev }), "goes back"},
		"a cut body":         {with(func(d *Delivery) { b := &d.Message.Txs[0].Body; *b = (*b)[:len(*b)-1] }), "cut short"},
		"no description": {with(func(d *Delivery) {
			d.Message.Txs[0].Body = body(insert(item, row(9, 7, "nine", nil)))
		}), "description"},

		"a table it lacks":  {describedAs(altered(func(t *change.Table) { t.OID++ })), "no table"},
		"a renamed table":   {describedAs(altered(func(t *change.Table) { t.Name = "things" })), "called"},
		"a moved table":     {describedAs(altered(func(t *change.Table) { t.Schema = "private" })), "called"},
		"a column more":     {describedAs(altered(func(t *change.Table) { t.Columns = append(t.Columns, t.Columns[3]) })), "has 5"},
		"a column less":     {describedAs(altered(func(t *change.Table) { t.Columns = t.Columns[:3] })), "has 3"},
		"a renamed column":  {describedAs(altered(func(t *change.Table) { t.Columns[2].Name = "title" })), "column 3"},
		"another type":      {describedAs(altered(func(t *change.Table) { t.Columns[2].TypeOID = 1700 })), "column 3"},
		"another identity":  {describedAs(altered(func(t *change.Table) { t.Identity = []int{0} })), "identity"},
		"columns exchanged": {describedAs(altered(func(t *change.Table) { c := t.Columns; c[2], c[3] = c[3], c[2] })), "column 3"},

		"an update of nothing":        {records(update(item, nil, row(404, 7, "x", nil))), "hit 0 rows"},
		"a moved key of nothing":      {records(update(item, row(404, 7, nil, nil), row(405, 7, "x", nil))), "hit 0 rows"},
		"a delete of nothing":         {records(remove(item, row(404, 7, nil, nil))), "hit 0 rows"},
		"an insert that collides":     {records(insert(item, row(1, 7, "again", nil))), "constraint"},
		"one in a table of two keys":  {records(insert(link, row("x", 1, nil)), insert(link, row("x", 1, nil))), "constraint"},
		"a key that collides":         {records(update(item, row(1, 7, nil, nil), row(2, 7, "x", nil))), "constraint"},
		"an insert without a value":   {records(insert(item, row(9, 7, unchanged, nil))), "lacks the value"},
		"an insert without a key":     {records(insert(item, row(nil, 7, "x", nil))), "lacks its key"},
		"a delete without a key":      {records(remove(item, row(nil, 7, nil, nil))), "lacks the key"},
		"an update without a key":     {records(update(item, nil, row(unchanged, 7, "x", nil))), "lacks the key"},
		"a short row":                 {records(insert(item, row(9, 7))), "2 columns"},
		"a short old row":             {records(update(item, row(9), row(9, 7, "x", nil))), "1 columns"},
		"a value of another type":     {records(insert(item, row("nine", 7, "x", nil))), "bigint cannot be"},
		"a truncate of a table alien": {records(truncate(altered(func(t *change.Table) { t.OID = 404 }))), "description"},
		"what is no change":           {records([]byte("O\x00\x00\x00\x00\x00\x00\x00\x01x\x00")), "only changes"},
		"what is no message":          {records([]byte("Z")), "no such message"},
	} {
		t.Run(name, func(t *testing.T) {
			var seen recorder
			r, h := open(t, func(o *Options) { o.Observer = &seen })
			apply(t, r, h.tx(insert(item, row(1, 7, "one", nil)), insert(item, row(2, 7, "two", nil))))
			seen.take()
			good := *h
			refuses(t, r, test.want, h.tx(insert(item, row(3, 7, "three", nil))), test.message(h))
			heard := seen.take()
			if !strings.HasPrefix(heard, "items [] [3 7 three n]") || !strings.HasSuffix(heard, "\nrollback") || strings.Contains(heard, "commit") {
				t.Errorf("observed %s", heard)
			}
			// Nothing is broken: what fits is still taken.
			apply(t, r, good.tx(insert(item, row(3, 7, "three", nil))))
			equal(t, "items", dump(t, r, allItems), "1|7|one|NULL\n2|7|two|NULL\n3|7|three|NULL")
		})
	}
}

func TestRelationIsComparedAgainWhenItChanges(t *testing.T) {
	r, h := open(t)
	apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil))))
	changed := items()
	changed.Columns[3].TypeOID = 17
	h.tables = []*change.Table{items(), changed}
	refuses(t, r, "column 4", h.tx(insert(items(), row(2, 7, "two", nil))))
}

func TestBatchesAreDescribedEachForItself(t *testing.T) {
	r, h := open(t)
	apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil))))
	bare := h.message(wire.Message{Kind: wire.Batch, Txs: []wire.Tx{
		{End: h.lsn + 10, Body: body(insert(items(), row(2, 7, "two", nil)))},
	}})
	refuses(t, r, "description", bare)
}

package replica

import (
	"context"
	"strings"
	"testing"

	"outpost/replicate/wire"
)

func large(n int) (records [][]byte) {
	for i := range n {
		records = append(records, insert(items(), row(i+100, 7, "name", strings.Repeat("long ", 10))))
	}
	return records
}

const countItems = "SELECT count(*) FROM items"

func TestPartsBecomeVisibleTogether(t *testing.T) {
	var seen recorder
	r, h := open(t, func(o *Options) { o.Observer = &seen })
	small := h.tx(insert(items(), row(1, 7, "one", nil)))
	before := h.state()
	parts := h.parts(1, 7, large(50)...)
	last := len(parts) - 1
	// What came before does not wait for the end of the large one.
	apply(t, r, small, parts[0])
	equal(t, "items", dump(t, r, countItems), "1")
	equal(t, "position", r.State().Position, before.Position)
	for _, p := range parts[1:last] {
		apply(t, r, p)
		equal(t, "items", dump(t, r, countItems), "1")
		equal(t, "sequence", r.State().Seq, before.Seq)
	}
	apply(t, r, parts[last], h.heartbeat(5000))
	equal(t, "items", dump(t, r, countItems), "51")
	equal(t, "sequence", r.State().Seq, h.seq)
	equal(t, "position", r.State().Position, h.state().Position)
	equal(t, "rows", r.Stats().Rows, 51)
	equal(t, "transactions", r.Stats().Transactions, 2)
	if got := seen.take(); strings.Count(got, "commit") != 3 || strings.Contains(got, "rollback") {
		t.Errorf("observed %s", got)
	}
}

func TestPartsOfAnEarlierAttemptAreThrownAway(t *testing.T) {
	var seen recorder
	r, h := open(t, func(o *Options) { o.Observer = &seen })
	orphans := h.parts(1, 5, large(30)...)[:3]
	h.lsn = 1000 // their transaction did not end
	again := h.parts(2, 4, large(20)...)
	apply(t, r, orphans...)
	apply(t, r, again...)
	equal(t, "items", dump(t, r, countItems), "20")
	equal(t, "rollbacks", strings.Count(seen.take(), "rollback"), 1)

	// A hub that was started anew counts attempts from the beginning, and may have
	// something else to send.
	again = h.parts(1, 3, update(items(), nil, row(100, 7, "new", nil)))
	apply(t, r, again[:2]...)
	h.lsn = r.State().Position.LSN
	apply(t, r, h.parts(1, 2, update(items(), nil, row(100, 7, "newer", nil)))...)
	equal(t, "name", dump(t, r, "SELECT name FROM items WHERE id = 100"), "newer")
	apply(t, r, h.parts(1, 3, large(0)...)[:2]...)
	h.lsn = r.State().Position.LSN
	apply(t, r, h.tx(update(items(), nil, row(100, 7, "newest", nil))))
	equal(t, "name", dump(t, r, "SELECT name FROM items WHERE id = 100"), "newest")
}

func TestAbandonedPartsComeAgain(t *testing.T) {
	r, h := open(t)
	parts := h.parts(1, 5, large(30)...)
	apply(t, r, parts[:4]...)
	apply(t, r, parts[1:3]...) // delivered twice
	must(t, r.Abandon(context.Background()))
	equal(t, "items", dump(t, r, countItems), "0")
	apply(t, r, parts...)
	equal(t, "items", dump(t, r, countItems), "30")
}

func TestReplicaRefusesParts(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func([]Delivery) []Delivery
		want  string
	}{
		"one is missing":   {func(p []Delivery) []Delivery { return append(p[:2:2], p[3:]...) }, "part 3"},
		"the first is":     {func(p []Delivery) []Delivery { return p[1:] }, "part 1"},
		"the last is":      {func(p []Delivery) []Delivery { p[3].Message.Part.Last = true; return p }, "checksum"},
		"another attempt":  {func(p []Delivery) []Delivery { p[2].Message.Part.Attempt++; return p }, "attempt 2"},
		"another xid":      {func(p []Delivery) []Delivery { p[2].Message.Part.XID++; return p }, "transaction 100"},
		"another checksum": {func(p []Delivery) []Delivery { p[4].Message.Part.Checksum++; return p }, "checksum"},
		"a flipped bit": {func(p []Delivery) []Delivery {
			b := append([]byte(nil), p[4].Message.Part.Body...)
			b[len(b)-1] ^= 1
			p[4].Message.Part.Body = b
			return p
		}, "checksum"},
		"a step back": {func(p []Delivery) []Delivery { p[4].Message.Part.End = p[4].Message.Prev; return p }, "goes back"},
		"a gap":       {func(p []Delivery) []Delivery { p[4].Message.Prev++; return p }, "gap"},
	} {
		t.Run(name, func(t *testing.T) {
			r, h := open(t)
			parts := test.spoil(h.parts(1, 5, large(30)...))
			refuses(t, r, test.want, parts...)
			equal(t, "items", dump(t, r, countItems), "0")
		})
	}
}

// A record may be cut anywhere, in its length too.
func TestPartsOfOneByte(t *testing.T) {
	r, h := open(t)
	records := [][]byte{insert(items(), row(1, 7, "one", strings.Repeat("x", 300)))}
	var whole int
	for _, b := range [][]byte{h.described(records...)} {
		whole = len(b)
	}
	apply(t, r, h.parts(1, whole, records...)...)
	equal(t, "items", dump(t, r, countItems), "1")
}

func TestATransactionMayEndWithinARecordOnlyWithAnError(t *testing.T) {
	r, h := open(t)
	parts := h.parts(1, 1, large(1)...)
	p := &parts[0].Message.Part
	p.Body = p.Body[:len(p.Body)-3]
	refuses(t, r, "checksum", parts...)
	h = newHub(items(), links())
	cut := h.described(large(1)...)
	cut = cut[:len(cut)-3]
	d := h.message(wire.Message{Kind: wire.Piece, Part: wire.Part{Body: cut, Last: true, End: 2000, Checksum: checksum(cut)}})
	refuses(t, r, "cut short", d)
}

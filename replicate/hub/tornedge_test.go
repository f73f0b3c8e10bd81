package hub

import (
	"fmt"
	"os"
	"testing"
)

// TestAnEdgesConnectionTornInsideAMessage breaks an edge's connection after so many bytes: within
// a batch, and within the parts of a transaction that is cut. It goes on without a snapshot.
func TestAnEdgesConnectionTornInsideAMessage(t *testing.T) {
	f := newFixture(t)
	f.start()
	p := newProxy(t)
	p.lead(f.server.Addr().String())
	f.edgesTo = p.addr()
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	at := edge.State().Incarnation
	after := []int64{1, 700, 30_000, 1_500_000}
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		for n := int64(3); n < 4_000_000; n = n*3/2 + 1 {
			after = append(after, n)
		}
	}
	for _, n := range after {
		p.cut(n)
		f.exec("UPDATE course SET title = 'torn after ' || $1::int, body = repeat('x', 300) WHERE id <= 50", n)
		f.exec("UPDATE course SET body = noise(100000 + $1::int % 1000) WHERE id <= 30", n)
		f.eventually("the connection is torn", func() error {
			if left := p.uncut(); left > 0 {
				return fmt.Errorf("%d bytes before", left)
			}
			return nil
		})
		f.reaches(edge, "the edge")
	}
	if now := edge.State().Incarnation; now != at {
		t.Error("the edge took a snapshot")
	}
}

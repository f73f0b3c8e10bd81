package cache

import (
	"fmt"

	"outpost/replicate/change"
)

// request takes the next step of request i. The first writes the change at index 1 itself
// and asks for its position; the others belong to a client that comes twice.
func (m *model) request(w world, i int) {
	a := &w.Asking[i]
	switch a.Stage {
	case waiting:
		if i == 2 && w.Asking[1].Stage != served {
			return
		}
		want := w.Clients[(i+1)/2].Seen
		if i == 0 {
			want = 2
		}
		if m.broken != unwaited && want > 0 && m.history[w.Published].at().Position.Compare(m.history[want-1].at().Position) < 0 {
			return
		}
		a.Asked, a.Committed, a.Stage = w.Published, w.Committed, reading
	case reading:
		a.Published, a.Stage = m.history[w.Published].state, checking
		if m.broken == publishedAfterCheck {
			a.CheckedOld = w.Entry.Present && m.check(&w, w.Entry) == fresh
			a.Got = w.Entry
		}
	case checking:
		if m.broken == publishedAfterCheck {
			if a.CheckedOld {
				a.Published = m.history[w.Published].state
				m.serve(&w, i, "hit", m.position(a.Published, a.Got))
				break
			}
			a.Got = answered{}
			a.Stage = joining
			break
		}
		if w.Entry.Present && m.check(&w, w.Entry) == fresh {
			a.Got = w.Entry
			m.serve(&w, i, "hit", m.position(a.Published, a.Got))
			break
		}
		a.Stage = joining
	case joining:
		a.Mine = w.Fill == idle
		if a.Mine {
			w.Fill, w.FillEpoch, w.FillBook = begun, w.Epoch, w.Purges
		}
		a.Stage = sitting
	case landed:
		if a.Mine || a.Again {
			m.serve(&w, i, "filled", a.Got.at().Position)
			break
		}
		a.Published, a.Stage = m.history[w.Published].state, rechecking
	case rechecking:
		if m.broken == joinUnchecked || m.check(&w, a.Got) == fresh {
			m.serve(&w, i, "shared", m.position(a.Published, a.Got))
			break
		}
		a.Again, a.Stage = true, reading
	default:
		return
	}
	m.reach(w)
}

func (m *model) position(published state, got answered) change.Position {
	switch m.broken {
	case sendEntry:
		return got.at().Position
	case sendPublished:
		return published.at().Position
	}
	return later(published.at().Position, got.at().Position)
}

// serve holds the answer against what must hold.
func (m *model) serve(w *world, i int, how string, sent change.Position) {
	a := &w.Asking[i]
	m.served[how]++
	violated := func(format string, args ...any) {
		m.fail = fmt.Sprintf("request %d, %s, sent %s: ", i, how, sent) + fmt.Sprintf(format, args...)
	}
	floor := a.Asked // for what was computed for this request
	if how != "filled" {
		floor = w.Published // what is checked is good for the moment of the check
		if m.broken == publishedAfterCheck {
			floor = a.Asked
		}
	}
	exact, known := m.truth(sent)
	c := &w.Clients[(i+1)/2]
	switch {
	case !known || exact != a.Got.Value:
		violated("shows change %d, at that position it is %d", a.Got.Value, exact)
	case a.Got.Value < m.history[floor].Value:
		violated("shows change %d, %d was published", a.Got.Value, m.history[floor].Value)
	case a.Got.Value < m.history[a.Committed].Value:
		violated("shows change %d, %d was committed when it came", a.Got.Value, m.history[a.Committed].Value)
	case sent.Compare(m.history[a.Asked].at().Position) < 0:
		violated("%s was published when it came", m.history[a.Asked].at().Position)
	case how != "filled" && sent.Compare(a.Published.at().Position) < 0:
		violated("%s was published before the check", a.Published.at().Position)
	case how != "filled" && a.Got.Purges < w.Purges:
		violated("the fill began before a purge that was complete")
	case a.Got.Value < c.Value:
		violated("the client saw change %d before, now %d", c.Value, a.Got.Value)
	case c.Seen > 0 && sent.Compare(m.history[c.Seen-1].at().Position) < 0:
		violated("the client's position goes back from %s", m.history[c.Seen-1].at().Position)
	case i == 0 && a.Got.Value < m.history[1].Value:
		violated("the client does not see its own write")
	}
	for n, h := range m.history {
		if h.at().Position == sent {
			c.Seen = uint8(n + 1)
		}
	}
	c.Value = a.Got.Value
	*a = asking{Stage: served}
}

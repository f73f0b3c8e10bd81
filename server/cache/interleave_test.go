package cache

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"outpost/replicate/change"
)

// The model explores the rule; this explores the code that follows it. Two requests run the
// real Do against one change, and stop wherever the outside world is asked: before they
// come, before and after reading the published position, before and after the fill's read.
// Every order of letting one of them go on and of taking the applier's next step is run.
type theatre struct {
	cache     *Cache
	at        At // published
	committed LSN
	stopped   []chan struct{}
	// choices is the schedule: which of the possible steps was taken, and of how many.
	choices []choice
	depth   int
}

type choice struct{ taken, of int }

// stop is called by the requests; whoever is on stage goes on when it is chosen.
func (s *theatre) stop() {
	c := make(chan struct{})
	s.stopped = append(s.stopped, c)
	<-c
}

func (s *theatre) published() At {
	s.stop()
	at := s.at
	s.stop()
	return at
}

func (s *theatre) fill(context.Context) (Filled, error) {
	s.stop()
	f := Filled{Body: []byte{byte(s.committed)}, Tags: []Tag{Table("t")}, At: s.at, Store: true}
	f.At.Position.LSN = s.committed
	s.stop()
	return f, nil
}

// choose gives the next step of the schedule, or extends it by the first possible one.
func (s *theatre) choose(of int) int {
	if s.depth == len(s.choices) {
		s.choices = append(s.choices, choice{0, of})
	}
	c := s.choices[s.depth]
	if c.of != of {
		panic(fmt.Sprintf("the schedule is not repeatable: %d steps are possible, %d were", of, c.of))
	}
	s.depth++
	return c.taken
}

// next turns the schedule into the one that has not been run yet, false when there is none.
func (s *theatre) next() bool {
	s.depth = 0
	for n := len(s.choices); n > 0; n-- {
		last := &s.choices[n-1]
		if last.taken++; last.taken < last.of {
			s.choices = s.choices[:n]
			return true
		}
	}
	return false
}

func TestEveryOrderOfTwoRequestsAndAChange(t *testing.T) {
	t.Parallel() // with the model: the two take longest
	synctest.Test(t, func(t *testing.T) {
		s := &theatre{}
		var err error
		if s.cache, err = New(Options{MaxBytes: 1 << 20, Counters: 4, Published: s.published}); err != nil {
			t.Fatal(err)
		}
		ways := map[string]int{}
		runs := uint64(0)
		for more := true; more; more = s.next() {
			runs++
			if violation := s.run(runs, ways); violation != "" {
				t.Fatalf("run %d, schedule %v: %s", runs, s.choices, violation)
			}
		}
		t.Logf("%d orders; answers by way: %v", runs, ways)
		for _, way := range []string{Hit, Miss, Shared} {
			if ways[way] == 0 {
				t.Errorf("no answer was a %s", way)
			}
		}
		s.cache.Close()
	})
}

func (s *theatre) run(number uint64, ways map[string]int) (violation string) {
	s.cache.Reset(number)
	s.committed = 10
	s.at = At{Position: change.Position{Generation: 1, LSN: 10}, Incarnation: number}
	applier := []func(){
		func() { s.cache.Raise([]Tag{Table("t")}, 11) },
		func() { s.committed = 11 },
		func() { s.at.Position.LSN = 11 },
	}
	running := 2
	for range 2 {
		go func() {
			s.stop()
			published, committed := s.at.Position.LSN, s.committed
			got, err := s.cache.Do(context.Background(), []byte("k"), s.fill)
			running--
			if err != nil {
				violation = err.Error()
				return
			}
			ways[got.Status]++
			if shows := LSN(got.Entry.Body[0]); shows != got.At.LSN || shows < committed || shows < published {
				violation = fmt.Sprintf("%s: shows %s, sent %s; when it came %s was committed and %s published",
					got.Status, shows, got.At, committed, published)
			}
		}()
		synctest.Wait()
	}
	for running > 0 {
		of := len(s.stopped)
		if len(applier) > 0 {
			of++
		}
		if n := s.choose(of); n < len(s.stopped) {
			released := s.stopped[n]
			s.stopped = append(s.stopped[:n:n], s.stopped[n+1:]...)
			close(released)
		} else {
			applier[0]()
			applier = applier[1:]
		}
		synctest.Wait()
	}
	return violation
}

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/node"
)

// enrollment is what the tests look at.
type enrollment struct {
	ID       int64
	Status   string
	Version  int64
	Progress []struct {
		Lesson  int
		Seconds int
	}
}

func (e *enrollment) seconds(lesson int) int {
	for _, p := range e.Progress {
		if p.Lesson == lesson {
			return p.Seconds
		}
	}
	return -1
}

// courseID finds a course by its slug.
func (c *client) courseID(api, slug string) int64 {
	c.t.Helper()
	var course struct{ ID int64 }
	c.get(api+"/api/v1/courses/"+slug).into(c.t, &course)
	return course.ID
}

func (c *client) enroll(api, slug string) (enrollment, answer) {
	c.t.Helper()
	a, err := c.try(http.MethodPost, api+"/api/v1/enrollments", map[string]int64{"course_id": c.courseID(api, slug)})
	if err != nil || a.status/100 != 2 {
		c.t.Fatalf("enrolling: %d %s %v", a.status, a.body, err)
	}
	var e enrollment
	a.into(c.t, &e)
	return e, a
}

func progressURL(api string, id int64, lesson int) string {
	return fmt.Sprintf("%s/api/v1/enrollments/%d/lessons/%d", api, id, lesson)
}

func enrollmentURL(api string, id int64) string {
	return fmt.Sprintf("%s/api/v1/enrollments/%d", api, id)
}

// TestWrittenHereReadThere writes through one region and reads through another with
// the position of the write: a thousand times, while Postgres is busy with tables
// that are not published and one edge is slow.
func TestWrittenHereReadThere(t *testing.T) {
	const writes = 1000
	w := newWorld(t, []string{"fra", "iad", "syd"})
	w.startInside(func(region string, o *node.Options) {
		if region == "syd" {
			o.BeforeCommit = func() { time.Sleep(3 * time.Millisecond) } // the slow edge
		}
	})
	w.noise(t)
	learner := w.login("iad", "user1@example.com")
	e, _ := learner.enroll(w.api("iad"), "passwords-and-passkeys")
	for i := range writes {
		writer, reader := w.regions[i%3], w.regions[(i+1+i/3%2)%3]
		a := learner.must(http.StatusOK, http.MethodPut, progressURL(w.api(writer), e.ID, 1), map[string]int{"seconds": i})
		if a.position() == "" {
			t.Fatal("a write answered no position")
		}
		var got enrollment
		read := learner.get(enrollmentURL(w.api(reader), e.ID), "Outpost-Position", a.position())
		read.into(t, &got)
		if got.seconds(1) != i {
			t.Fatalf("write %d at %s: %s shows %d; position %s, read at %s, %s", i, writer, reader, got.seconds(1),
				a.position(), read.position(), read.header.Get("Cache-Status"))
		}
		if read.header.Get("Outpost-Stale") != "" {
			t.Fatalf("write %d: %s called its answer stale", i, reader)
		}
	}
	t.Run("without the position within a second", func(t *testing.T) {
		for i := range 20 {
			a := learner.must(http.StatusOK, http.MethodPut, progressURL(w.api("fra"), e.ID, 2), map[string]int{"seconds": i})
			began := time.Now()
			for _, region := range []string{"iad", "syd"} {
				for {
					var got enrollment
					learner.get(enrollmentURL(w.api(region), e.ID)).into(t, &got)
					if got.seconds(2) == i {
						break
					}
					if time.Since(began) > time.Second {
						t.Fatalf("%s does not show the write at %s after %v", region, a.position(), time.Since(began))
					}
				}
			}
		}
	})
}

// noise writes 4,000 rows a second to a table that is not published, until the test ends.
func (w *world) noise(t *testing.T) {
	pgtest.Exec(t, w.url, "CREATE TABLE noise (id bigint GENERATED ALWAYS AS IDENTITY, filler text)")
	conn := pgtest.Connect(t, w.url)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	running.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			if _, err := conn.Exec(ctx, "INSERT INTO noise (filler) SELECT repeat('x', 200) FROM generate_series(1, 20)"); err != nil && ctx.Err() == nil {
				t.Errorf("the noise stopped: %v", err)
				return
			}
		}
	})
}

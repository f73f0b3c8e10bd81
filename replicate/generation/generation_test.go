package generation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pump"
)

func TestNumbersOnlyGrow(t *testing.T) {
	now := time.UnixMilli(1_795_000_000_000)
	const day = 24 * time.Hour
	var newest change.Generation
	for _, clock := range []time.Time{now, now, now.Add(-day), now.Add(-2 * day), now.Add(day), now, now.Add(day)} {
		next := Next(clock, newest)
		if next <= newest {
			t.Errorf("at %s generation %d follows %d", clock, next, newest)
		}
		newest = next
	}
	if ahead := newest - Next(now.Add(day), 0); ahead > 10 {
		t.Errorf("it is %d ahead of the clock", ahead)
	}
}

// life runs a Life in made time, and notes when each generation was begun.
type life struct {
	Life
	logged strings.Builder
	start  time.Time
	begun  []time.Duration
}

func newLife() *life {
	l := &life{start: time.Now()}
	l.Ready = func(context.Context) error { return nil }
	l.Log = slog.New(slog.NewTextHandler(&l.logged, nil))
	return l
}

func (l *life) run(t *testing.T, begin, last time.Duration, generations int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l.Begin = func(ctx context.Context, _ string) error {
		l.begun = append(l.begun, time.Since(l.start))
		if len(l.begun) == generations {
			cancel()
		}
		Sleep(ctx, begin)
		return nil
	}
	l.Continue = func(ctx context.Context) error {
		Sleep(ctx, last)
		return pump.Breaks("the slot is gone")
	}
	if err := l.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestCopiesThatLeadNowhereBecomeRarer is a slot that is lost whenever a copy has ended, be
// it of a second or, longer than the window, of an hour.
func TestCopiesThatLeadNowhereBecomeRarer(t *testing.T) {
	for _, took := range []time.Duration{time.Second, time.Hour} {
		t.Run(took.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLife()
				l.run(t, took, 0, 12)
				for i := 1; i < len(l.begun); i++ {
					want := min(time.Second<<i, 256*time.Second)
					if pause := l.begun[i] - l.begun[i-1] - took; pause < want || pause > want+time.Second {
						t.Errorf("copy %d began %v after the one before had ended, not %v", i+1, pause, want)
					}
				}
				if n := strings.Count(l.logged.String(), "a new generation is needed, and waits"); n != 11 {
					t.Errorf("%d of 11 pauses were logged", n)
				}
			})
		})
	}
}

func TestAGenerationThatLastedIsFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife()
		l.run(t, time.Minute, time.Hour, 4)
		for i := 1; i < len(l.begun); i++ {
			if pause := l.begun[i] - l.begun[i-1] - time.Minute - time.Hour; pause != 0 {
				t.Errorf("copy %d began %v after the generation before had ended", i+1, pause)
			}
		}
	})
}

// TestAPostgresThatIsAwayDoesNotCountAsCopies is away for an hour when a generation is
// needed. When it is back, that begins soon.
func TestAPostgresThatIsAwayDoesNotCountAsCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife()
		asked := 0
		l.Ready = func(context.Context) error {
			if asked++; time.Since(l.start) < time.Hour {
				return errors.New("nobody answers")
			}
			return nil
		}
		l.run(t, time.Second, 0, 1)
		if late := l.begun[0] - time.Hour; late < 0 || late > 2*LongestPause {
			t.Errorf("it began %v after Postgres was there", late)
		}
		if told := strings.Count(l.logged.String(), "nobody answers"); asked < 200 || told != asked-1 {
			t.Errorf("it was asked %d times, and told %d times that it is away", asked, told)
		}
	})
}

// TestWhatFailsIsTriedAgain is a copy that cannot be made.
func TestWhatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife()
		ctx, cancel := context.WithCancel(t.Context())
		l.Continue = func(context.Context) error { return pump.Breaks("nothing has been copied yet") }
		l.Begin = func(context.Context, string) error {
			if l.begun = append(l.begun, time.Since(l.start)); len(l.begun) == 20 {
				cancel()
			}
			return fmt.Errorf("the disk is full")
		}
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
		for i := 9; i < len(l.begun); i++ {
			if pause := l.begun[i] - l.begun[i-1]; pause < 4*time.Minute || pause > 6*time.Minute {
				t.Errorf("attempt %d came %v after the one before", i+1, pause)
			}
		}
		if n := strings.Count(l.logged.String(), "the disk is full"); n < 19 {
			t.Errorf("it was said %d times", n)
		}
	})
}

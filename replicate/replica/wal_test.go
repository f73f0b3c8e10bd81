package replica

import (
	"context"
	"log/slog"
	"strings"
	"testing"
)

// churn applies so much that the log would grow to several times its bound.
func churn(t *testing.T, r *Replica, h *hub, n int) (largest int64) {
	t.Helper()
	note := strings.Repeat("x", 4000)
	for range n {
		d := h.tx(update(items(), nil, row(1, 7, "one", note)), update(items(), nil, row(2, 7, "two", note)))
		if err := r.Apply(context.Background(), []Delivery{d}); err != nil {
			t.Error(err)
			return largest
		}
		largest = max(largest, r.Stats().WALBytes)
	}
	return largest
}

func openSmall(t *testing.T, change ...func(*Options)) (*Replica, *hub) {
	t.Helper()
	r, h := open(t, append(change, func(o *Options) { o.WALBytes = 256 << 10 })...)
	// SQLite's own checkpoints would hide those that are to be seen here.
	must(t, r.file.Load().writer.exec(t.Context(), "PRAGMA wal_autocheckpoint = 0"))
	apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil)), insert(items(), row(2, 7, "two", nil))))
	return r, h
}

func TestLogIsBounded(t *testing.T) {
	r, h := openSmall(t)
	if largest := churn(t, r, h, 300); largest > 300<<10 {
		t.Errorf("it grew to %d bytes", largest)
	}
}

func TestLogIsBoundedThoughSomeoneAlwaysReads(t *testing.T) {
	r, h := openSmall(t)
	// Each reader ends only when the next one has begun.
	next := make(chan struct{})
	ended := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(ended)
		<-next
		for previous := hold(r); ; {
			following := hold(r)
			previous()
			previous = following
			select {
			case <-stop:
				previous()
				return
			default:
			}
		}
	}()
	close(next)
	largest := churn(t, r, h, 300)
	close(stop)
	<-ended
	if largest > 512<<10 {
		t.Errorf("it grew to %d bytes", largest)
	}
}

// hold begins a read and gives what ends it.
func hold(r *Replica) (release func()) {
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.Read(context.Background(), func(View) error {
			close(begun)
			<-end
			return nil
		})
	}()
	<-begun
	return func() { close(end); <-ended }
}

// signal is a log that tells when something is logged.
type signal chan string

func (s signal) Write(b []byte) (int, error) {
	select {
	case s <- string(b):
	default:
	}
	return len(b), nil
}

func TestALongReadStopsTheApplierBeforeTheDiskIsFull(t *testing.T) {
	logged := make(signal, 1)
	r, h := openSmall(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(logged, nil)) })
	release := hold(r)
	const bound = 4 * 256 << 10
	applied := make(chan struct{})
	var largest int64
	go func() {
		defer close(applied)
		largest = churn(t, r, h, 400)
	}()
	if got := <-logged; !strings.Contains(got, "long read") {
		t.Errorf("logged %s", got)
	}
	stood := r.State()
	select {
	case <-applied:
		t.Error("the applier went on")
	default:
	}
	equal(t, "items", dump(t, r, countItems), "2") // others read on
	equal(t, "state", r.State(), stood)
	release()
	<-applied
	if largest > bound+50_000 || r.Stats().WALBytes > 300<<10 {
		t.Errorf("the log grew to %d bytes and has %d", largest, r.Stats().WALBytes)
	}
}

package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pump"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/stream"
	"outpost/replicate/wire"
)

// TestAnInterruptedRenewalIsNotForgotten ends a renewal in its copy. A slot that is left
// must not pass for the old one: of a server that was set back, the WAL soon reaches the
// stream's end again, and what lies below the new slot is never compared.
func TestAnInterruptedRenewalIsNotForgotten(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	f.stop()
	f.build()
	f.interrupt()
	f.exec("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", f.hub.Source.Config.Slot)
	f.exec("INSERT INTO private SELECT i, 'wal' FROM generate_series(1, 10) i")
	log, err := f.hub.Conn.OpenLog(t.Context(), DefaultStreamBytes)
	if err != nil {
		t.Fatal(err)
	}
	end, err := readTail(t.Context(), log, 0)
	if err != nil {
		t.Fatal(err)
	}
	var broken *pump.Broken
	if err := f.hub.noted(end.Generation); !errors.As(err, &broken) {
		t.Errorf("the old generation would be resumed on the new slot: %v", err)
	}
}

// interrupt begins a renewal and ends it when the old slot is gone.
func (f *fixture) interrupt() {
	f.t.Helper()
	// The copy waits for this lock.
	lock, err := f.pg.Begin(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() {
		if err := lock.Rollback(f.t.Context()); err != nil {
			f.t.Error(err)
		}
	}()
	if _, err := lock.Exec(f.t.Context(), "LOCK TABLE course IN ACCESS EXCLUSIVE MODE"); err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f.hub.renew(ctx) }()
	f.eventually("the old slot is gone", func() error {
		if _, slot := f.postgres(); slot.Exists {
			return errors.New("it is there")
		}
		return nil
	})
	cancel()
	if err := <-done; err == nil {
		f.t.Error("a renewal that was interrupted succeeded")
	}
}

// TestARenewalThatWasOvertakenClearsNothing pauses one in its copy, while another hub writes
// to the stream. What that one wrote stays.
func TestARenewalThatWasOvertakenClearsNothing(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	f.stop()
	f.build()
	lock, err := f.pg.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "LOCK TABLE course IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.hub.renew(t.Context()) }()
	f.eventually("the copy waits", func() error {
		if _, slot := f.postgres(); slot.Exists {
			return errors.New("the old slot is there")
		}
		return nil
	})
	other, err := f.hub.Conn.OpenLog(t.Context(), DefaultStreamBytes)
	if err != nil {
		t.Fatal(err)
	}
	message := &wire.Message{Header: wire.Header{Generation: 1 << 60, Prev: 1, Sent: time.Now()}, Kind: wire.Heartbeat, Heartbeat: 1}
	seq, err := other.Publish(t.Context(), stream.All, message)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, stream.ErrOvertaken) {
		t.Errorf("got %v, want ErrOvertaken", err)
	}
	if m, ok, err := other.Message(t.Context(), seq); err != nil || !ok || m.Generation != 1<<60 {
		t.Errorf("the other hub's message is gone: %+v, %v, %v", m, ok, err)
	}
}

func (f *fixture) postgres() (source.Identity, source.Slot) {
	f.t.Helper()
	identity, err := f.hub.Source.Identify(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	slot, err := f.hub.Source.Slot(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return identity, slot
}

// TestTheJournalOfAnOlderCopyIsNotPlayed leaves what a kill -9 leaves while a copy is put
// in the replica's place: its log, with the indexes that were made there.
func TestTheJournalOfAnOlderCopyIsNotPlayed(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	f.stop()
	older, newer := filepath.Join(f.dir, "older.db"), filepath.Join(f.dir, "hub", copyFile)
	f.build()
	state := func(lsn change.LSN) replica.State {
		return replica.State{Position: change.Position{Generation: 1, LSN: lsn}, System: 1, Timeline: 1}
	}
	objects := []replica.Object{{Name: "course_title", SQL: "CREATE INDEX course_title ON course (title)"}}
	copied := func(path string) {
		t.Helper()
		if err := f.hub.Source.DropSlot(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.hub.copy(t.Context(), path, state); err != nil {
			t.Fatal(err)
		}
	}
	copied(older)
	r, err := replica.Open(t.Context(), replica.Options{Path: older, Log: f.log, Objects: objects})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	log, err := os.ReadFile(older + "-wal")
	if err != nil || len(log) == 0 {
		t.Fatalf("no log to leave behind: %d bytes, %v", len(log), err)
	}
	if err := os.WriteFile(newer+"-wal", log, 0o600); err != nil {
		t.Fatal(err)
	}
	f.exec("UPDATE course SET title = 'newer'")
	copied(newer)
	if err := replica.SetSeq(t.Context(), newer, 1); err != nil {
		t.Fatal(err)
	}
	fresh, err := replica.Open(t.Context(), replica.Options{Path: newer, Log: f.log, Objects: objects})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	err = fresh.Read(t.Context(), func(v replica.View) error {
		var n int
		var sound string
		if err := v.Tx.QueryRow("SELECT count(*) FROM course WHERE title = 'newer'").Scan(&n); err != nil {
			return err
		}
		if err := v.Tx.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil {
			return err
		}
		if n != 100 || sound != "ok" {
			return fmt.Errorf("the index finds %d of 100 rows, the file's structure: %s", n, sound)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAPredecessorMayConfirmMoreMeanwhile is a slot that moves between being looked at and
// being streamed from, within what the stream holds: no reason for a full copy.
func TestAPredecessorMayConfirmMoreMeanwhile(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	f.exec("UPDATE course SET title = 'more' WHERE id = 1")
	f.reaches(f.replica, "the primary's replica")
	f.stop()
	f.build()
	session := f.session()
	session.Confirmed--
	err := session.Run(t.Context())
	if broken := new(pump.Broken); !errors.Is(err, source.ErrSlotAhead) || errors.As(err, &broken) {
		t.Errorf("got %v, want an error that is tried again", err)
	}
}

// session is what a hub that was built would begin now.
func (f *fixture) session() *pump.Session {
	f.t.Helper()
	log, err := f.hub.Conn.OpenLog(f.t.Context(), DefaultStreamBytes)
	if err != nil {
		f.t.Fatal(err)
	}
	end, err := readTail(f.t.Context(), log, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	_, slot := f.postgres()
	return &pump.Session{
		Source: f.hub.Source, Sink: sink{log}, Progress: f.hub.progress, Schema: pump.NewSchema(f.replica.Tables()),
		End: end.End, Confirmed: slot.Confirmed, Log: f.log,
	}
}

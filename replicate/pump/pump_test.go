package pump

import (
	"errors"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/wire"
)

// TestReplacedHistoryIsFound gives the stream a commit that Postgres has otherwise,
// at the same LSN: a restored volume looks like this.
func TestReplacedHistoryIsFound(t *testing.T) {
	p := &pump{Session: &Session{}}
	at := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	p.expected = []change.Commit{{LSN: 100, XID: 7, Time: at}, {LSN: 200, XID: 8, Time: at}}
	for name, got := range map[string]change.Commit{
		"another transaction": {LSN: 100, XID: 9, Time: at},
		"another time":        {LSN: 100, XID: 7, Time: at.Add(time.Microsecond)},
		"another end":         {LSN: 104, XID: 7, Time: at},
	} {
		var broken *Broken
		if err := p.matches(got); !errors.As(err, &broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := p.matches(change.Commit{LSN: 100, XID: 7, Time: at}); err != nil {
		t.Errorf("the same commit: %v", err)
	}
}

// TestOnlyWhatIsKnownIsCompared is a sink that remembers its last commit alone: below it
// nothing is compared, it must arrive again itself, and nothing may lie behind it.
func TestOnlyWhatIsKnownIsCompared(t *testing.T) {
	at := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	last := change.Commit{LSN: 200, XID: 8, Time: at}
	p := &pump{Session: &Session{End: End{LSN: 300, Known: 200}}, expected: []change.Commit{last}}
	for _, lsn := range []change.LSN{100, 199} {
		if err := p.matches(change.Commit{LSN: lsn, XID: 7, Time: at}); err != nil {
			t.Errorf("a commit at %s: %v", lsn, err)
		}
	}
	var broken *Broken
	if err := p.matches(change.Commit{LSN: 250, XID: 9, Time: at}); !errors.As(err, &broken) {
		t.Errorf("a commit behind the last one, in its place: %v", err)
	}
	if err := p.matches(last); err != nil {
		t.Errorf("the last one: %v", err)
	}
	if err := p.matches(change.Commit{LSN: 250, XID: 9, Time: at}); !errors.As(err, &broken) {
		t.Errorf("a commit behind the last one, after it: %v", err)
	}
}

// TestWhatPostgresPassedOverIsNotConfirmed is a server set back to a backup, whose WAL has
// grown past a transaction that only the stream has. Were the slot confirmed there, the
// next session would not compare it any more.
func TestWhatPostgresPassedOverIsNotConfirmed(t *testing.T) {
	p := &pump{Session: &Session{End: End{LSN: 200}}, expected: []change.Commit{{LSN: 110, XID: 7}}}
	var broken *Broken
	if err := p.keepalive(150); !errors.As(err, &broken) {
		t.Errorf("a keepalive beyond a transaction that was not sent: %v", err)
	}
}

// TestABatchOfEmptyTransactionsFitsAMessage joins transactions that change nothing which
// is published, such as another program's messages: each costs its place in a message.
func TestABatchOfEmptyTransactionsFitsAMessage(t *testing.T) {
	p := &pump{}
	tx := wire.Tx{End: 1, XID: 1, Time: time.Now()}
	for p.size+tx.Size() <= MessageBytes {
		p.join(tx)
	}
	p.batch.Kind = wire.Batch
	if n := len(wire.Encode(nil, &p.batch)); n > MessageBytes+1000 {
		t.Errorf("%d transactions make a message of %d bytes", len(p.batch.Txs), n)
	}
}

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail/mailtest"
)

// TestAKilledPrimarySendsNoMailTwice kills the primary while the mail server has letters as a whole and
// has not answered. Those never come again, and are known to be uncertain; all others come once.
func TestAKilledPrimarySendsNoMailTwice(t *testing.T) {
	w := newWorld(t, []string{"fra"})
	var holding atomic.Int32 // how many answers are held back
	var answering atomic.Bool
	server := mailtest.StartMoody(t, "127.0.0.1:0", func(step mailtest.Step, _ string) string {
		// Some letters go through first: the first connection's third, and the second's, wait.
		if step == mailtest.Dot && !answering.Load() && holding.Add(1) > 4 {
			return mailtest.Hang
		}
		return mailtest.Usual
	})
	env := w.env["fra"]
	env["OUTPOST_SMTP_URL"], env["OUTPOST_MAIL_FROM"], env["OUTPOST_PUBLIC_URL"] = "smtp://"+server.Addr(), "outpost@example.com", "https://training.example.com"
	db := pgtest.Connect(t, w.url)
	const letters = 30
	for i := range letters {
		_, err := db.Exec(t.Context(), `INSERT INTO outbox (company_id, data_zone, kind, recipient, payload)
			SELECT id, data_zone, 'password_changed', $1, '{}' FROM companies ORDER BY id LIMIT 1`, fmt.Sprintf("letter%d@example.com", i))
		if err != nil {
			t.Fatal(err)
		}
	}
	p := w.serve("fra")
	eventually(t, "both connections wait for an answer", func() error {
		if n := holding.Load(); n < 6 {
			return fmt.Errorf("%d letters have come", n)
		}
		return nil
	})
	p.kill()
	before := server.Whole()
	if len(before) != 6 {
		t.Errorf("%d letters had come", len(before))
	}
	answering.Store(true)
	p.start()
	p.ready()
	eventually(t, "nothing waits any more", func() error {
		var waiting int
		if err := db.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE sent_at IS NULL AND given_up_at IS NULL`).Scan(&waiting); err != nil || waiting > 0 {
			return fmt.Errorf("%d wait: %w", waiting, err)
		}
		return nil
	})
	came := make(map[string]int)
	for _, to := range server.Whole() {
		if came[to]++; came[to] > 1 {
			t.Errorf("the letter to %s came %d times", to, came[to])
		}
	}
	if len(came) != letters {
		t.Errorf("letters to %d of %d people came", len(came), letters)
	}
	rows, err := db.Query(t.Context(), `SELECT recipient FROM outbox WHERE uncertain`)
	if err != nil {
		t.Fatal(err)
	}
	uncertain, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(uncertain) != 2 {
		t.Errorf("uncertain are %v, %v", uncertain, err)
	}
	if log := p.log.String(); strings.Count(log, "uncertain whether a mail was sent") != len(uncertain) || strings.Contains(log, "letter1@") {
		t.Errorf("the log tells of %d", strings.Count(log, "uncertain whether"))
	}
	if err := expectStatus(w.api("fra")+"/readyz", http.StatusOK); err != nil {
		t.Error(err)
	}
}

package primary_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replicatest/logbuffer"
	"outpost/server/mail"
	"outpost/server/mail/mailtest"
	"outpost/server/primary"
	"outpost/server/training"
)

// refuse is what a mail server says of some recipients.
func refuse(to string) error {
	switch {
	case strings.HasPrefix(to, "refused"):
		return mailtest.Refuse(550, [3]int{5, 1, 1}, "no such mailbox "+to)
	case strings.HasPrefix(to, "busy"):
		return mailtest.Refuse(451, [3]int{4, 3, 0}, "not now, "+to)
	}
	return nil
}

// reserve gives an address that nothing listens on.
func reserve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func sender(t *testing.T, addr string) *mail.Sender {
	t.Helper()
	s, err := mail.New(mail.Config{URL: "smtp://" + addr, From: "outpost@example.com", PublicURL: "https://training.example.com", Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// counter counts rows again and again, over one connection.
func counter(t *testing.T, url string) func(query string) int64 {
	t.Helper()
	conn := pgtest.Connect(t, url)
	return func(query string) (n int64) {
		if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// within waits for a condition.
func within(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it did not come about that %s", what)
		}
	}
}

// running runs p until the test ends.
func running(t *testing.T, p *primary.Primary) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

func TestMailWaitsForAServerThatIsDown(t *testing.T) {
	addr := reserve(t)
	log := new(logbuffer.Buffer)
	p, url, _ := opened(t)
	pgtest.Exec(t, url, `UPDATE companies SET locale = 'de'`)
	// Two primaries, of which each might send it; neither wrote it, so polling finds it.
	for range 2 {
		other, err := primary.Open(t.Context(), primary.Config{
			URL: url, MaxConns: 4, MinConns: 1, Mailer: sender(t, addr), MailPoll: 10 * time.Millisecond, MailRetry: 30 * time.Millisecond,
			Log: slog.New(slog.NewTextHandler(log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(other.Close)
		running(t, other)
	}
	for _, name := range []string{"one", "two", "three"} {
		if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: "new" + name + "@example.com", FullName: "Neü", Role: training.Learner}); err != nil {
			t.Fatal(err)
		}
	}
	count := counter(t, url)
	within(t, "each was tried", func() bool {
		return count(`SELECT count(*) FROM outbox WHERE attempts >= 2 AND last_error LIKE '%refused%'`) == 3
	})
	server := mailtest.Start(t, addr, nil)
	within(t, "all were sent", func() bool { return count(`SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL`) == 3 })
	for _, name := range []string{"one", "two", "three"} {
		messages := server.Messages("new" + name + "@example.com")
		if len(messages) != 1 || !strings.HasPrefix(messages[0].Subject, "Ihre Einladung") || !strings.Contains(messages[0].Text, "https://training.example.com/invitation#token=opi_") {
			t.Errorf("to %s: %+v", name, messages)
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM outbox WHERE payload = '{}' AND last_error = ''`); n != 3 {
		t.Errorf("%d of 3 hold nothing any more", n)
	}
	for _, secret := range []string{"opi_", "@example.com"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %s: %s", secret, log)
		}
	}
}

func TestMailThatIsRefusedIsGivenUp(t *testing.T) {
	addr := reserve(t)
	server := mailtest.Start(t, addr, refuse)
	log := new(logbuffer.Buffer)
	p, url, _ := opened(t)
	other, err := primary.Open(t.Context(), primary.Config{
		URL: url, MaxConns: 4, MinConns: 1, Mailer: sender(t, addr), MailRetry: time.Microsecond, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	for _, name := range []string{"refused", "busy", "fine"} {
		if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: name + "@example.com", Role: training.Learner}); err != nil {
			t.Fatal(err)
		}
	}
	count := counter(t, url)
	within(t, "nothing waits", func() bool {
		if err := other.FlushMail(t.Context()); err != nil {
			t.Fatal(err)
		}
		return count(`SELECT count(*) FROM outbox WHERE sent_at IS NULL AND given_up_at IS NULL`) == 0
	})
	for to, want := range map[string]int{"refused": 3, "busy": 20, "fine": 1} {
		if got := server.Tries(to + "@example.com"); got != want {
			t.Errorf("%s was tried %d times, want %d", to, got, want)
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM outbox WHERE given_up_at IS NOT NULL AND payload = '{}' AND last_error ~ '(550 5.1.1|451 4.3.0)$'`); n != 2 {
		t.Errorf("%d were given up", n)
	}
	if strings.Contains(log.String(), "@example.com") || strings.Count(log.String(), "given up") != 2 {
		t.Errorf("the log: %s", log)
	}
}

func TestAClaimIsALease(t *testing.T) {
	p, url, post := opened(t)
	if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: "x@example.com", Role: training.Learner}); err != nil {
		t.Fatal(err)
	}
	// Somebody claimed it and died.
	pgtest.Exec(t, url, `UPDATE outbox SET attempts = 1, available_at = now() + interval '5 minutes'`)
	if letters := post.take(t, p); len(letters) != 0 {
		t.Errorf("sent %+v", letters)
	}
	pgtest.Exec(t, url, `UPDATE outbox SET available_at = now() - interval '1 s'`)
	l := post.one(t, p, mail.Invitation, "x@example.com")
	if letters := post.take(t, p); len(letters) != 0 {
		t.Errorf("sent %+v again after %+v", letters, l)
	}
}

func TestMailThatComesTooLateOrCannotBeReadIsGivenUp(t *testing.T) {
	p, url, post := opened(t)
	for _, name := range []string{"late", "broken"} {
		if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: name + "@example.com", Role: training.Learner}); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, url, `UPDATE outbox SET expires_at = now() WHERE recipient = 'late@example.com'`, `UPDATE outbox SET payload = '["secret"]' WHERE recipient = 'broken@example.com'`)
	if letters := post.take(t, p); len(letters) != 0 {
		t.Errorf("sent %+v", letters)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM outbox WHERE given_up_at IS NOT NULL AND payload = '{}' AND last_error NOT LIKE '%secret%'`); n != 2 {
		t.Errorf("%d of 2 were given up", n)
	}
}

func TestMailWaitsWhereNoServerIsKnown(t *testing.T) {
	log := new(logbuffer.Buffer)
	p, url := open(t, func(c *primary.Config) { c.Log, c.MailPoll = slog.New(slog.NewTextHandler(log, nil)), time.Millisecond })
	stop := running(t, p)
	if _, err := p.ForgotPassword(t.Context(), "two@example.com"); err != nil {
		t.Fatal(err)
	}
	within(t, "the mail is written", func() bool {
		return value[int64](t, url, `SELECT count(*) FROM outbox WHERE attempts = 0 AND payload ? 'token'`) == 1
	})
	stop()
	if n := strings.Count(log.String(), "OUTPOST_SMTP_URL"); n != 1 {
		t.Errorf("%d warnings: %s", n, log)
	}
}

func TestOldMailAndInvitationsAreSweptAway(t *testing.T) {
	p, url, post := opened(t)
	for _, name := range []string{"a", "b", "c"} {
		if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: name + "@example.com", Role: training.Learner}); err != nil {
			t.Fatal(err)
		}
	}
	post.take(t, p)
	pgtest.Exec(
		t, url, `UPDATE outbox SET created_at = now() - interval '31 days' WHERE recipient <> 'a@example.com'`,
		`UPDATE outbox SET sent_at = NULL WHERE recipient = 'b@example.com'`,
		`UPDATE invitations SET expires_at = now() - interval '31 days' WHERE email = 'a@example.com'`,
	)
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := value[string](t, url, `SELECT string_agg(recipient, ' ' ORDER BY recipient) FROM outbox`); got != "a@example.com b@example.com" {
		t.Errorf("mails to %s are left", got)
	}
	if got := value[string](t, url, `SELECT string_agg(email, ' ' ORDER BY email) FROM invitations`); got != "b@example.com c@example.com" {
		t.Errorf("invitations of %s are left", got)
	}
}

func TestMailThatMayHaveGoneNeverGoesAgain(t *testing.T) {
	log := new(logbuffer.Buffer)
	addr := reserve(t)
	server := mailtest.StartMoody(t, addr, func(step mailtest.Step, to string) string {
		switch {
		case step == mailtest.Dot && strings.HasPrefix(to, "unanswered"):
			return mailtest.Close
		case step == mailtest.Dot && strings.HasPrefix(to, "refused"):
			return "451 4.3.0 later"
		case step == mailtest.Data && strings.HasPrefix(to, "lost"):
			return mailtest.Close
		}
		return mailtest.Usual
	})
	p, url, _ := opened(t)
	for _, name := range []string{"unanswered", "refused", "lost", "fine"} {
		if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: name + "@example.com", Role: training.Learner}); err != nil {
			t.Fatal(err)
		}
	}
	other, err := primary.Open(t.Context(), primary.Config{
		URL: url, MaxConns: 4, MinConns: 1, Mailer: sender(t, addr), MailRetry: time.Microsecond, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	count := counter(t, url)
	within(t, "nothing waits", func() bool {
		if err := other.FlushMail(t.Context()); err != nil {
			t.Fatal(err)
		}
		return count(`SELECT count(*) FROM outbox WHERE sent_at IS NULL AND given_up_at IS NULL`) == 0
	})
	times := make(map[string]int)
	for _, to := range server.Whole() {
		times[to]++
	}
	if times["unanswered@example.com"] != 1 || times["refused@example.com"] != 20 || times["lost@example.com"] != 0 || times["fine@example.com"] != 1 {
		t.Errorf("whole came %v", times)
	}
	const state = `SELECT string_agg(split_part(recipient, '@', 1) || ' ' || attempts || ' ' || (sent_at IS NOT NULL) || ' ' || uncertain, ', ' ORDER BY id) FROM outbox`
	if got, want := value[string](t, url, state), "unanswered 1 false true, refused 20 false false, lost 20 false false, fine 1 true false"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if n := count(`SELECT count(*) FROM outbox WHERE payload = '{}' AND claimed_by = ''`); n != 4 {
		t.Errorf("%d of 4 hold nothing any more", n)
	}
	if strings.Count(log.String(), "uncertain") != 1 || strings.Contains(log.String(), "@example.com") {
		t.Errorf("the log: %s", log)
	}
}

func TestWhatWasBegunAndNeverSettledIsUncertain(t *testing.T) {
	log := new(logbuffer.Buffer)
	p, url, post := opened(t, func(c *primary.Config) { c.Log, c.ClientID = slog.New(slog.NewTextHandler(log, nil)), "here" })
	for _, name := range []string{"begun-here", "claimed-here", "begun-there", "claimed-there"} {
		if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: name + "@example.com", Role: training.Learner}); err != nil {
			t.Fatal(err)
		}
	}
	// Both nodes were killed.
	pgtest.Exec(t, url, `UPDATE outbox SET attempts = 1, available_at = now() + interval '5 minutes', claimed_by = split_part(split_part(recipient, '@', 1), '-', 2),
		begun_at = CASE WHEN recipient LIKE 'begun%' THEN now() END`)
	if letters := post.take(t, p); len(letters) != 0 {
		t.Errorf("sent %+v", letters)
	}
	stop := running(t, p) // this one is back, with its name
	count := counter(t, url)
	within(t, "what was in hand here is settled", func() bool {
		return count(`SELECT count(*) FROM outbox WHERE recipient LIKE '%here@%' AND (sent_at IS NOT NULL OR uncertain)`) == 2
	})
	stop()
	post.mu.Lock()
	letters := post.letters
	post.letters = nil
	post.mu.Unlock()
	if len(letters) != 1 || letters[0].To != "claimed-here@example.com" {
		t.Errorf("sent %+v", letters)
	}
	pgtest.Exec(t, url, `UPDATE outbox SET available_at = now() - interval '1 s' WHERE claimed_by = 'there'`)
	if letters = post.take(t, p); len(letters) != 1 || letters[0].To != "claimed-there@example.com" {
		t.Errorf("sent %+v", letters)
	}
	if n := count(`SELECT count(*) FROM outbox WHERE uncertain AND given_up_at IS NOT NULL AND payload = '{}' AND recipient LIKE 'begun%'`); n != 2 {
		t.Errorf("%d of 2 are uncertain", n)
	}
	if strings.Count(log.String(), "uncertain") != 2 || strings.Contains(log.String(), "@example.com") {
		t.Errorf("the log: %s", log)
	}
}

// late lets its claim run out before it begins.
type late struct {
	post
	url string
	t   *testing.T
}

func (l *late) Send(ctx context.Context, letters []mail.Letter, begin func(mail.Letter) error, done func(mail.Letter, error)) {
	pgtest.Exec(l.t, l.url, `UPDATE outbox SET attempts = attempts + 1`) // another one has it
	l.post.Send(ctx, letters, begin, done)
	for _, letter := range letters {
		done(letter, &mail.Error{Reason: "too slow"})
	}
}

func TestWhoComesTooLateSendsNothingAndSpoilsNothing(t *testing.T) {
	p, url, _ := opened(t)
	if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: "x@example.com", Role: training.Learner}); err != nil {
		t.Fatal(err)
	}
	slow := &late{url: url, t: t}
	other, err := primary.Open(t.Context(), primary.Config{URL: url, MaxConns: 4, MinConns: 1, Mailer: slow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	if letters := slow.take(t, other); len(letters) != 0 {
		t.Errorf("sent %+v", letters)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM outbox WHERE begun_at IS NULL AND last_error = '' AND given_up_at IS NULL AND available_at > now()`); n != 1 {
		t.Error("the other's claim was spoiled")
	}
}

package primary_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail"
	"outpost/server/primary"
	"outpost/server/training"
)

// meanwhile runs change in a transaction that is still open when act begins, and commits it when act
// waits for it, or has ended.
func meanwhile(t *testing.T, url, change string, act func()) {
	t.Helper()
	tx, err := pgtest.Connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), change, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		act()
	}()
	const waits = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'outpost' AND wait_event_type = 'Lock'`
	observer := pgtest.Connect(t, url)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		var n int
		if err := observer.QueryRow(t.Context(), waits).Scan(&n); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
			n = 1
		default:
		}
		if n > 0 {
			break
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-done
}

// TestALoginDoesNotOutrunAChange begins a login with a password that is right when it is checked,
// and not any more when the session begins.
func TestALoginDoesNotOutrunAChange(t *testing.T) {
	for name, change := range map[string]string{
		"another password": `UPDATE user_credentials SET password_hash = '` + weakHash("other") + `' WHERE user_id = 1`,
		"no password":      `DELETE FROM user_credentials WHERE user_id = 1`,
		"deactivated":      `UPDATE users SET is_active = false WHERE id = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			p, url := open(t)
			meanwhile(t, url, change, func() {
				_, _, err := p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: "right"})
				if training.CodeOf(err) != training.Unauthorized {
					t.Errorf("%v", err)
				}
			})
			if n := value[int64](t, url, `SELECT count(*) FROM sessions`); n != 0 {
				t.Errorf("%d sessions", n)
			}
			if n := value[int64](t, url, `SELECT count(*) FROM login_failures`); n != 1 {
				t.Errorf("%d failures", n)
			}
		})
	}
	t.Run("what does not matter", func(t *testing.T) {
		p, url := open(t)
		meanwhile(t, url, `UPDATE users SET role = 'manager', company_id = 2, data_zone = 'us' WHERE id = 1`, func() {
			s, _, err := p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: "right"})
			if err != nil || s.CompanyID != 2 || s.Zone != "us" || s.Role != training.Manager {
				t.Errorf("the session is of what was: %+v, %v", s, err)
			}
		})
	})
	t.Run("a weak hash, by two at once", func(t *testing.T) {
		p, url := open(t)
		pgtest.Exec(t, url, `UPDATE user_credentials SET password_hash = '`+weakHash("right")+`' WHERE user_id = 1`)
		good := make(chan error, 4)
		for range cap(good) {
			go func() {
				_, _, err := p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: "right"})
				good <- err
			}()
		}
		for range cap(good) {
			if err := <-good; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestARefreshDoesNotOutrunARevocation exchanges a token while all of the user's are being voided.
func TestARefreshDoesNotOutrunARevocation(t *testing.T) {
	p, url := open(t)
	s := login(t, p)
	var next training.Session
	meanwhile(t, url, `INSERT INTO token_revocations (company_id, data_zone, user_id) VALUES (1, 'eu', 1)`, func() {
		var err error
		if next, _, err = p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken}); err != nil {
			t.Errorf("before anything was revoked: %v", err)
		}
	})
	if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: next.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
		t.Errorf("a token of a voided session: %v", err)
	}
	if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: login(t, p).RefreshToken}); err != nil {
		t.Errorf("a session that began after that: %v", err)
	}
}

// TestARefreshWaitsForTheEndOfItsSession exchanges a token while its session is being ended.
func TestARefreshWaitsForTheEndOfItsSession(t *testing.T) {
	p, url := open(t)
	s := login(t, p)
	meanwhile(t, url, `UPDATE sessions SET revoked_at = now()`, func() {
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("%v", err)
		}
	})
}

func TestARefreshGivesTheRightsOfNow(t *testing.T) {
	p, url := open(t)
	s := login(t, p)
	pgtest.Exec(t, url, `UPDATE users SET company_id = 2, data_zone = 'us', role = 'manager' WHERE id = 1`)
	next, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken})
	if err != nil || next.CompanyID != 2 || next.Zone != "us" || next.Role != training.Manager || next.SessionID != s.SessionID {
		t.Errorf("%+v, %v", next, err)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM sessions WHERE company_id = 2 AND data_zone = 'us'`); n != 1 {
		t.Error("the session stayed behind")
	}
}

func TestReuseEndsTheFamilyAfterManyExchangesToo(t *testing.T) {
	p, url := open(t)
	s := login(t, p)
	first, last := s.RefreshToken, s.RefreshToken
	for range 5 {
		next, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: last})
		if err != nil {
			t.Fatal(err)
		}
		last = next.RefreshToken
	}
	for _, token := range []string{first, last} {
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: token}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("%v", err)
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL`); n != 1 {
		t.Error("the session goes on")
	}
}

// TestAHashThatCannotBeCheckedIsAWrongPassword: an error of the server would say that there is such
// an account.
func TestAHashThatCannotBeCheckedIsAWrongPassword(t *testing.T) {
	seen := &observed{}
	p, url := open(t, func(c *primary.Config) { c.Observe = seen.see })
	pgtest.Exec(t, url, `UPDATE user_credentials SET password_hash = 'nonsense' WHERE user_id = 1`)
	work := map[int]bool{}
	for _, login := range []string{"änne@example.com", "nobody@example.com"} {
		seen.take()
		if _, _, err := p.Login(t.Context(), training.LoginRequest{Login: login, Password: "right"}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("%s: %v", login, err)
		}
		_, total := seen.take()
		work[total] = true
	}
	if len(work) != 1 {
		t.Errorf("statements %v", work)
	}
}

func TestAnAccountKnowsWhereItIsUsedFrom(t *testing.T) {
	seen := &observed{}
	p, url := open(t, func(c *primary.Config) { c.Observe = seen.see })
	knows := func(login, source string) bool {
		t.Helper()
		seen.take()
		known, err := p.KnowsSource(context.Background(), login, source)
		if err != nil {
			t.Fatal(err)
		}
		if types, total := seen.take(); total != 1 || types["knows_source"] != 1 {
			t.Errorf("%s: %v", login, types)
		}
		return known
	}
	request := training.LoginRequest{Login: "änne@example.com", Password: "right", IP: "192.0.2.1", Source: "192.0.2.1"}
	s, _, err := p.Login(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	request.Source, request.Password = "192.0.2.9", "wrong"
	if _, _, err := p.Login(t.Context(), request); training.CodeOf(err) != training.Unauthorized {
		t.Fatal(err)
	}
	request.Login, request.Password = "two@example.com", "right"
	if _, _, err := p.Login(t.Context(), request); training.CodeOf(err) != training.Unauthorized {
		t.Fatal(err)
	}
	if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken, IP: "192.0.2.2", UserAgent: "curl", Source: "192.0.2.2"}); err != nil {
		t.Fatal(err)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM refresh_tokens WHERE ip = '192.0.2.2' AND user_agent = 'curl'`); n != 1 {
		t.Error("a refresh does not say where it came from")
	}
	for _, test := range []struct {
		login, source string
		want          bool
	}{
		{"ÄNNE@example.com", "192.0.2.1", true},
		{"änne@example.com", "192.0.2.2", true}, // by a refresh
		{"änne@example.com", "192.0.2.9", false},
		{"two@example.com", "192.0.2.1", false},
		{"two@example.com", "192.0.2.9", false},
		{"nobody@example.com", "192.0.2.1", false},
		{"\x00'; --\xff", "192.0.2.1", false},
	} {
		if got := knows(test.login, test.source); got != test.want {
			t.Errorf("%q from %s: %v", test.login, test.source, got)
		}
	}
	pgtest.Exec(t, url, `UPDATE login_sources SET seen_at = now() - interval '91 d'`)
	if knows("änne@example.com", "192.0.2.1") {
		t.Error("it knows what was long ago")
	}
	if _, _, err := p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: "right", Source: "192.0.2.1"}); err != nil {
		t.Fatal(err)
	}
	if !knows("änne@example.com", "192.0.2.1") {
		t.Error("it does not learn it again")
	}
}

// TestWhatHasEndedWritesNothingMore writes with credentials that have ended in Postgres, as one does
// who is faster than the primary's own replica.
func TestWhatHasEndedWritesNothingMore(t *testing.T) {
	for name, end := range map[string]string{
		"":                "SELECT 1",
		"logged out":      `UPDATE sessions SET revoked_at = now()`,
		"tokens voided":   `INSERT INTO token_revocations (company_id, data_zone, user_id) VALUES (1, 'eu', 1)`,
		"key revoked":     `UPDATE api_keys SET revoked_at = now()`,
		"key expired":     `UPDATE api_keys SET expires_at = now()`,
		"another's ended": `INSERT INTO token_revocations (company_id, data_zone, user_id) VALUES (1, 'eu', 2)`,
		"deactivated":     `UPDATE users SET is_active = false WHERE id = 1`,
		"company closed":  `UPDATE companies SET is_active = false WHERE id = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			p, url := open(t)
			person := login(t, p).Principal
			k, _, _, err := p.CreateAPIKey(t.Context(), learner, newKey())
			if err != nil {
				t.Fatal(err)
			}
			machine := learner
			machine.KeyID = k.ID
			e, _, _, err := p.Enroll(t.Context(), learner, 1)
			if err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, url, end)
			both := name == "deactivated" || name == "company closed"
			for who, ends := range map[training.Principal]bool{
				person:  both || name == "logged out" || name == "tokens voided",
				machine: both || name == "key revoked" || name == "key expired",
			} {
				for what, write := range map[string]func() error{
					"enroll":   func() error { _, _, _, err := p.Enroll(t.Context(), who, 1); return err },
					"progress": func() error { _, _, err := p.RecordProgress(t.Context(), who, e.ID, 1, 1); return err },
				} {
					err := write()
					if refused := training.CodeOf(err) == training.Unauthorized; refused != ends || err != nil && !refused {
						t.Errorf("%s, key %d, session %d: %v", what, who.KeyID, who.SessionID, err)
					}
				}
			}
		})
	}
}

// TestACertificateOfProgressIsSomebodysDoing looks at the audit log, which the last lesson's certificate
// goes to.
func TestACertificateOfProgressIsSomebodysDoing(t *testing.T) {
	p, url := open(t)
	e, _, _, err := p.Enroll(t.Context(), learner, 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx := training.WithCaller(t.Context(), training.Caller{IP: "192.0.2.7"})
	for _, lesson := range []int{1, 3} {
		if _, _, err := p.RecordProgress(ctx, learner, e.ID, lesson, 1); err != nil {
			t.Fatal(err)
		}
	}
	if who := value[string](t, url, `SELECT concat_ws(' ', actor_id, action, ip) FROM audit_log WHERE subject = 'certificates'`); who != "1 recordProgress 192.0.2.7" {
		t.Errorf("%q", who)
	}
}

// TestMailToAnOldAddressSetsNoPassword corrects the address of somebody whose first mail went to a
// stranger.
func TestMailToAnOldAddressSetsNoPassword(t *testing.T) {
	p, _, post := opened(t)
	if _, err := p.InviteUser(t.Context(), admin, 2); err != nil {
		t.Fatal(err)
	}
	stranger := post.one(t, p, mail.FirstPassword, "two@example.com").Token
	change := func(c training.PersonChange) {
		t.Helper()
		if _, _, err := p.ChangePerson(t.Context(), admin, 2, 0, c); err != nil {
			t.Fatal(err)
		}
	}
	name, address := "Zwei", "zwei@example.com"
	change(training.PersonChange{Email: &address})
	_, err := p.ResetPassword(t.Context(), stranger, good)
	code(t, err, training.Invalid, "Ask for a new one")

	if _, err := p.ForgotPassword(t.Context(), "änne@example.com"); err != nil {
		t.Fatal(err)
	}
	token := post.one(t, p, mail.PasswordReset, "Änne@example.com").Token
	if _, _, err := p.ChangePerson(t.Context(), admin, 1, 0, training.PersonChange{FullName: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ResetPassword(t.Context(), token, good); err != nil {
		t.Errorf("after another change: %v", err)
	}
}

// TestAnInvitationDoesNotOutrunItsInviter accepts an invitation while its inviter is losing the right to
// have made it.
func TestAnInvitationDoesNotOutrunItsInviter(t *testing.T) {
	p, url, post := opened(t)
	if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: "new@example.com", FullName: "New", Role: training.Admin}); err != nil {
		t.Fatal(err)
	}
	token := post.one(t, p, mail.Invitation, "new@example.com").Token
	meanwhile(t, url, `UPDATE users SET is_active = false WHERE id = 5`, func() {
		_, _, err := p.AcceptInvitation(t.Context(), training.Acceptance{Token: token, Password: good, FullName: "New"})
		code(t, err, training.Invalid, "new invitation")
	})
	if n := value[int64](t, url, `SELECT count(*) FROM users WHERE email = 'new@example.com'`); n != 0 {
		t.Error("an administrator without whoever could make one")
	}
}

// TestMailGoesToNoAddressThatIsBeingReplaced asks for passwords by mail while the address is changed.
func TestMailGoesToNoAddressThatIsBeingReplaced(t *testing.T) {
	p, url, post := opened(t)
	meanwhile(t, url, `UPDATE users SET email = 'zwei@example.com' WHERE id = 2`, func() {
		if _, err := p.InviteUser(t.Context(), admin, 2); err != nil {
			t.Error(err)
		}
	})
	post.one(t, p, mail.FirstPassword, "zwei@example.com")

	// Nothing sends while the address is not being changed yet: FlushMail is what writes the mail.
	if _, err := p.ForgotPassword(t.Context(), "änne@example.com"); err != nil {
		t.Fatal(err)
	}
	meanwhile(t, url, `UPDATE users SET email = 'eins@example.com' WHERE id = 1`, func() {
		if letters := post.take(t, p); len(letters) > 0 {
			t.Errorf("sent %+v", letters)
		}
	})
}

func TestAnEndedSessionChangesNoPassword(t *testing.T) {
	for name, end := range map[string]string{
		"logged out":    `UPDATE sessions SET revoked_at = now()`,
		"tokens voided": `INSERT INTO token_revocations (company_id, data_zone, user_id) VALUES (1, 'eu', 1)`,
	} {
		p, url := open(t)
		who := login(t, p).Principal
		pgtest.Exec(t, url, end)
		if _, err := p.ChangePassword(t.Context(), who, training.PasswordChange{Current: "right", New: good}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
}

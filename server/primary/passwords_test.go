package primary_test

import (
	"strings"
	"sync"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail"
	"outpost/server/primary"
	"outpost/server/training"
)

func TestAResetEndsWhatBeganWithTheOldPassword(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		seen := &observed{}
		p, url, post := opened(t, mode, func(c *primary.Config) { c.Observe = seen.see })
		old := login(t, p)
		if _, err := p.ForgotPassword(t.Context(), " änne@EXAMPLE.com"); err != nil {
			t.Fatal(err)
		}
		l := post.one(t, p, mail.PasswordReset, "Änne@example.com")
		if l.Name != "Änne" || l.Company != "Eins" || l.Inviter != "" || !strings.HasPrefix(l.Token, "opp_") {
			t.Errorf("%+v", l)
		}
		// A second token, as after a while.
		pgtest.Exec(t, url, `UPDATE password_resets SET created_at = now() - interval '6 minutes'`)
		if _, err := p.ForgotPassword(t.Context(), "änne@example.com"); err != nil {
			t.Fatal(err)
		}
		other := post.one(t, p, mail.PasswordReset, "Änne@example.com")

		_, err := p.ResetPassword(t.Context(), l.Token, "password123")
		code(t, err, training.Invalid, "easy to guess")
		_, err = p.ResetPassword(t.Context(), l.Token, "harbour example änne lantern")
		code(t, err, training.Invalid, "your name")
		seen.take()
		if lsn, err := p.ResetPassword(t.Context(), l.Token, good); err != nil || lsn == 0 {
			t.Fatal(err)
		}
		if types, n := seen.take(); n >= 5 {
			t.Errorf("%d statements: %v", n, types)
		}
		for _, token := range []string{l.Token, other.Token, "opp_nonsense"} {
			_, err := p.ResetPassword(t.Context(), token, good)
			code(t, err, training.Invalid, "Ask for a new one")
		}
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: old.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("the old session goes on: %v", err)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM token_revocations WHERE user_id = 1 AND company_id = 1 AND data_zone = 'eu' AND revoked_at > now() - interval '10 s'`); n != 1 {
			t.Errorf("%d revocations", n)
		}
		if _, _, err := p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: "right"}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("the old password: %v", err)
		}
		s, _, err := p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: good})
		if err != nil {
			t.Fatal(err)
		}
		// A login in the very next moment is good: its tokens count in whole seconds.
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken}); err != nil {
			t.Error(err)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM token_revocations v JOIN sessions s ON s.user_id = v.user_id
			WHERE s.id = $1 AND date_trunc('second', s.created_at) <= date_trunc('second', v.revoked_at)`, s.SessionID); n != 0 {
			t.Error("the new session's tokens are void")
		}
		post.one(t, p, mail.PasswordChanged, "Änne@example.com")
		if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE actor_id = 1 AND action = 'resetPassword' AND subject = 'user_credentials'`); n != 1 {
			t.Errorf("%d entries in the audit log", n)
		}
		nowhere(t, url, l.Token, other.Token, good)
	})
}

func TestForgettingIsTheSameForEveryAddress(t *testing.T) {
	seen := &observed{}
	p, url, post := opened(t, func(c *primary.Config) { c.Observe = seen.see })
	seen.take()
	work := make(map[int]bool)
	for _, email := range []string{"änne@example.com", "two@example.com", "gone@example.com", "nobody@example.com", "", "\x00\xff';--", "ÄNNE@example.com"} {
		if _, err := p.ForgotPassword(t.Context(), email); err != nil {
			t.Errorf("%q: %v", email, err)
		}
		_, n := seen.take()
		work[n] = true
	}
	if len(work) != 1 {
		t.Errorf("statements %v", work)
	}
	// One mail to each account that is active, however often it was asked for, with a password or without.
	to := make(map[string]int)
	for _, l := range post.take(t, p) {
		to[l.To]++
	}
	if len(to) != 2 || to["Änne@example.com"] != 1 || to["two@example.com"] != 1 {
		t.Errorf("sent %v", to)
	}
	if _, err := p.ForgotPassword(t.Context(), "two@example.com"); err != nil {
		t.Fatal(err)
	}
	if letters := post.take(t, p); len(letters) != 0 {
		t.Errorf("a second mail within five minutes: %+v", letters)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM password_requests`); n != 0 {
		t.Errorf("%d requests are kept", n)
	}
}

func TestTheFirstPasswordIsSetByMail(t *testing.T) {
	p, url, post := opened(t)
	for id, want := range map[int64]training.Code{1: training.Conflict, 3: training.Conflict, 4: training.NotFound, 99: training.NotFound} {
		if _, err := p.InviteUser(t.Context(), admin, id); training.CodeOf(err) != want {
			t.Errorf("user %d: %v", id, err)
		}
	}
	if _, err := p.InviteUser(t.Context(), admin, 2); err != nil {
		t.Fatal(err)
	}
	_, err := p.InviteUser(t.Context(), admin, 2)
	code(t, err, training.Conflict, "five minutes")
	l := post.one(t, p, mail.FirstPassword, "two@example.com")
	if l.Inviter != "Boss" || l.Company != "Eins" {
		t.Errorf("%+v", l)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM password_resets WHERE user_id = 2 AND purpose = 'first' AND expires_at > now() + interval '6 days'`); n != 1 {
		t.Error("the token is not good for a week")
	}
	if got := value[string](t, url, `SELECT string_agg(action || ' by ' || actor_id || ': ' || details::text, ',') FROM audit_log
		WHERE subject = 'password_resets' AND details @> '{"insert": {"user_id": 2}}'`); !strings.HasPrefix(got, "inviteUser by 5: ") || strings.Contains(got, "hash") {
		t.Errorf("the audit log says %q", got)
	}
	if _, err := p.ResetPassword(t.Context(), l.Token, good); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Login(t.Context(), training.LoginRequest{Login: "two@example.com", Password: good}); err != nil {
		t.Error(err)
	}
	// A platform administrator reaches into every company.
	pgtest.Exec(t, url, `UPDATE users SET role = 'platform_admin' WHERE id = 5`)
	root := admin
	root.Role = training.PlatformAdmin
	if _, err := p.InviteUser(t.Context(), root, 4); err != nil {
		t.Error(err)
	}
	post.take(t, p)
	nowhere(t, url, l.Token)
}

func TestAnExpiredOrInactiveResetIsDead(t *testing.T) {
	p, url, post := opened(t)
	if _, err := p.ForgotPassword(t.Context(), "änne@example.com"); err != nil {
		t.Fatal(err)
	}
	token := post.one(t, p, mail.PasswordReset, "Änne@example.com").Token
	for _, change := range [][2]string{
		{`UPDATE password_resets SET expires_at = now()`, `UPDATE password_resets SET expires_at = now() + interval '1 hour'`},
		{`UPDATE users SET is_active = false WHERE id = 1`, `UPDATE users SET is_active = true WHERE id = 1`},
		{`UPDATE companies SET is_active = false`, `UPDATE companies SET is_active = true`},
	} {
		pgtest.Exec(t, url, change[0])
		_, err := p.ResetPassword(t.Context(), token, good)
		code(t, err, training.Invalid, "Ask for a new one")
		pgtest.Exec(t, url, change[1])
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	set := 0
	for range 4 {
		group.Go(func() {
			_, err := p.ResetPassword(t.Context(), token, good)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				set++
			} else if training.CodeOf(err) != training.Invalid {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if set != 1 {
		t.Errorf("the token was good %d times", set)
	}
}

func TestAChangedPasswordEndsTheOtherSessions(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		seen := &observed{}
		p, url, post := opened(t, mode, func(c *primary.Config) { c.Observe = seen.see })
		own, other := login(t, p), login(t, p)
		if _, err := p.ForgotPassword(t.Context(), "änne@example.com"); err != nil {
			t.Fatal(err)
		}
		mailed := post.one(t, p, mail.PasswordReset, "Änne@example.com").Token
		change := func(current, next string) error {
			_, err := p.ChangePassword(t.Context(), own.Principal, training.PasswordChange{Current: current, New: next, IP: "192.0.2.1"})
			return err
		}
		code(t, change("wrong", good), training.Invalid, "current_password")
		if n := value[int64](t, url, `SELECT count(*) FROM login_failures WHERE user_id = 1 AND reason = 'password' AND ip = '192.0.2.1'
			AND login_hash = sha256(convert_to('änne@example.com', 'UTF8'))`); n != 1 {
			t.Errorf("%d failed logins", n)
		}
		code(t, change("right", "right"), training.Invalid, "another")
		code(t, change("right", "password123"), training.Invalid, "easy to guess")
		seen.take()
		if err := change("right", good); err != nil {
			t.Fatal(err)
		}
		if types, n := seen.take(); n >= 5 {
			t.Errorf("%d statements: %v", n, types)
		}
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: own.RefreshToken}); err != nil {
			t.Errorf("the own session: %v", err)
		}
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: other.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("the other session: %v", err)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM sessions WHERE user_id = 1 AND revoked_at IS NULL`); n != 1 {
			t.Errorf("%d sessions go on", n)
		}
		_, err := p.ResetPassword(t.Context(), mailed, good+"!")
		code(t, err, training.Invalid, "token")
		post.one(t, p, mail.PasswordChanged, "Änne@example.com")
		if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE actor_id = 1 AND action = 'changePassword' AND subject = 'user_credentials'`); n != 1 {
			t.Errorf("%d entries in the audit log", n)
		}
		nowhere(t, url, good)
		pgtest.Exec(t, url, `UPDATE users SET is_active = false WHERE id = 1`)
		code(t, change(good, good+"!"), training.Unauthorized, "Log in again")
	})
}

// TestALoginThatIsBeginningEndsWithTheOthers has a session begun, and not committed, when the password
// is set.
func TestALoginThatIsBeginningEndsWithTheOthers(t *testing.T) {
	p, url, post := opened(t)
	if _, err := p.ForgotPassword(t.Context(), "änne@example.com"); err != nil {
		t.Fatal(err)
	}
	token := post.one(t, p, mail.PasswordReset, "Änne@example.com").Token
	count := counter(t, url)
	for _, test := range []struct {
		name string
		set  func() error
	}{
		{"reset", func() error {
			_, err := p.ResetPassword(t.Context(), token, good)
			return err
		}},
		{"changed", func() error { // last, for it uses up the token
			who := training.Principal{UserID: 1, CompanyID: 1, SessionID: 999, Role: training.Learner}
			_, err := p.ChangePassword(t.Context(), who, training.PasswordChange{Current: "right", New: good})
			return err
		}},
	} {
		hash := value[string](t, url, `SELECT password_hash FROM user_credentials WHERE user_id = 1`)
		login, err := pgtest.Connect(t, url).Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var session int64
		if err := login.QueryRow(t.Context(), `WITH held AS (SELECT FROM user_credentials WHERE user_id = 1 FOR SHARE)
			INSERT INTO sessions (company_id, data_zone, user_id, expires_at) SELECT 1, 'eu', 1, now() + interval '1 day' FROM held RETURNING id`).Scan(&session); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- test.set() }()
		within(t, "setting the password waits", func() bool {
			return count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
		})
		if err := login.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM sessions WHERE id = $1 AND revoked_at IS NOT NULL`, session); n != 1 {
			t.Errorf("%s: the session goes on", test.name)
		}
		pgtest.Exec(t, url, `UPDATE user_credentials SET password_hash = '`+hash+`' WHERE user_id = 1`)
	}
}

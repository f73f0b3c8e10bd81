package primary_test

import (
	"strings"
	"sync"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
)

func TestLoginBeginsASession(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url := open(t, mode)
		s, lsn, err := p.Login(t.Context(), training.LoginRequest{
			Login: " änne@EXAMPLE.com ", Password: "right", IP: "192.0.2.1", UserAgent: strings.Repeat("ü", 1000) + "\x00\xff",
		})
		if err != nil {
			t.Fatal(err)
		}
		want := training.Principal{UserID: 1, CompanyID: 1, SessionID: s.SessionID, Role: training.Learner, Zone: "eu"}
		if s.Principal != want || s.SessionID == 0 || len(s.RefreshToken) < 40 || lsn == 0 {
			t.Errorf("%+v at %s", s, lsn)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM sessions s JOIN refresh_tokens r ON r.session_id = s.id
			WHERE s.id = $1 AND s.user_id = 1 AND s.data_zone = 'eu' AND r.token_hash = sha256(convert_to($2, 'UTF8'))
			AND length(user_agent) > 100`, s.SessionID, s.RefreshToken); n != 1 {
			t.Errorf("%d sessions of that kind", n)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM user_activity`); n != 0 {
			t.Error("a login wrote the activity at once")
		}
		for range 2 {
			if err := p.FlushActivity(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := value[int64](t, url, `SELECT count(*) FROM user_activity WHERE user_id = 1 AND last_login_at > now() - interval '1 min'`); n != 1 {
			t.Error("the login was not recorded")
		}
		if v := value[int64](t, url, `SELECT version FROM users WHERE id = 1`); v != 1 {
			t.Error("a login touched the user")
		}
	})
}

func TestAllRefusedLoginsLookTheSame(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		seen := &observed{}
		p, url := open(t, mode, func(c *primary.Config) { c.Observe = seen.see })
		seen.take()
		answers, work := map[string]bool{}, map[int]bool{}
		for _, r := range []training.LoginRequest{
			{Login: "nobody@example.com", Password: "right"},
			{Login: "änne@example.com", Password: "wrong"},
			{Login: "two@example.com", Password: "right"},
			{Login: "gone@example.com", Password: "right"},
			{Login: "gone@example.com", Password: "wrong"},
			{Login: "", Password: ""},
			{Login: "\x00'; --\xff", Password: "\x00"},
		} {
			_, _, err := p.Login(t.Context(), r)
			if training.CodeOf(err) != training.Unauthorized {
				t.Errorf("%+v: %v", r, err)
				continue
			}
			answers[err.Error()] = true
			_, total := seen.take()
			work[total] = true
		}
		if len(answers) != 1 || len(work) != 1 {
			t.Errorf("answers %v, statements %v", answers, work)
		}
		for reason, want := range map[string]int64{"unknown": 3, "password": 3, "inactive": 1} {
			if n := value[int64](t, url, `SELECT count(*) FROM login_failures WHERE reason = $1`, reason); n != want {
				t.Errorf("%d failures because of %q, want %d", n, reason, want)
			}
		}
		if n := value[int64](t, url, `SELECT count(*) FROM login_failures
			WHERE login_hash = sha256(convert_to('änne@example.com', 'UTF8')) AND user_id = 1`); n != 1 {
			t.Error("a failure cannot be found by its login")
		}
		if n := value[int64](t, url, `SELECT count(*) FROM sessions`); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestAWeakHashIsReplacedAtTheNextLogin(t *testing.T) {
	p, url := open(t)
	// Argon2id of "right", salt "saltsaltsaltsalt", 8 KiB, one pass.
	weak := weakHash("right")
	pgtest.Exec(t, url, `UPDATE user_credentials SET password_hash = '`+weak+`' WHERE user_id = 1`)
	for range 2 {
		if _, _, err := p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: "right"}); err != nil {
			t.Fatal(err)
		}
	}
	if v := value[int64](t, url, `SELECT version FROM user_credentials WHERE user_id = 1`); v != 3 {
		t.Errorf("the credentials have version %d, want 3: one change by hand, one by the first login", v)
	}
}

func login(t *testing.T, p *primary.Primary) training.Session {
	t.Helper()
	s, _, err := p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: "right"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRefreshTokensRotateAndReuseEndsTheFamily(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url := open(t, mode)
		first, other := login(t, p), login(t, p)
		second, lsn, err := p.Refresh(t.Context(), training.RefreshRequest{Token: first.RefreshToken})
		if err != nil || lsn == 0 {
			t.Fatal(err)
		}
		if second.Principal != first.Principal || second.RefreshToken == first.RefreshToken {
			t.Errorf("%+v after %+v", second, first)
		}
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: first.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("an old token: %v", err)
		}
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: second.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("the new token of a family that ended: %v", err)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL`); n != 1 {
			t.Errorf("%d sessions ended, want 1", n)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE action = 'session.token_reused' AND subject_id = $1 AND actor_id = 1`, first.SessionID); n != 1 {
			t.Errorf("the reuse stands %d times in the log", n)
		}
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: other.RefreshToken}); err != nil {
			t.Errorf("another family: %v", err)
		}
	})
}

func TestOneTokenIsExchangedOnce(t *testing.T) {
	p, _ := open(t)
	s := login(t, p)
	var group sync.WaitGroup
	good := make(chan struct{}, 8)
	for range cap(good) {
		group.Go(func() {
			_, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken})
			switch training.CodeOf(err) {
			case training.Unauthorized:
			case "":
				if err == nil {
					good <- struct{}{}
					return
				}
				t.Error(err)
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(good) != 1 {
		t.Errorf("one token was exchanged %d times", len(good))
	}
}

func TestARefreshNeedsALivingSession(t *testing.T) {
	for name, change := range map[string]string{
		"revoked":     `UPDATE sessions SET revoked_at = now()`,
		"over":        `UPDATE sessions SET expires_at = now()`,
		"expired":     `UPDATE refresh_tokens SET expires_at = now()`,
		"inactive":    `UPDATE users SET is_active = false`,
		"no company":  `UPDATE companies SET is_active = false`,
		"tokens void": `INSERT INTO token_revocations (company_id, data_zone, user_id) VALUES (1, 'eu', 1)`,
	} {
		t.Run(name, func(t *testing.T) {
			p, url := open(t)
			s := login(t, p)
			pgtest.Exec(t, url, change)
			if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
				t.Errorf("%v", err)
			}
		})
	}
	p, _ := open(t)
	for _, token := range []string{"", "opr_", strings.Repeat("x", 1<<20)} {
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: token}); training.CodeOf(err) != training.Unauthorized {
			t.Errorf("%.10q: %v", token, err)
		}
	}
}

func TestLogoutEndsOnesOwnSession(t *testing.T) {
	p, url := open(t)
	s, other := login(t, p), login(t, p)
	foreign := training.Principal{UserID: 4, CompanyID: 2, SessionID: other.SessionID}
	for _, who := range []training.Principal{s.Principal, s.Principal, foreign} {
		if lsn, err := p.Logout(t.Context(), who); err != nil || lsn == 0 {
			t.Errorf("%+v: %v", who, err)
		}
	}
	if id := value[int64](t, url, `SELECT id FROM sessions WHERE revoked_at IS NOT NULL`); id != s.SessionID {
		t.Errorf("session %d ended", id)
	}
	if v := value[int64](t, url, `SELECT version FROM sessions WHERE id = $1`, s.SessionID); v != 2 {
		t.Errorf("ending twice wrote twice: version %d", v)
	}
	if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
		t.Errorf("a refresh after the end: %v", err)
	}
}

package auth

import (
	"errors"
	"testing"
	"time"

	"outpost/server/cache"
	"outpost/server/training"
)

func TestTokenIsVerifiedOnce(t *testing.T) {
	r := newRegion(t)
	token := r.token(t)
	for range 3 {
		r.accepts(t, token, learner, 1)
	}
	if other := r.token(t); other == token {
		t.Error("two tokens are the same")
	}
}

func TestTokenIsForgottenWhenWhatItDependsOnChanges(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*region)
		tag    cache.Tag
		want   Reason
	}{
		"user deactivated":    {func(r *region) { r.account.Active = false }, cache.Row("users", 42), Inactive},
		"company deactivated": {func(r *region) { r.account.Active = false }, cache.Row("companies", 7), Inactive},
		"session ended":       {func(r *region) { r.account.SessionRevoked = true }, cache.Row("sessions", 1001), Revoked},
		"all tokens revoked": {
			func(r *region) { r.account.RevokedBefore = r.now().Add(time.Second) },
			cache.Ref("token_revocations", "user_id", 42), Voided,
		},
		"another company": {func(r *region) { r.account.CompanyID = 8 }, cache.Row("users", 42), Moved},
		"key withdrawn":   {func(r *region) { clear(r.keys) }, cache.Table("signing_keys"), UnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegion(t)
			token := r.token(t)
			r.accepts(t, token, learner, 1)
			r.changed(cache.Row("users", 43))
			r.accepts(t, token, learner, 1)
			test.change(r)
			r.changed(test.tag)
			r.rejects(t, token, test.want)
		})
	}
}

func TestChangeInTheMiddleOfAReadIsNoticed(t *testing.T) {
	r := newRegion(t)
	token := r.token(t)
	r.during = func() {
		r.during = nil
		r.changed(cache.Row("users", 42))
	}
	r.accepts(t, token, learner, 1)
	r.account.Active = false // as that change had it
	r.rejects(t, token, Inactive)
}

// A session that is not here while the revocation is began after it, within the same second or not.
func TestTokensIssuedAfterARevocationAreGood(t *testing.T) {
	r := newRegion(t)
	r.account.RevokedBefore = r.now().Add(1900 * time.Millisecond)
	r.rejects(t, r.token(t), Voided)
	r.pass(time.Second)
	r.accepts(t, r.token(t), learner, 2)
	r.account.SessionRevoked = true // it is here, and began before
	r.changed(cache.Row("sessions", 1001))
	r.rejects(t, r.token(t), Revoked)
}

func TestRightsAreTheLesserOfTokenAndAccount(t *testing.T) {
	for name, test := range map[string]struct{ account, want training.Role }{
		"demoted":          {training.Learner, training.Learner},
		"promoted":         {training.PlatformAdmin, training.Manager},
		"unknown role":     {"owner", "owner"}, // ranks below all
		"nothing happened": {training.Manager, training.Manager},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegion(t)
			r.account.Role, r.account.Locale, r.account.Zone = test.account, "en", "eu"
			want := learner
			want.Role, want.Locale, want.Zone = test.want, "en", "eu"
			r.accepts(t, r.token(t), want, 1)
		})
	}
}

func TestSessionOrUserThatHasNotArrivedIsGood(t *testing.T) {
	r := newRegion(t)
	token := r.token(t)
	r.account = nil
	r.accepts(t, token, learner, 1)
	r.accepts(t, token, learner, 2) // rests on the token alone, so it is not remembered
	r.pass(arrival + time.Second)
	r.rejects(t, token, UnknownUser)
}

func TestTokenExpires(t *testing.T) {
	r := newRegion(t)
	token := r.token(t)
	r.accepts(t, token, learner, 1)
	r.pass(Life - 1)
	r.accepts(t, token, learner, 1)
	r.pass(1)
	r.rejects(t, token, Expired)

	late := func(grace time.Duration) error {
		_, err := r.auth.AuthenticateLate(t.Context(), token, grace)
		return err
	}
	if err := late(time.Minute); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	rejected(t, late(-time.Hour), Expired)
	r.pass(time.Minute)
	rejected(t, late(time.Minute), Expired)
	r.pass(MaxGrace - time.Minute)
	rejected(t, late(24*time.Hour), Expired)
	r.pass(time.Second)
	rejected(t, late(24*time.Hour), Expired)

	// A token that was never seen before it expired.
	r.pass(-Life)
	if _, err := newRegionLike(t, r).AuthenticateLate(t.Context(), token, MaxGrace); err != nil {
		t.Errorf("within the grace, seen for the first time: %v", err)
	}
}

func newRegionLike(t *testing.T, r *region) *Authenticator {
	other := newRegion(t)
	clock := r.now()
	other.clock.Store(&clock)
	return other.auth
}

func TestATokenIsNoBetterThanItsKey(t *testing.T) {
	r := newRegion(t)
	token := r.token(t)
	r.until = r.now().Add(time.Minute) // withdrawn, with a minute to go
	r.accepts(t, token, learner, 1)
	r.pass(time.Minute - 1)
	r.accepts(t, token, learner, 1)
	r.pass(1)
	r.rejects(t, token, UnknownKey)
}

func TestReplicaThatCannotBeReadIsNoVerdict(t *testing.T) {
	r := newRegion(t)
	r.failing = errors.New("disk on fire")
	_, err := r.auth.Authenticate(t.Context(), r.token(t))
	if !errors.Is(err, r.failing) || training.CodeOf(err) == training.Unauthorized {
		t.Errorf("%v", err)
	}
}

func TestRightsAreTheLesserOfTwo(t *testing.T) {
	roles := []training.Role{"nobody", training.Learner, training.Manager, training.Admin, training.PlatformAdmin}
	for i, a := range roles {
		for j, b := range roles {
			if got := training.Lesser(a, b); got != roles[min(i, j)] {
				t.Errorf("the lesser of %s and %s is %s", a, b, got)
			}
		}
	}
}

func TestRememberedTokenAllocatesNothing(t *testing.T) {
	r := newRegion(t)
	token := r.token(t)
	r.accepts(t, token, learner, 1)
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := r.auth.Authenticate(ctx, token); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRemembered(b *testing.B) {
	r := newRegion(b)
	token := r.token(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.auth.Authenticate(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRememberedParallel has many tokens, as many users have.
func BenchmarkRememberedParallel(b *testing.B) {
	r := newRegion(b)
	tokens := make([]string, 64)
	for i := range tokens {
		r.pass(time.Second) // each is issued at another time, and so is another token
		tokens[i] = r.token(b)
		if _, err := r.auth.Authenticate(b.Context(), tokens[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := r.auth.Authenticate(b.Context(), tokens[i*31%len(tokens)]); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkVerified(b *testing.B) {
	r := newRegion(b)
	token := r.token(b)
	b.ReportAllocs()
	for b.Loop() {
		r.cache.PurgeNamespace(Namespace)
		if _, err := r.auth.Authenticate(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

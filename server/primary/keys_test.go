package primary_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/auth"
	"outpost/server/primary"
)

// kidOf signs a token and gives the key that its header names.
func kidOf(t *testing.T, p *primary.Primary) string {
	t.Helper()
	token, life, err := p.Sign(learner)
	if err != nil || life != auth.Life {
		t.Fatalf("%v, %v", life, err)
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var header struct{ Kid string }
	if err := json.Unmarshal(text, &header); err != nil {
		t.Fatal(err)
	}
	return header.Kid
}

func keep(t *testing.T, processes ...*primary.Primary) {
	t.Helper()
	for _, p := range processes {
		if err := p.KeepSigningKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// states are of all keys, the oldest first.
func states(t *testing.T, p *primary.Primary) (states []string) {
	t.Helper()
	keys, err := p.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		states = append(states, k.State)
	}
	return states
}

// pass lets time pass for the keys.
func pass(t *testing.T, url, interval string) {
	t.Helper()
	pgtest.Exec(t, url, `UPDATE signing_keys SET not_before = not_before - interval '`+interval+`',
		retired_at = retired_at - interval '`+interval+`', not_after = not_after - interval '`+interval+`'`)
}

const secrets = `SELECT count(*) FROM signing_key_secrets`

func TestTheFirstSigningKeyIsMadeOnceAndSignsAtOnce(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url := open(t, mode)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := p.KeepSigningKeys(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		public := value[[]byte](t, url, `SELECT k.public_key FROM signing_keys k JOIN signing_key_secrets s ON s.signing_key_id = k.id`)
		if kid := kidOf(t, p); kid != auth.KeyID(ed25519.PublicKey(public)) {
			t.Errorf("the token names %s", kid)
		}
		if got := states(t, p); !slices.Equal(got, []string{"signing"}) {
			t.Errorf("%q", got)
		}
	})
}

// TestAKeyIsFollowedByAnother looks at a rotation that another process makes: the new key signs
// when everybody has it, the old one until then and no longer, and verifies for as long as a token of
// its can be used.
func TestAKeyIsFollowedByAnother(t *testing.T) {
	p, url := open(t)
	other, err := primary.Open(t.Context(), primary.Config{URL: url, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	keep(t, p)
	first := kidOf(t, p)

	made, isNew, err := other.RotateSigningKey(t.Context())
	if err != nil || !isNew || made.State != "published" || time.Until(made.NotBefore) < 9*time.Minute {
		t.Fatalf("%+v, %v, %v", made, isNew, err)
	}
	if again, isNew, err := p.RotateSigningKey(t.Context()); err != nil || isNew || again.ID != made.ID {
		t.Errorf("with one on its way: %+v, %v, %v", again, isNew, err)
	}
	keep(t, p, other)
	if kidOf(t, p) != first || kidOf(t, other) != first {
		t.Error("a key signs that no region has to know yet")
	}
	const verifies = `SELECT extract(epoch FROM not_after - retired_at)::bigint FROM signing_keys WHERE kid = $1`
	if n := value[int64](t, url, verifies, first); time.Duration(n)*time.Second < auth.Life+auth.MaxGrace {
		t.Errorf("the old key verifies for %d s", n)
	}

	pass(t, url, "10 min") // valid, but not for a clock that is behind
	keep(t, p, other)
	if kidOf(t, p) != first {
		t.Error("a key signs that is not valid yet where the clock is behind")
	}
	if got := states(t, p); !slices.Equal(got, []string{"signing", "signing"}) {
		t.Errorf("%q", got)
	}

	pass(t, url, "61 s")
	keep(t, p, other)
	if kidOf(t, p) != made.ID || kidOf(t, other) != made.ID {
		t.Error("the old key still signs")
	}
	if n := value[int64](t, url, secrets); n != 1 {
		t.Errorf("%d private parts are kept", n)
	}
	if got := states(t, p); !slices.Equal(got, []string{"verifying", "signing"}) {
		t.Errorf("%q", got)
	}
	pass(t, url, "77 min")
	if got := states(t, p); !slices.Equal(got, []string{"over", "signing"}) {
		t.Errorf("%q", got)
	}
	pass(t, url, "1 day")
	keep(t, p)
	if got := states(t, p); !slices.Equal(got, []string{"signing"}) {
		t.Errorf("%q", got)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE subject = 'signing_keys' AND details::text ~ 'private_key|public_key'`); n != 0 {
		t.Error("the record of keys shows them")
	}
	if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE subject = 'signing_keys' AND action = 'insert'`); n != 2 {
		t.Errorf("the record tells of %d keys that were made", n)
	}
}

func TestAKeyOfAgeIsFollowedByItself(t *testing.T) {
	p, url := open(t)
	keep(t, p)
	keep(t, p)
	if got := states(t, p); !slices.Equal(got, []string{"signing"}) {
		t.Errorf("%q", got)
	}
	pass(t, url, "31 days")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := p.KeepSigningKeys(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := states(t, p); !slices.Equal(got, []string{"signing", "published"}) {
		t.Errorf("%q", got)
	}
}

func TestAKeyThatWasWithdrawnStaysSo(t *testing.T) {
	p, url := open(t)
	keep(t, p)
	withdrawn := kidOf(t, p)
	pgtest.Exec(t, url, `UPDATE signing_keys SET not_after = now()`)
	keep(t, p) // another has to sign at once
	if kid := kidOf(t, p); kid == withdrawn {
		t.Error("a key signs that was withdrawn")
	}
	if _, _, err := p.RotateSigningKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := states(t, p); !slices.Equal(got, []string{"over", "signing", "published"}) {
		t.Errorf("%q", got)
	}
}

// TestASignerLooksAgainBeforeItCouldBeWrong lets a process sleep over a rotation.
func TestASignerLooksAgainBeforeItCouldBeWrong(t *testing.T) {
	p, url := open(t, func(c *primary.Config) { c.KeyLead = 200 * time.Millisecond })
	first := kidOf(t, p) // nobody has kept the keys: it looks itself
	other, err := primary.Open(t.Context(), primary.Config{URL: url, MaxConns: 2, KeyLead: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	made, _, err := other.RotateSigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		now := value[time.Time](t, url, `SELECT clock_timestamp()`)
		kid := kidOf(t, p)
		if kid == made.ID {
			if now := value[time.Time](t, url, `SELECT clock_timestamp()`); now.Before(made.NotBefore) {
				t.Error("it signs too early")
			}
			break
		}
		if kid != first || now.After(made.NotBefore.Add(time.Second)) || time.Now().After(deadline) {
			t.Fatalf("at %s %s signs, %s should since %s", now, kid, made.ID, made.NotBefore)
		}
	}
}

func TestRunKeepsTheKeys(t *testing.T) {
	p, url := open(t, func(c *primary.Config) { c.KeyLead = 100 * time.Millisecond })
	stopped := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { stopped <- p.Run(ctx) }()
	for deadline := time.Now().Add(10 * time.Second); value[int64](t, url, secrets) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("there is no key")
		}
	}
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func hashed(t testing.TB, password string) string {
	t.Helper()
	h, err := NewPasswords(0).Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestOnlyTheRightPasswordIsAccepted(t *testing.T) {
	p := NewPasswords(0)
	stored := hashed(t, "testpassword")
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", stored)
	}
	if again := hashed(t, "testpassword"); again == stored {
		t.Error("two hashes have one salt")
	}
	for password, want := range map[string]bool{"testpassword": true, "Testpassword": false, "testpassword ": false, "": false} {
		if ok, err := p.Verify(t.Context(), stored, password); err != nil || ok != want {
			t.Errorf("%q: %t, %v", password, ok, err)
		}
	}
}

func TestUmlautsOfEveryKeyboardAreOne(t *testing.T) {
	const composed, decomposed = "M\u00fcnchen", "Mu\u0308nchen"
	if ok, err := NewPasswords(0).Verify(t.Context(), hashed(t, composed), decomposed); err != nil || !ok {
		t.Errorf("%t, %v", ok, err)
	}
}

// The hash stands in the reference implementation's own tests.
func TestHashesOfOthersAreUnderstood(t *testing.T) {
	const stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := NewPasswords(0).Verify(t.Context(), stored, "password"); err != nil || !ok {
		t.Errorf("%t, %v", ok, err)
	}
	if !Outdated(stored) || Outdated(hashed(t, "x")) {
		t.Error("only the other cost is outdated")
	}
}

func TestUnknownLoginTakesAsLongAndIsRefused(t *testing.T) {
	p := NewPasswords(0)
	stored := hashed(t, "testpassword")
	took := func(stored string) time.Duration {
		began := time.Now()
		if ok, err := p.Verify(t.Context(), stored, "wrong"); ok || err != nil {
			t.Fatalf("%t, %v", ok, err)
		}
		return time.Since(began)
	}
	// Other work disturbs a single measurement; the fastest of a few is what it costs.
	known, unknown := took(stored), took("")
	for range 20 {
		if unknown > known/2 && known > unknown/2 {
			return
		}
		known, unknown = min(known, took(stored)), min(unknown, took(""))
	}
	t.Errorf("a known login takes %s, an unknown one %s", known, unknown)
}

func TestMalformedHashesAreErrors(t *testing.T) {
	good := "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if _, err := parseHash(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"x", "$", strings.TrimPrefix(good, "$"), good + "$", strings.Replace(good, "argon2id", "argon2i", 1),
		strings.Replace(good, "v=19", "v=16", 1), strings.Replace(good, "m=19456", "m=4194304", 1),
		strings.Replace(good, "m=19456", "m=7", 1), strings.Replace(good, "t=2", "t=0", 1),
		strings.Replace(good, "t=2", "t=4294967298", 1), strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=257", 1), strings.Replace(good, ",p=1", "", 1),
		strings.Replace(good, "t=2,p=1", "p=1,t=2", 1), strings.Replace(good, "c29tZXNhbHQ", "!", 1),
		strings.Replace(good, "c29tZXNhbHQ", "", 1), good[:len(good)-40],
	} {
		if ok, err := NewPasswords(1).Verify(t.Context(), bad, "password"); ok || !errors.Is(err, ErrMalformedHash) {
			t.Errorf("%s: %t, %v", bad, ok, err)
		}
	}
}

func TestTooLongPasswordsCostNothing(t *testing.T) {
	p := NewPasswords(1)
	p.slots <- struct{}{} // any hash would wait for ever
	long := strings.Repeat("x", MaxPassword+1)
	if _, err := p.Hash(t.Context(), long); !errors.Is(err, ErrPasswordTooLong) {
		t.Errorf("%v", err)
	}
	if ok, err := p.Verify(t.Context(), "", long); ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
}

func TestHashesAtOnceAreBounded(t *testing.T) {
	p := NewPasswords(1)
	p.slots <- struct{}{}
	waiting, leave := context.WithCancel(t.Context())
	leave()
	if _, err := p.Hash(waiting, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("without a free slot: %v", err)
	}
	<-p.slots
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if _, err := p.Hash(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(p.slots) != 0 {
		t.Error("a slot was not given back")
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHash(s)
		if err != nil {
			return
		}
		if again, err := parseHash(h.String()); err != nil || again.String() != h.String() || h.memory > 256<<10 {
			t.Errorf("%q: %+v, %v", s, h, err)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	p := NewPasswords(0)
	for b.Loop() {
		if _, err := p.Hash(b.Context(), "testpassword"); err != nil {
			b.Fatal(err)
		}
	}
}

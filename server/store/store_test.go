package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"outpost/replicate/replica"
	"outpost/server/store"
	"outpost/server/training"
)

func TestAReadKnowsTheStateItSaw(t *testing.T) {
	r := load(t)
	observed := map[string]int{}
	s := store.New(r)
	s.Observe = func(queryType string, _ time.Duration) { observed[queryType]++ }
	at, err := s.Read(t.Context(), func(q training.Queries) error {
		_, err := q.Me(t.Context(), learner)
		return err
	})
	if training.CodeOf(err) != training.NotFound {
		t.Errorf("an empty replica: %v", err)
	}
	if at.Position != r.State().Position || at.Incarnation != 3 || at.Position.Generation != 7 {
		t.Errorf("read at %+v, the replica is at %+v", at, r.State())
	}
	if observed["me"] != 1 {
		t.Errorf("observed %v", observed)
	}
}

func TestWithoutAReplicaTheStoreIsUnavailable(t *testing.T) {
	r, err := replica.Open(t.Context(), replica.Options{Path: filepath.Join(t.TempDir(), "none"), Prepare: store.Prepare})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.New(r).Read(t.Context(), func(training.Queries) error { return nil })
	if training.CodeOf(err) != training.Unavailable || !errors.Is(err, replica.ErrNotLoaded) {
		t.Errorf("an unloaded replica: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestShortReadsGetThroughLongOnes(t *testing.T) {
	r := load(t)
	s := store.New(r)
	nothing := func(training.Queries) error { return nil }
	waiting, stop := context.WithCancel(t.Context())
	defer stop()
	var reading, others sync.WaitGroup
	done := make(chan struct{})
	began := make(chan struct{})
	half := r.Readers() / 2
	for range half {
		reading.Go(func() {
			_, err := s.ReadLong(t.Context(), func(training.Queries) error {
				began <- struct{}{}
				<-done
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for range half {
		<-began
	}
	for range 2 * r.Readers() {
		others.Go(func() {
			if _, err := s.ReadLong(waiting, nothing); !errors.Is(err, context.Canceled) {
				t.Errorf("one more: %v", err)
			}
		})
	}
	short, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 100 {
		if _, err := s.Read(short, nothing); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	others.Wait()
	close(done)
	reading.Wait()
	if _, err := s.ReadLong(t.Context(), nothing); err != nil {
		t.Errorf("after them: %v", err)
	}
}

func TestMeIsOneselfInOnesOwnCompany(t *testing.T) {
	s := reader(t)
	me, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.User, error) { return q.Me(ctx, learner) })
	if err != nil {
		t.Fatal(err)
	}
	if me.Email != "User1@Example.com" || me.FullName != "Äda One" || me.Company.Name != "Eins" || me.Company.Zone != "eu" ||
		!me.IsActive || me.Version != 1 || me.Company.PrivacyMode != training.Aggregate || time.Since(me.CreatedAt) > time.Hour {
		t.Errorf("%+v", me)
	}
	elsewhere := learner
	elsewhere.CompanyID = 2
	if _, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.User, error) {
		return q.Me(ctx, elsewhere)
	}); training.CodeOf(err) != training.NotFound {
		t.Errorf("with a company of another: %v", err)
	}
}

func TestAccountTellsWhetherACredentialHolds(t *testing.T) {
	s := reader(t)
	account := func(user, session int64) training.Account {
		t.Helper()
		a, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Account, error) {
			return q.Account(ctx, user, session)
		})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	good := account(1, 1)
	want := training.Account{Active: true, Role: training.Learner, CompanyID: 1, Zone: "eu", Locale: "de"}
	if good != want {
		t.Errorf("%+v, want %+v", good, want)
	}
	if !account(1, 2).SessionRevoked {
		t.Error("a revoked session holds")
	}
	if account(1, 99).SessionRevoked {
		t.Error("a session that has not arrived yet is refused")
	}
	if account(2, 2).SessionRevoked {
		t.Error("another user's session decides")
	}
	if got := account(2, 0).RevokedBefore; !got.Equal(time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)) {
		t.Errorf("revoked before %v", got)
	}
	if _, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Account, error) {
		return q.Account(ctx, 99, 1)
	}); training.CodeOf(err) != training.NotFound {
		t.Errorf("nobody: %v", err)
	}
}

func TestSigningKeysAreGivenWhileTheyAreValid(t *testing.T) {
	s := reader(t)
	for kid, want := range map[string]bool{"good": true, "over": false, "early": false, "none": false} {
		got, err := ask(t, s, func(ctx context.Context, q training.Queries) (bool, error) {
			key, ok, err := q.SigningKey(ctx, kid)
			if ok && (len(key.Public) != 32 || key.Public[0] != 1 || key.ID != kid || !key.NotAfter.IsZero()) {
				t.Errorf("%s: %+v", kid, key)
			}
			return ok, err
		})
		if err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", kid, got, err, want)
		}
	}
}

func TestCompanyLocale(t *testing.T) {
	s := reader(t)
	locale, err := ask(t, s, func(ctx context.Context, q training.Queries) (string, error) { return q.CompanyLocale(ctx, 1) })
	if err != nil || locale != "de" {
		t.Errorf("%q, %v", locale, err)
	}
}

package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"outpost/server/store"
	"outpost/server/training"
)

var admin = training.Principal{UserID: 4, CompanyID: 1, Role: training.Admin}

func TestAllKeysArePublishedThatVerifyNowOrSoon(t *testing.T) {
	keys, err := ask(t, reader(t), func(ctx context.Context, q training.Queries) ([]training.SigningKey, error) {
		return q.SigningKeys(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	if !slices.Equal(ids, []string{"good", "early"}) {
		t.Errorf("%q", ids)
	}
}

// keyNames walks all pages of one key each.
func keyNames(t *testing.T, s *store.Store, p training.Principal, f training.Paging) (names []string, total int64) {
	t.Helper()
	for {
		page, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.APIKey], error) {
			return q.APIKeys(ctx, p, f)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page.Items {
			if k.CompanyID != p.CompanyID {
				t.Errorf("%s is of company %d", k.Name, k.CompanyID)
			}
			names = append(names, k.Name)
		}
		if page.NextAfter == "" {
			return names, page.Total
		}
		f.After = page.NextAfter
	}
}

func TestAPIKeysAreListedForTheirCompany(t *testing.T) {
	s := reader(t)
	paging := training.Paging{Page: 1, Size: 1, Sort: "created_at"}
	if names, total := keyNames(t, s, admin, paging); !slices.Equal(names, []string{"first", "second", "third"}) || total != 3 {
		t.Errorf("%q of %d", names, total)
	}
	paging.Desc = true
	if names, _ := keyNames(t, s, admin, paging); !slices.Equal(names, []string{"third", "second", "first"}) {
		t.Errorf("%q", names)
	}
	if names, total := keyNames(t, s, platform, paging); len(names) != 0 || total != 0 { // its own company's only
		t.Errorf("%q of %d", names, total)
	}
	paging = training.Paging{Page: 2, Size: 2, Sort: "created_at"}
	page, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.APIKey], error) {
		return q.APIKeys(ctx, admin, paging)
	})
	if err != nil || len(page.Items) != 1 || page.Items[0].Prefix != "opk_33333333" || page.Items[0].ExpiresAt != nil || page.HasNext() {
		t.Errorf("%+v, %v", page, err)
	}
	paging.Sort = "name"
	if _, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.APIKey], error) {
		return q.APIKeys(ctx, admin, paging)
	}); training.CodeOf(err) != training.Invalid {
		t.Errorf("%v", err)
	}
}

func TestKeyAccountTellsWhetherAnAPIKeyHolds(t *testing.T) {
	s := reader(t)
	get := func(id int64) (training.KeyAccount, error) {
		return ask(t, s, func(ctx context.Context, q training.Queries) (training.KeyAccount, error) {
			return q.KeyAccount(ctx, id)
		})
	}
	first, err := get(1)
	want := training.KeyAccount{
		Account: training.Account{Active: true, Role: training.Admin, CompanyID: 1, Zone: "eu"}, UserID: 4, Prefix: "opk_11111111",
		Scopes: "me:read users:read", ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if err != nil || first != want {
		t.Errorf("%+v, %v", first, err)
	}
	if second, err := get(2); err != nil || !second.Revoked || !second.ExpiresAt.IsZero() {
		t.Errorf("%+v, %v", second, err)
	}
	if _, err := get(99); training.CodeOf(err) != training.NotFound {
		t.Errorf("%v", err)
	}
}

func TestARevocationEndsTheSessionsBegunBeforeIt(t *testing.T) {
	s := store.New(load(t, append(fixture()[:2],
		`INSERT INTO sessions (company_id, data_zone, user_id, expires_at, created_at) VALUES
			(1, 'eu', 1, now() + interval '1 day', '2026-01-01'), (1, 'eu', 1, now() + interval '1 day', '2026-01-03')`,
		`INSERT INTO token_revocations (company_id, data_zone, user_id, revoked_at) VALUES (1, 'eu', 1, '2026-01-02')`)...))
	for session, want := range map[int64]struct{ revoked, unknown bool }{1: {true, false}, 2: {false, false}, 3: {false, true}} {
		account, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Account, error) {
			return q.Account(ctx, 1, session)
		})
		if err != nil || account.SessionRevoked != want.revoked || account.RevokedBefore.IsZero() == want.unknown {
			t.Errorf("session %d: %+v, %v", session, account, err)
		}
	}
}

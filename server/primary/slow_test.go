package primary_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/server/primary"
	"outpost/server/training"
)

// TestSlowStatementsAreToldWithoutValues takes every statement for slow, those that go past pgx's
// tracer as well.
func TestSlowStatementsAreToldWithoutValues(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		var mu sync.Mutex
		told := map[string]string{}
		var ids []string
		p, _ := open(t, mode, func(c *primary.Config) {
			c.SlowAfter, c.Slow = time.Nanosecond, func(ctx context.Context, queryType, sql string, _ time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				told[queryType] = sql
				ids = append(ids, training.CallerOf(ctx).RequestID)
			}
		})
		ctx := training.WithCaller(t.Context(), training.Caller{IP: "192.0.2.77", RequestID: "the-request", IdempotencyKey: "the-key"})
		login := training.LoginRequest{Login: "Änne@example.com", Password: "right", IP: "192.0.2.77", UserAgent: "the-agent"}
		if _, _, err := p.Login(ctx, login); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := p.Enroll(ctx, learner, 1); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if told["begin"] == "" || !strings.HasPrefix(told["commit"], "COMMIT") {
			t.Errorf("the brackets of a transaction are %q and %q", told["begin"], told["commit"])
		}
		if len(told) < 4 {
			t.Errorf("only these were told: %v", told)
		}
		all := strings.ToLower(fmt.Sprint(told))
		for _, value := range []string{"änne", "right", "192.0.2.77", "the-agent", "the-key", "argon2"} {
			if strings.Contains(all, value) {
				t.Errorf("the value %s was told: %v", value, told)
			}
		}
		for _, id := range ids {
			if id != "the-request" && id != "" { // a pool's own statement belongs to no request
				t.Errorf("a statement is of the request %q", id)
			}
		}
	})
}

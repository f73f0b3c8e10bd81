package training

import "context"

// Caller is what a read or write needs to know of its request beside who asks.
type Caller struct {
	IP        string // for the audit log; may be empty
	RequestID string // for logs; may be empty
	// IdempotencyKey is the key under which the write's outcome is remembered, in the write's own
	// transaction: the same key again, from the same user, is answered with the same outcome.
	// Empty: nothing is remembered.
	IdempotencyKey string
}

type callerKey struct{}

// WithCaller gives a read or write its caller.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is the caller that WithCaller gave, or the zero one.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

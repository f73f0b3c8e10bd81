package training

import "context"

type idempotencyKey struct{}

// WithIdempotencyKey gives a write the key under which its outcome is remembered, in the
// write's own transaction: the same key again, from the same user, is answered with the
// same outcome.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// IdempotencyKey is the key that WithIdempotencyKey gave, or "".
func IdempotencyKey(ctx context.Context) string {
	key, _ := ctx.Value(idempotencyKey{}).(string)
	return key
}

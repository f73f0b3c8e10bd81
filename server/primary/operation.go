package primary

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// keyLife is how long the outcome of a write is remembered under its key.
const keyLife = 24 * time.Hour

// operation names a write and what it was asked for, of which its Idempotency-Key is good for one.
type operation struct {
	name    string // as in openapi.yaml: what the audit log calls it
	who     training.Principal
	request any // anything that json.Marshal tells apart
}

// operate runs fn in one transaction, as an operation of somebody who still may do it: whose
// account is active, in that company and of no lesser role, and whose session or API key has not
// ended. The audit log finds who it was in the transaction's settings. Under an Idempotency-Key fn
// runs once a day: its outcome, which must survive JSON and must hold no secret, is stored with the
// write and given again to whoever repeats the request. Another request under the same key is Invalid.
//
// fn may make two statements: with those around it, a request makes four and COMMIT.
func operate[T any](ctx context.Context, p *Primary, o operation, fn func(q *pgsql.Queries, at time.Time) (T, error)) (T, change.LSN, error) {
	return operateTx(ctx, p, o, func(_ pgx.Tx, q *pgsql.Queries, at time.Time) (T, error) { return fn(q, at) })
}

// operateTx is operate for what also takes a job in, which is one statement.
func operateTx[T any](ctx context.Context, p *Primary, o operation, fn func(tx pgx.Tx, q *pgsql.Queries, at time.Time) (T, error)) (out T, lsn change.LSN, err error) {
	text, err := json.Marshal(o.request)
	if err != nil {
		return out, 0, fmt.Errorf("describing the request of %s: %w", o.name, err)
	}
	hash := sha256.Sum256(text)
	caller := training.CallerOf(ctx)
	var conflict error
	lsn, err = p.writeTx(ctx, o.name, func(tx pgx.Tx, q *pgsql.Queries) error {
		var fresh T
		out = fresh // of an attempt that failed
		b, err := q.BeginOperation(ctx, pgsql.BeginOperationParams{
			ActorID: o.who.UserID, CompanyID: o.who.CompanyID, Ip: clean(caller.IP), Operation: o.name, Key: caller.IdempotencyKey,
			SessionID: o.who.SessionID, KeyID: o.who.KeyID,
		})
		if err != nil {
			return err
		}
		if !training.Role(b.Role).Includes(o.who.Role) {
			return changedAccount()
		}
		if b.IsOver {
			return endedCredential()
		}
		if b.Outcome != nil {
			if !bytes.Equal(b.RequestHash, hash[:]) {
				return training.InvalidField("Idempotency-Key", "was used for another request")
			}
			if err := json.Unmarshal(b.Outcome, &out); err != nil {
				return fmt.Errorf("reading a remembered outcome: %w", err)
			}
			return nil
		}
		if conflict != nil {
			return conflict // no twin of this request has stood in the way
		}
		out, err = fn(tx, q, b.At)
		if caller.IdempotencyKey != "" && training.CodeOf(err) == training.Conflict {
			conflict = err // what stands in the way may be the same request, a moment ago
			return errAgain
		}
		if err != nil || caller.IdempotencyKey == "" {
			return err
		}
		return remember(ctx, q, o, caller.IdempotencyKey, hash[:], out, b.At)
	})
	return out, lsn, err
}

func remember(ctx context.Context, q *pgsql.Queries, o operation, key string, hash []byte, outcome any, at time.Time) error {
	text, err := json.Marshal(outcome)
	if err != nil {
		return fmt.Errorf("remembering the outcome of %s: %w", o.name, err)
	}
	n, err := q.Remember(ctx, pgsql.RememberParams{
		UserID: o.who.UserID, Operation: o.name, Key: key, RequestHash: hash, Outcome: string(text), ExpiresAt: at.Add(keyLife),
	})
	if err == nil && n == 0 {
		return errAgain // the same request is faster elsewhere: its outcome is this one's
	}
	return err
}

func changedAccount() error {
	return training.Errorf(training.Unauthorized, "The account is not what it was. Log in again.")
}

func endedCredential() error {
	return training.Errorf(training.Unauthorized, "The session or the API key has ended.")
}

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/auth"
	"outpost/server/forward"
	"outpost/server/training"
)

// PathIdentify is where nodes of the cluster, and nobody else, ask the primary which API key has a
// hash: hashes are in no replica.
const PathIdentify = "/internal/api-key"

// question and answer of PathIdentify.
type (
	hashed     struct{ Hash []byte }
	identified struct{ ID int64 } // 0: no such key
)

// identify answers another node. A stranger is told what every path is told that leads nowhere.
func (a *API) identify(k *call) error {
	if k.forwarded == "" {
		return fiber.ErrNotFound
	}
	var in hashed
	if err := k.decode(&in, "Hash"); err != nil {
		return err
	}
	var hash auth.KeyHash
	if copy(hash[:], in.Hash) != len(hash) || len(in.Hash) != len(hash) {
		return training.InvalidField("Hash", "must have %d bytes", len(hash))
	}
	ctx, cancel := k.context()
	defer cancel()
	id, lsn, err := a.Writer.IdentifyAPIKey(ctx, hash)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.json(http.StatusOK, identified{id})
}

// Identify asks the primary, at an edge: the Identify of an auth.KeySource. Whatever keeps it from
// being answered is training.Unavailable.
func Identify(f Forwarder) func(context.Context, auth.KeyHash) (int64, change.Position, error) {
	return func(ctx context.Context, hash auth.KeyHash) (int64, change.Position, error) {
		id, at, err := identifyBy(ctx, f, hash)
		if err != nil {
			err = &training.Error{Code: training.Unavailable, Message: "The primary region cannot be reached.", RetryAfter: retryAfter, Err: err}
		}
		return id, at, err
	}
}

func identifyBy(ctx context.Context, f Forwarder, hash auth.KeyHash) (int64, change.Position, error) {
	body, err := json.Marshal(hashed{hash[:]})
	if err != nil {
		return 0, change.Position{}, err
	}
	answer, err := f.Do(ctx, forward.Request{
		Method: http.MethodPost, Target: PathIdentify, Header: http.Header{fiber.HeaderContentType: {fiber.MIMEApplicationJSON}}, Body: body,
	})
	if err != nil {
		return 0, change.Position{}, err
	}
	if answer.Status != http.StatusOK {
		return 0, change.Position{}, fmt.Errorf("the primary answered %d when it was asked about an API key", answer.Status)
	}
	var out identified
	if err := json.Unmarshal(answer.Body, &out); err != nil {
		return 0, change.Position{}, fmt.Errorf("reading the primary's answer about an API key: %w", err)
	}
	at, err := change.ParsePosition(answer.Header.Get(headerPosition))
	return out.ID, at, err
}

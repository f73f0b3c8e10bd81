package api

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/training"
)

// exporter reads what is nowhere but at the primary.
type exporter interface {
	PersonalData(ctx context.Context, p training.Principal) (document []byte, at change.LSN, err error)
}

// exportMe is a read that the primary does, since much of what is kept about a person is in no replica:
// to the router it is a write. Nothing keeps a copy on the way, neither a cache nor an Idempotency-Key.
func (a *API) exportMe(k *call) error {
	ctx, cancel := k.context()
	defer cancel()
	document, lsn, err := a.Writer.PersonalData(ctx, k.principal)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Set(fiber.HeaderContentDisposition, `attachment; filename="outpost-export.json"`)
	return k.plain(http.StatusOK, document)
}

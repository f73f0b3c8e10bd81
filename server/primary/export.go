package primary

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// maxExported is how many of each kind a person's export holds at most. It keeps the whole below what
// an edge takes from the primary.
const maxExported = 2000

// PersonalData is all that is kept about the principal, as a JSON object: PersonalData in openapi.yaml
// says of what. It is one statement, and so one state, which the position shows. Much of it is nowhere
// but in Postgres.
func (p *Primary) PersonalData(ctx context.Context, who training.Principal) (document []byte, lsn change.LSN, err error) {
	err = p.with(ctx, "exporting a person's data", func(conn *pgxpool.Conn) error {
		document, err = pgsql.New(conn).PersonalData(ctx, pgsql.PersonalDataParams{
			UserID: who.UserID, CompanyID: who.CompanyID, Most: maxExported,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return training.Errorf(training.Unauthorized, "The account is not what it was. Log in again.")
		}
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		lsn, err = p.walInsert(ctx, conn)
		return err
	})
	return document, lsn, err
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"outpost/server/primary"
)

type keysCommand struct {
	List   keysList   `cmd:"" default:"1" help:"List the keys, the oldest first."`
	Rotate keysRotate `cmd:"" help:"Bring in a new key. Tokens that were signed before stay good."`
}

type (
	keysList   struct{}
	keysRotate struct {
		Lead time.Duration `help:"How long the new key is known everywhere before it signs." default:"10m"`
	}
)

const timeForm = "2006-01-02 15:04:05 UTC"

func (keysList) Run(ctx context.Context, out io.Writer) error {
	return withKeys(ctx, 0, func(p *primary.Primary) error {
		keys, err := p.SigningKeys(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "KEY\tSTATE\tSIGNS FROM\tSIGNS UNTIL\tVERIFIES UNTIL")
		for _, k := range keys {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.State, k.NotBefore.Format(timeForm), when(k.RetiredAt), when(k.NotAfter))
		}
		return table.Flush()
	})
}

func (r keysRotate) Run(ctx context.Context, out io.Writer) error {
	if r.Lead < time.Second || r.Lead > 24*time.Hour {
		return usageError{errors.New("--lead must be between 1s and 24h")}
	}
	return withKeys(ctx, r.Lead, func(p *primary.Primary) error {
		key, made, err := p.RotateSigningKey(ctx)
		if err != nil {
			return err
		}
		what := "was made"
		if !made {
			what = "is on its way already"
		}
		_, err = fmt.Fprintf(out, "key %s %s; it signs from %s\n", key.ID, what, key.NotBefore.Format(timeForm))
		return err
	})
}

// withKeys opens the database for what takes a moment.
func withKeys(ctx context.Context, lead time.Duration, fn func(*primary.Primary) error) error {
	url, log, err := database(ctx)
	if err != nil {
		return err
	}
	p, err := primary.Open(ctx, primary.Config{URL: url, MaxConns: 2, MinConns: 1, KeyLead: lead, Log: log})
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer p.Close()
	return fn(p)
}

func when(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(timeForm)
}

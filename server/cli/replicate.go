package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"outpost/replicate/direct"
	"outpost/replicate/source"
	"outpost/server/config"
	"outpost/server/telemetry"
)

// reported is how often replicate logs how far it is, where nobody watches.
const reported = 5 * time.Second

type replicateCommand struct {
	From        string `help:"Postgres, as postgres://user:password@host/database." required:"" placeholder:"URL"`
	To          string `help:"The SQLite file, made if it is not there." required:"" placeholder:"FILE"`
	Tables      string `help:"Tables to replicate, such as users,sales.orders; every table with a key if not given." placeholder:"A,B" xor:"what"`
	Publication string `help:"An existing publication to replicate instead; it is never altered." placeholder:"NAME" xor:"what"`
	Slot        string `help:"The replication slot; outpost_replicate_<database> if not given." placeholder:"NAME"`
	Once        bool   `help:"Copy, catch up with where Postgres was then, and stop."`
	DropSlot    bool   `help:"At the end, remove from Postgres the slot and whatever else was made there. The file stays."`
}

func (c *replicateCommand) Run(ctx context.Context) error {
	format, level, err := config.Logging(os.LookupEnv)
	if err != nil {
		return err
	}
	options, err := c.options()
	if err != nil {
		return usageError{err}
	}
	var out io.Writer = os.Stderr
	screen, watched := newScreen(os.Stderr)
	if watched {
		out = screen
		if format == "" {
			format = "text"
		}
	} else {
		options.Report = reported
	}
	options.Log = telemetry.NewLog(out, format, level)
	options.Source = source.New(c.source(options.Log))
	r := direct.New(options)
	if watched {
		defer screen.show(func(width int) []string { return progress(r.Status(), width) })()
	}
	return r.Run(ctx)
}

// options checks what was asked for.
func (c *replicateCommand) options() (direct.Options, error) {
	database, err := source.Database(c.From)
	if err != nil {
		return direct.Options{}, fmt.Errorf("--from: %w", err)
	}
	if c.Slot == "" {
		c.Slot = source.ReplicateSlotName(database)
	}
	if strings.Trim(c.Slot, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || len(c.Slot) > 63 {
		return direct.Options{}, errors.New("--slot: a slot's name has lower-case letters, digits and underscores, at most 63")
	}
	tables, err := splitNames(c.Tables)
	return direct.Options{Path: c.To, Once: c.Once, Drop: c.DropSlot, Own: c.Publication == "", Tables: tables}, err
}

// source names the source. A publication of our own is called like its slot.
func (c *replicateCommand) source(log *slog.Logger) source.Config {
	return source.Config{URL: c.From, Publication: cmp.Or(c.Publication, c.Slot), Slot: c.Slot, Log: log}
}

// splitNames splits at the commas that are not inside quotes. What the names are,
// Postgres says.
func splitNames(list string) (names []string, err error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	quoted, from := false, 0
	for i, r := range list + "," {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ',' && !quoted || i == len(list):
			name := strings.TrimSpace(list[from:i])
			if name == "" {
				return nil, errors.New("--tables: a name is missing between commas")
			}
			names = append(names, name)
			from = i + 1
		}
	}
	if quoted {
		return nil, errors.New(`--tables: a quote " is not closed`)
	}
	return names, nil
}

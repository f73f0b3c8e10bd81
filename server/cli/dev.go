package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"outpost/server/config"
	"outpost/server/dev"
	"outpost/server/telemetry"
	"outpost/sql/seed"
)

type devCommand struct {
	Regions  []string `help:"Regions; the first is the primary." default:"fra,iad,syd"`
	BasePort int      `help:"Region i: API on base+i, admin listener on base+1000+i." default:"8080"`
	Data     string   `help:"Folder of everything, kept between runs." default:"./.outpost"`
	Size     string   `help:"Demo data: 1,000, 20,000 or 250,000 users." enum:"small,medium,large" default:"small"`
	Seed     string   `help:"Number of the demo data, from 1 on: another one has other people and other events." default:"1"`
	Distance string   `help:"Round trips, such as fra-iad=90ms,fra-syd=260ms. Clients get ports base+2000+10*i+j: one in region i that talks to region j."`
}

func (d *devCommand) Run(ctx context.Context, out io.Writer, b build) error {
	distances, err := dev.ParseDistances(d.Distance, d.Regions)
	if err != nil {
		return usageError{err}
	}
	size, err := seed.ParseSize(d.Size)
	if err != nil {
		return usageError{err}
	}
	number, err := seed.ParseSeed(d.Seed)
	if err != nil {
		return usageError{err}
	}
	data, err := filepath.Abs(d.Data)
	if err != nil {
		return fmt.Errorf("finding the folder %s: %w", d.Data, err)
	}
	format, level, err := config.Logging(os.LookupEnv)
	if err != nil {
		return err
	}
	seeding := telemetry.NewLog(os.Stderr, format, level)
	if _, told := os.LookupEnv("LOG_LEVEL"); !told {
		level = slog.LevelWarn // what else a person needs is printed below
	}
	log := telemetry.NewLog(os.Stderr, format, level)
	limit, err := limitMemory(0)
	if err != nil {
		return err
	}
	world, err := dev.Start(ctx, dev.Options{
		Regions: d.Regions, BasePort: d.BasePort, Data: data, Size: size, Seed: number, Distance: distances,
		Lookup: os.LookupEnv, Version: string(b), Log: log, Seeding: seeding, MemoryLimit: limit.limit,
	})
	if err != nil {
		return err
	}
	limit.log(log)
	d.print(out, world)
	return world.Wait()
}

func (d *devCommand) print(out io.Writer, w *dev.World) {
	for i, region := range d.Regions {
		role := "edge"
		if i == 0 {
			role = "primary"
		}
		fmt.Fprintf(out, "%-8s %-8s %s   admin %s\n", region, role, w.URL(i), w.AdminURL(i))
	}
	for _, p := range w.Proxies() {
		fmt.Fprintf(out, "from %s to %s: %s (%v)\n", p.From, p.To, p.URL, p.RoundTrip)
	}
	fmt.Fprintf(out, "logins   user1@example.com … user1000@example.com, manager@example.com, admin@example.com; password %s\n", seed.Password)
	fmt.Fprintf(out, "pages    %s\n", w.URL(0))
	fmt.Fprintf(out, "mail     %s\n", w.MailURL())
	fmt.Fprintf(out, "ready    %s\n", strings.Join(d.Regions, " "))
}

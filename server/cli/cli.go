// Package cli is the command line: it reads arguments, starts what they ask for and
// turns an error into one line and an exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong" // the command line
	"outpost/server/config"
	"outpost/server/node"
	"outpost/server/telemetry"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Dev       devCommand       `cmd:"" help:"A private Postgres, a primary and edges in one process, on demo data."`
	Serve     serveCommand     `cmd:"" help:"One node, configured by its environment."`
	Migrate   migrateCommand   `cmd:"" help:"Bring Postgres' schema up to date, show its state, or undo one step."`
	Seed      seedCommand      `cmd:"" help:"Put demo data into an empty DATABASE_URL."`
	Keys      keysCommand      `cmd:"" help:"List the keys that sign access tokens, or bring in a new one."`
	Snapshot  snapshotCommand  `cmd:"" help:"A compressed snapshot of this node's replica, or of a file of outpost replicate."`
	Verify    verifyCommand    `cmd:"" help:"Compare a replica with its Postgres, row for row; exit code 0: equal."`
	Status    statusCommand    `cmd:"" help:"Show the regions, how far each is, and how often its cache hits."`
	Replicate replicateCommand `cmd:"" help:"Any Postgres to one SQLite file, followed for as long as it runs."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// build is what the program is called in its version and to other nodes.
type build string

// Run runs one command until it is done or the process is told to stop, and gives
// the exit code: 0 done, 1 failed, 2 wrong usage. An empty version is read from the
// binary.
func Run(version string, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	code := -1
	parser, err := kong.New(&c,
		kong.Name("outpost"), kong.Description("Reads answered in every region, writes sent home."),
		kong.Writers(stdout, stderr), kong.Exit(func(n int) { code = n }), kong.Bind(named(version)),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)))
	if err != nil {
		fmt.Fprintln(stderr, "outpost:", err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	if code >= 0 { // --help
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "outpost: %v; see %s --help\n", err, asked(err))
		return exitUsage
	}
	if err := command.Run(); err != nil {
		fmt.Fprintln(stderr, "outpost:", err)
		if usage := new(usageError); errors.As(err, usage) {
			return exitUsage
		}
		return exitFailed
	}
	return exitDone
}

// asked is the command that was used wrongly, as far as the parser came.
func asked(err error) string {
	wrong := new(kong.ParseError)
	if !errors.As(err, &wrong) {
		return "outpost"
	}
	name := "outpost"
	for _, step := range wrong.Context.Path {
		if step.Command != nil {
			name += " " + step.Command.Name
		}
	}
	return name
}

// usageError is a wrong use that the parser could not see.
type usageError struct{ error }

type serveCommand struct{}

func (serveCommand) Run(ctx context.Context, b build) error {
	c, err := config.FromEnv(os.LookupEnv)
	if err != nil {
		return err
	}
	log := telemetry.NewLog(os.Stderr, c.LogFormat, c.LogLevel)
	limit, err := limitMemory(heapBytes + c.CacheBytes)
	if err != nil {
		return err
	}
	n, err := node.New(ctx, c, node.Options{Log: log, Version: string(b), MemoryLimit: limit.limit})
	if err != nil {
		return err
	}
	limit.log(log)
	return n.Run(ctx)
}

type versionCommand struct{}

func (versionCommand) Run(out io.Writer, b build) error {
	_, err := fmt.Fprintln(out, "outpost", b)
	return err
}

// named is the version that was set at build time, else the module's, else the commit.
func named(version string) build {
	info, ok := debug.ReadBuildInfo()
	if version != "" || !ok {
		return build(version)
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return build(s.Value[:12])
		}
	}
	return build(info.Main.Version)
}

// Command peers measures Outpost's answers against what else could give them: the same
// requests, on the same machine, in the same run, in turns.
//
// What it measures are processes. It starts them, draws the requests, lets wrk send them,
// and refuses a round in which a side did not do what its name says. The plainly written
// peers are this program too, started as `peers serve`; their code is in handler.
// ../README.md says how it is done.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"outpost/bench/peers/handler"
)

// options are the command's flags.
type options struct {
	outpost string   // the program that is measured
	commit  string   // that it was built from
	rounds  int      // of each side
	seconds int      // of each side and round
	threads int      // of wrk
	only    []string // the sides to measure
	medium  bool     // an edge's memory with medium data, too
	quick   bool     // with sizes that prove only that the driver works
	out     string   // folder for the report; empty: none is kept
	dir     string   // where the folder for all data is made
	args    []string // the command's
	stdout  io.Writer
}

func main() {
	// A pipe that nobody reads any more ends the run as Ctrl-C does: with everything removed.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) > 0 && args[0] == "serve" {
		return handler.Serve(ctx, args[1:])
	}
	o := options{stdout: stdout, args: args}
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.StringVar(&o.outpost, "outpost", "../../bin/outpost", "the program to measure")
	flags.StringVar(&o.commit, "commit", "unversioned", "the commit it was built from, for the report")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of each side")
	flags.IntVar(&o.seconds, "seconds", 5, "seconds of each side and round")
	flags.IntVar(&o.threads, "threads", 1, "threads of wrk")
	only := flags.String("only", "", "sides to measure, such as fiber,nginx,varnish,hit; empty: all")
	flags.BoolVar(&o.quick, "quick", false, "tiny sizes, which only prove that the driver works")
	flags.BoolVar(&o.medium, "medium", false, "also the memory of a loaded edge with the medium demo, which takes some minutes to make")
	flags.StringVar(&o.out, "out", "", "folder for the report; empty: it is only printed")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "folder for all data")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || o.rounds < 1 || o.seconds < 1 || o.threads < 1 {
		return errors.New("-rounds, -seconds and -threads must be 1 or more, and there are no other arguments")
	}
	var err error
	if o.only, err = sidesNamed(*only); err != nil {
		return err
	}
	if o.outpost, err = filepath.Abs(o.outpost); err != nil {
		return fmt.Errorf("locating the program: %w", err)
	}
	return run(ctx, o)
}

// sidesNamed reads which sides are wanted, in the order of the table; nothing means all.
func sidesNamed(list string) ([]string, error) {
	wanted := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range wanted {
		if !slices.Contains(sideNames(), name) {
			return nil, fmt.Errorf("-only: %q is no side; they are %s", name, strings.Join(sideNames(), ", "))
		}
	}
	if len(wanted) == 0 {
		return sideNames(), nil
	}
	return slices.DeleteFunc(sideNames(), func(name string) bool { return !slices.Contains(wanted, name) }), nil
}

// run measures, and reports what was measured, whatever ended the run.
func run(ctx context.Context, o options) (err error) {
	r := &report{options: o, began: time.Now()}
	l, err := openLab(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	r.machine = l.machine()
	err = r.take(l)
	r.incomplete = err
	fmt.Fprint(o.stdout, r.tables())
	if o.out == "" {
		return err
	}
	path, saveErr := r.save()
	if saveErr == nil {
		fmt.Fprintln(o.stdout, "written to", path)
	}
	return errors.Join(err, saveErr)
}

// line is what is said of a round, and kept.
func (r *report) line(text string) {
	r.lines = append(r.lines, text)
	fmt.Fprint(r.stdout, text)
}

// take measures: first memory, while nobody writes, and then the rounds.
func (r *report) take(l *lab) error {
	remember := func(each resident) {
		r.memory = append(r.memory, each)
		fmt.Fprint(r.stdout, each)
	}
	if err := l.idle(remember); err != nil {
		return err
	}
	if r.medium {
		if err := l.loaded(remember); err != nil {
			return err
		}
	}
	if err := l.draw(l.primary, database); err != nil {
		return err
	}
	r.workload = l.load.String()
	if err := l.startSides(); err != nil {
		return err
	}
	fmt.Fprint(r.stdout, r.head())
	return l.measure(func(each round) {
		r.rounds = append(r.rounds, each)
		r.line(each.String())
	}, r.line)
}

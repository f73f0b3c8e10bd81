// Command replicate measures Outpost's replication against Postgres' own logical
// subscription: the same data, on the same machine, in the same run, in turns.
//
// What it measures are processes: the shipped program as a primary and as edges, and a
// second Postgres. It only starts them, writes to the first Postgres, and looks from
// outside when what was written can be read at the other end. ../README.md says how each
// figure is taken.
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
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	outpost string       // the program that is measured
	commit  string       // that it was built from
	rounds  int          // of each figure and side
	only    map[int]bool // the figures to take
	quick   bool         // with sizes that prove only that the driver works
	out     string       // folder for the report; empty: none is kept
	profile string       // folder for profiles; empty: none are taken
	dir     string       // where the folder for all data is made
	stdout  io.Writer
}

func main() {
	// A pipe that nobody reads any more ends the run as Ctrl-C does: with everything removed.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "replicate:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, stdout io.Writer) error {
	o := options{stdout: stdout}
	flags := flag.NewFlagSet("replicate", flag.ContinueOnError)
	flags.StringVar(&o.outpost, "outpost", "bin/outpost", "the program to measure")
	flags.StringVar(&o.commit, "commit", "unversioned", "the commit it was built from, for the report")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of each figure")
	only := flags.String("only", "", "figures to take, such as 1,2,5; empty: all")
	flags.BoolVar(&o.quick, "quick", false, "tiny sizes, which only prove that the driver works")
	flags.StringVar(&o.out, "out", "", "folder for the report; empty: it is only printed")
	flags.StringVar(&o.profile, "profile", "", "folder for profiles of primary and edge: CPU in one more round of figure 2, heap at the end of figure 7")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "folder for all data, on the disk that is to be measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || o.rounds < 1 {
		return errors.New("-rounds must be 1 or more, and there are no other arguments")
	}
	var err error
	if o.only, err = numbers(*only); err != nil {
		return err
	}
	if o.outpost, err = filepath.Abs(o.outpost); err != nil {
		return fmt.Errorf("locating the program: %w", err)
	}
	return run(ctx, o)
}

// numbers reads which figures are wanted; nothing means all of them.
func numbers(list string) (map[int]bool, error) {
	wanted := make(map[int]bool)
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > figures {
			return nil, fmt.Errorf("-only: %q is no figure; they are 1 to %d", text, figures)
		}
		wanted[n] = true
	}
	if len(wanted) == 0 {
		for n := range figures {
			wanted[n+1] = true
		}
	}
	return wanted, nil
}

// run takes the figures and reports those that were taken, whatever ended the run.
func run(ctx context.Context, o options) (err error) {
	began := time.Now()
	l, err := openLab(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	r := &report{options: o, began: began, machine: l.machine()}
	fmt.Fprint(o.stdout, r.head())
	err = l.measure(func(f *figure) {
		r.figures = append(r.figures, f)
		fmt.Fprint(o.stdout, f)
	})
	r.incomplete = err
	fmt.Fprint(o.stdout, r.markdown())
	if o.out == "" {
		return err
	}
	path, saveErr := r.save()
	if saveErr == nil {
		fmt.Fprintln(o.stdout, "written to", path)
	}
	return errors.Join(err, saveErr)
}

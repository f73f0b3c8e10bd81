package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dustin/go-humanize" // 1,234
	"golang.org/x/term"

	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/verify"
	"outpost/server/config"
	"outpost/server/telemetry"
)

type verifyCommand struct {
	From        string        `required:"" placeholder:"URL" help:"The Postgres that is followed, as postgres://user:password@host/database."`
	Replica     string        `required:"" placeholder:"FILE" help:"The replica's file. It may be written to meanwhile."`
	Tables      []string      `placeholder:"A,B" help:"Only these, as schema.table or as the replica calls them."`
	Publication string        `placeholder:"NAME" help:"Also notice what it publishes and the replica lacks."`
	Rate        int           `placeholder:"ROWS" help:"Rows read per second, at most; 0: as fast as it goes."`
	Wait        time.Duration `help:"How long the replica may take to reach Postgres' position." default:"30s"`
	JSON        bool          `help:"Print one JSON document at the end."`
}

func (v *verifyCommand) Run(ctx context.Context, out io.Writer) error {
	if v.Rate < 0 || v.Wait <= 0 {
		return usageError{fmt.Errorf("--rate and --wait cannot be negative, nor --wait nothing")}
	}
	if _, err := source.Database(v.From); err != nil {
		return usageError{fmt.Errorf("--from: %w", err)}
	}
	format, level, err := config.Logging(os.LookupEnv)
	if err != nil {
		return err
	}
	if err := source.Reach(ctx, v.From); err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	reader, err := replica.OpenReader(ctx, v.Replica)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("--replica: there is no file %s: name the one that is to be compared", v.Replica)
	}
	if err != nil {
		return fmt.Errorf("--replica: %w", err)
	}
	defer reader.Close()
	o := verify.Options{
		URL: v.From, Replica: reader, Publication: v.Publication, Tables: v.Tables, Rate: v.Rate, Wait: v.Wait,
		Log: telemetry.NewLog(os.Stderr, format, level),
	}
	if !v.JSON {
		o.Done = func(t verify.Table) { printTable(out, &t) }
	}
	verifier := verify.New(o)
	stop := showProgress(os.Stderr, verifier)
	report, err := verifier.Run(ctx)
	stop()
	if ctx.Err() != nil {
		return errors.New("stopped before everything was compared")
	}
	if err != nil {
		return err
	}
	if v.JSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(report); err != nil {
			return fmt.Errorf("printing the report: %w", err)
		}
	}
	return v.conclude(out, &report)
}

// conclude prints the last line; where not everything is equal it is an error's.
func (v *verifyCommand) conclude(out io.Writer, r *verify.Report) error {
	behind := ""
	if r.Behind != nil {
		behind = "; " + r.Behind.String()
	}
	took := r.Ended.Sub(r.Began).Round(time.Millisecond)
	if !r.Equal() {
		return fmt.Errorf("%s of %s rows differ, and %s of %d tables could not be compared, after %v%s",
			humanize.Comma(r.Differences()), humanize.Comma(r.Rows()), humanize.Comma(r.Problems()), len(r.Tables), took, behind)
	}
	if !v.JSON {
		changing := ""
		if n := r.Unsettled(); n > 0 {
			changing = fmt.Sprintf("; %s rows changed whenever they were looked at, and were not compared", humanize.Comma(n))
		}
		fmt.Fprintf(out, "equal: %s rows in %d tables, after %v%s%s\n", humanize.Comma(r.Rows()), len(r.Tables), took, changing, behind)
	}
	return nil
}

func printTable(out io.Writer, t *verify.Table) {
	switch {
	case t.Problem != "":
		fmt.Fprintf(out, "%s: %s\n", t, t.Problem)
	case t.Differences() == 0 && t.Unsettled == 0:
		fmt.Fprintf(out, "%s: %s rows, equal\n", t, humanize.Comma(t.Rows))
	default:
		fmt.Fprintf(out, "%s: %s rows; %s missing, %s surplus, %s different, %s not settled\n", t, humanize.Comma(t.Rows),
			humanize.Comma(t.Missing), humanize.Comma(t.Surplus), humanize.Comma(t.Different), humanize.Comma(t.Unsettled))
	}
	var listed int64
	for i := range t.List {
		fmt.Fprintf(out, "  %s\n", &t.List[i])
		listed += t.List[i].Count
	}
	if more := t.Differences() - listed; more > 0 {
		fmt.Fprintf(out, "  and %s more\n", humanize.Comma(more))
	}
}

// showProgress keeps a line on a terminal up to date until it is told to stop.
func showProgress(terminal *os.File, v *verify.Verifier) (stop func()) {
	if !term.IsTerminal(int(terminal.Fd())) {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if s := v.Status(); s.Table != "" {
					fmt.Fprintf(terminal, "\r\x1b[K%s: %s rows\r", s.Table, humanize.Comma(s.TableRows))
				}
			case <-done:
				fmt.Fprint(terminal, "\r\x1b[K")
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// Command report reads what `k6 run --out outpost=…` has kept:
//
//	.bench/report compare A.json B.json                   B held against A, as Markdown
//	.bench/report compare -html out.html A.json B.json    and as a page
//	.bench/report render A.json                           A's pages anew, beside it
//
// compare ends with 1 when B is worse, and with 2 when it cannot tell; `go run` and make keep that to themselves.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"outpost/bench/report/compare"
	"outpost/bench/report/page"
	"outpost/bench/report/result"
)

const usage = `use: report compare [-bound 1.25] [-least 200] [-floor 1] [-html out.html] A.json B.json
     report render A.json …`

// errWorse is a comparison that was made, and found something.
var errWorse = errors.New("worse")

func main() {
	err := command(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, errWorse):
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(2)
	}
}

func command(args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case "compare":
		return runCompare(args[1:], stdout)
	case "render":
		return runRender(args[1:], stdout)
	default:
		return errors.New(usage)
	}
}

func runCompare(args []string, stdout io.Writer) error {
	bounds := compare.Usual()
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.Float64Var(&bounds.Ratio, "bound", bounds.Ratio, "how many times the p95, or the share of failed requests, is worse")
	flags.Int64Var(&bounds.Least, "least", bounds.Least, "requests of an endpoint in each run, below which it is not judged")
	flags.Float64Var(&bounds.Floor, "floor", bounds.Floor, "ms by which a p95 must have grown, too")
	html := flags.String("html", "", "file for the comparison as a page")
	files, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(files) != 2 || bounds.Ratio < 1 {
		return errors.New(usage)
	}
	before, err := result.Read(files[0])
	if err != nil {
		return err
	}
	after, err := result.Read(files[1])
	if err != nil {
		return err
	}
	c, err := compare.Of(before, after, bounds)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, page.CompareMarkdown(c))
	if *html != "" {
		if err := write(*html, c); err != nil {
			return err
		}
	}
	if worse := c.Worse(); len(worse) > 0 {
		return fmt.Errorf("%w: %s", errWorse, strings.Join(worse, "; "))
	}
	return nil
}

// parse takes flags before and after the files.
func parse(flags *flag.FlagSet, args []string) (files []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return files, nil
		}
		files = append(files, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

func write(path string, c *compare.Comparison) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("keeping the comparison: %w", err)
	}
	if err := errors.Join(page.CompareHTML(file, c), file.Close()); err != nil {
		return fmt.Errorf("keeping the comparison: %w", err)
	}
	return nil
}

// runRender makes the pages of results again, after the pages have changed.
func runRender(files []string, stdout io.Writer) error {
	if len(files) == 0 {
		return errors.New(usage)
	}
	for _, path := range files {
		if !strings.HasSuffix(path, ".json") {
			return fmt.Errorf("%s is no .json file", path)
		}
		r, err := result.Read(path)
		if err != nil {
			return err
		}
		written, err := page.Save(r, path)
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, strings.Join(written, "\n"))
	}
	return nil
}

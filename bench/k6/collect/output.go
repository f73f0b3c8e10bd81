// Package collect is an output of k6 that aggregates while the run goes on, in memory that does not grow
// with requests, samples the machine and the servers beside it, and writes a result and its pages at the end.
//
// It takes from the environment, or from k6's -e:
//
//	BASE_URLS   the servers asked, separated by commas, as for the scenarios
//	REGIONS     their names, in the same order
//	ADMIN_URLS  their admin listeners, which are asked for /metrics once a second
//	COMMIT      of the program that is measured
//	NOTES       what else a reader has to know, in a sentence
//	SETTINGS    names of more variables that shape the run, beside those that are always kept
//
// It looks at the tags name, region, user and phase of a request. What is marked with another phase than
// steady, and what happens in setup and teardown, does not count.
package collect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/metrics"
	"go.k6.io/k6/v2/output"

	"outpost/bench/report/page"
	"outpost/bench/report/result"
)

// often is how often samples are taken over from k6. It keeps little, and little waits at the end.
const often = 250 * time.Millisecond

// Output is the one named outpost.
type Output struct {
	output.SampleBuffer
	path       string // of the JSON file, without the number it gets
	scenario   string
	env        map[string]string
	log        logrus.FieldLogger
	thresholds map[string]metrics.Thresholds

	began   time.Time
	gather  *gatherer
	flusher *output.PeriodicFlusher
	sampler *sampler
	sampled sync.WaitGroup
	rest    context.CancelFunc // ends the sampling
}

var (
	_ output.WithThresholds        = &Output{}
	_ output.WithStopWithTestError = &Output{}
)

// New makes the output. Its argument is the path of the JSON file, which gets a number: a run replaces no other.
func New(p output.Params) (output.Output, error) {
	if !strings.HasSuffix(p.ConfigArgument, ".json") {
		return nil, errors.New("say where the result goes: --out outpost=bench/results/name.json")
	}
	env := make(map[string]string)
	for _, from := range []map[string]string{p.Environment, p.RuntimeOptions.Env} {
		for name, value := range from {
			env[name] = value
		}
	}
	o := &Output{path: p.ConfigArgument, env: env, log: p.Logger.WithField("output", "outpost")}
	if p.ScriptPath != nil {
		o.scenario = strings.TrimSuffix(filepath.Base(p.ScriptPath.Path), ".js")
	}
	return o, nil
}

// Description is what k6 prints of it.
func (o *Output) Description() string { return fmt.Sprintf("outpost (%s)", o.path) }

// SetThresholds takes the scenario's, whose verdicts k6 keeps up to date.
func (o *Output) SetThresholds(all map[string]metrics.Thresholds) { o.thresholds = all }

// Start begins to aggregate and to sample. A run of hours must not find out at its end that nothing can
// be written.
func (o *Output) Start() error {
	folder := filepath.Dir(o.path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder for the result: %w", err)
	}
	probe, err := os.CreateTemp(folder, ".probe")
	if err != nil {
		return fmt.Errorf("the result could not be written: %w", err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return fmt.Errorf("trying whether the result can be written: %w", err)
	}
	o.began = time.Now()
	if o.gather, err = newGatherer(o.began, o.thresholds); err != nil {
		return err
	}
	o.flusher, err = output.NewPeriodicFlusher(often, func() { o.gather.take(o.GetBufferedSamples()) })
	if err != nil {
		return err
	}
	ctx, rest := context.WithCancel(context.Background())
	o.rest = rest
	o.sampler = newSampler(o.began, list(o.env["ADMIN_URLS"]), o.gather.users)
	o.sampled.Go(func() { o.sampler.run(ctx) })
	return nil
}

// Stop is StopWithTestError of a run that ended well.
func (o *Output) Stop() error { return o.StopWithTestError(nil) }

// StopWithTestError takes what is left, and writes the result and its pages. k6 has come to its verdicts.
func (o *Output) StopWithTestError(runError error) error {
	o.flusher.Stop()
	o.rest()
	o.sampled.Wait()
	r := o.result(runError)
	written, err := page.Keep(r, o.path)
	if err != nil {
		return err
	}
	o.log.Infof("result: %s", strings.Join(written, ", "))
	if r.Totals.Count == 0 {
		o.log.Warn("no request was counted: does the scenario mark the phase steady?")
	}
	return nil
}

func (o *Output) result(runError error) *result.Result {
	lasted := time.Since(o.began)
	g := o.gather
	passed, failed := g.tallies.checks()
	r := &result.Result{
		Version: result.Version,
		Run: result.Run{
			Scenario: o.scenario, Commit: o.env["COMMIT"], Started: o.began.UTC().Truncate(time.Second),
			Seconds: result.Round(lasted.Seconds()), Ended: ended(runError), Notes: o.env["NOTES"],
			Targets: targets(o.env), Settings: settings(o.env), Machine: machine(), K6: k6Version(),
		},
		Totals: result.Totals{
			Figures: g.all(), Iterations: g.tallies.count(metrics.IterationsName), Dropped: g.tallies.count(metrics.DroppedIterationsName),
			ChecksPassed: passed, ChecksFailed: failed, LeftOut: g.leftOut,
		},
		Thresholds: verdicts(g.marks, lasted),
		Endpoints:  g.rows(func(k key) key { return key{endpoint: k.endpoint} }),
		Regions:    g.rows(func(k key) key { return key{region: k.region} }),
		Users:      g.rows(func(k key) key { return key{user: k.user} }),
		Cells:      g.rows(func(k key) key { return key{endpoint: k.endpoint, region: k.region} }),
		Metrics:    g.tallies.metrics(),
		Series:     g.series(),
		Samples:    o.sampler.samples,
	}
	if r.Totals.Count > 0 {
		r.Run.SteadyFrom = result.Round(g.from.Sub(o.began).Seconds())
		r.Run.SteadyTo = result.Round(g.to.Sub(o.began).Seconds())
	}
	summarise(r)
	return r
}

// ended says why a run ended. Not with the error's words: those of a scenario may quote an answer.
func ended(err error) string {
	if err == nil {
		return result.Complete
	}
	var reason errext.HasAbortReason
	if !errors.As(err, &reason) {
		return "aborted by an error"
	}
	switch reason.AbortReason() {
	case errext.AbortedByThresholdsAfterTestEnd:
		return result.Complete
	case errext.AbortedByUser:
		return "aborted by a signal"
	case errext.AbortedByThreshold:
		return "aborted by a threshold"
	case errext.AbortedByTimeout:
		return "aborted: setup or teardown took too long"
	default:
		return "aborted by the scenario"
	}
}

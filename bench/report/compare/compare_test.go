package compare

import (
	"fmt"
	"strings"
	"testing"

	"outpost/bench/report/result"
)

// run is one with a single endpoint, in two regions.
func run(count, failed int64, p95 float64) *result.Result {
	f := result.Figures{Count: count, Failed: failed, P95: p95}
	row := func(region string) result.Row {
		return result.Row{Endpoint: "GET /courses", Region: region, Figures: f}
	}
	return &result.Result{
		Run:        result.Run{Scenario: "learner", Settings: map[string]string{"USERS": "1000"}},
		Totals:     result.Totals{Figures: result.Figures{Count: 10_000, P95: 10}},
		Endpoints:  []result.Row{row("")},
		Regions:    []result.Row{{Region: "fra"}, {Region: "syd"}},
		Cells:      []result.Row{row("fra"), row("syd")},
		Thresholds: []result.Threshold{{Metric: "checks", Bound: "rate==1", Verdict: result.Met}},
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after *result.Result
		want          Verdict
	}{
		{"as before", run(1000, 0, 20), run(1000, 0, 20), Same},
		{"within the bound", run(1000, 0, 20), run(1000, 0, 25), Same},
		{"past the bound", run(1000, 0, 20), run(1000, 0, 25.1), Worse},
		{"past the bound by less than the floor", run(1000, 0, 0.5), run(1000, 0, 1.4), Same},
		{"faster", run(1000, 0, 20), run(1000, 0, 10), Better},
		{"failing anew", run(1000, 0, 20), run(1000, 1, 20), Worse},
		{"failing anew, though faster", run(1000, 0, 20), run(1000, 1, 10), Worse},
		{"failing as seldom", run(1000, 20, 20), run(1000, 24, 20), Same},
		{"failing more", run(1000, 20, 20), run(1000, 26, 20), Worse},
		{"failing less", run(1000, 26, 20), run(1000, 20, 20), Better},
		{"too few", run(1000, 0, 20), run(199, 0, 90), TooFew},
		{"just enough", run(200, 0, 20), run(200, 0, 90), Worse},
	} {
		got, err := Of(c.before, c.after, Usual())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range got.Pairs[1:] {
			if p.Verdict != c.want {
				t.Errorf("%s: %s is %q (%s), not %q", c.name, p.Name(), p.Verdict, p.Why, c.want)
			}
		}
		if worse := len(got.Worse()); (worse == 3) != (c.want == Worse) {
			t.Errorf("%s: %d are worse", c.name, worse)
		}
	}
}

func TestEndpointsOfOneRunAlone(t *testing.T) {
	before, after := run(1000, 0, 20), run(1000, 0, 20)
	after.Endpoints[0].Endpoint = "GET /me"
	c, err := Of(before, after, Usual())
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Pairs[1].Name(), c.Pairs[1].Verdict, c.Pairs[2].Name(), c.Pairs[2].Verdict); got != "GET /courses"+string(Gone)+"GET /me"+string(New) {
		t.Error(got)
	}
	if len(c.Worse()) != 0 {
		t.Error(c.Worse())
	}
}

func TestThresholdThatIsNotMetAnyMore(t *testing.T) {
	for _, verdict := range []result.Verdict{result.Missed, result.NoData} {
		before, after := run(1000, 0, 20), run(1000, 0, 20)
		after.Thresholds[0].Verdict = verdict
		c, err := Of(before, after, Usual())
		if err != nil {
			t.Fatal(err)
		}
		if worse := c.Worse(); len(worse) != 1 || !strings.Contains(worse[0], "checks rate==1: met before, "+string(verdict)+" now") {
			t.Errorf("%s: %q", verdict, worse)
		}
		if back, err := Of(after, before, Usual()); err != nil || back.Thresholds[0].Verdict != Better {
			t.Errorf("%s, the other way: %v, %v", verdict, back.Thresholds[0].Verdict, err)
		}
	}
}

func TestCircumstancesAreSaid(t *testing.T) {
	before, after := run(1000, 0, 20), run(1000, 0, 20)
	after.Run.Settings = map[string]string{"USERS": "500", "SHORT": "1"}
	after.Run.Machine.Cores = 4
	after.Run.Ended = "aborted by a signal"
	c, err := Of(before, after, Usual())
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(c.Differ, "\n")
	for _, want := range []string{"USERS: 1000 before, 500 now", "SHORT: none before, 1 now", "machine: ", "how it ended: none before, aborted by a signal now"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not among\n%s", want, all)
		}
	}
}

func TestNothingToSay(t *testing.T) {
	other, empty := run(1000, 0, 20), run(0, 0, 0)
	other.Run.Scenario = "spike"
	empty.Totals.Count = 0
	for _, after := range []*result.Result{other, empty} {
		if c, err := Of(run(1000, 0, 20), after, Usual()); err == nil {
			t.Errorf("compared with %s of %d requests: %+v", after.Run.Scenario, after.Totals.Count, c.Pairs)
		}
	}
}

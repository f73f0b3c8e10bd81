package page

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"outpost/bench/report/result"
)

// number shows three digits that matter, and no fewer of a large one.
func number(v float64) string {
	switch size := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case v == 0:
		return "0"
	case size >= 1000:
		return count(int64(math.Round(v)))
	case size >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// count parts thousands.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func percent(ratio float64) string {
	if ratio > 0 && ratio < 0.001 {
		return "< 0.1 %"
	}
	return strconv.FormatFloat(100*ratio, 'f', 1, 64) + " %"
}

// length of a run in seconds, as in 30m0s.
func length(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// fact is one line of what is to be known of a run.
type fact struct{ Name, Text string }

// facts are what was run, where, and what is not known.
func facts(r *result.Result) []fact {
	list := []fact{
		{"commit", cmp.Or(r.Run.Commit, "not given (COMMIT)")},
		{"began", r.Run.Started.Format("2006-01-02 15:04:05 UTC")},
		{"counted", fmt.Sprintf("%s of %s", length(r.Run.SteadyTo-r.Run.SteadyFrom), length(r.Run.Seconds))},
		{"left out", leftOut(r)},
		{"ended", r.Run.Ended},
		{"asked", asked(r)},
		{"settings", settings(r)},
		{"machine", machine(r.Run.Machine)},
		{"CPU", cpu(r.CPU)},
		{"memory", memoryUsed(r)},
		{"lag", lagged(r)},
		{"iterations", fmt.Sprintf("%s, and %s could not begin in time", count(r.Totals.Iterations), count(r.Totals.Dropped))},
		{"checks", checks(&r.Totals)},
		{"k6", r.Run.K6},
		{"notes", r.Run.Notes},
		{"not known", strings.Join(r.Samples.Missing, "; ")},
	}
	return slices.DeleteFunc(list, func(f fact) bool { return f.Text == "" })
}

func leftOut(r *result.Result) string {
	var list []string
	for _, phase := range slices.Sorted(maps.Keys(r.Totals.LeftOut)) {
		list = append(list, fmt.Sprintf("%s requests of %s", count(r.Totals.LeftOut[phase]), phase))
	}
	return strings.Join(list, ", ")
}

func asked(r *result.Result) string {
	var list []string
	for _, t := range r.Run.Targets {
		list = append(list, strings.TrimSpace(t.Region+" "+t.Host))
	}
	return strings.Join(list, ", ")
}

func settings(r *result.Result) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r.Run.Settings)) {
		list = append(list, name+"="+r.Run.Settings[name])
	}
	return strings.Join(list, " ")
}

func machine(m result.Machine) string {
	text := fmt.Sprintf("%d × %s, %s", m.Cores, m.CPU, m.OS)
	if m.Memory > 0 {
		text += fmt.Sprintf(", %.0f GiB", float64(m.Memory)/(1<<30))
	}
	return text
}

// cpu says, on average, which share of the cores k6 took, and all else of what k6 and other guests left.
func cpu(c *result.CPU) string {
	if c == nil {
		return ""
	}
	text := fmt.Sprintf("of %d cores %.2f were busy, %.2f with k6, and other guests took %.2f. Of what was left, all else took %s",
		c.Cores, c.Machine, c.K6, c.Stolen, percent(c.RestShare))
	if c.Outpost != nil && c.OutpostShare != nil {
		text += fmt.Sprintf("; Outpost, with %.2f, %s", *c.Outpost, percent(*c.OutpostShare))
	}
	return text
}

// memoryUsed says how much of it each process had, and whether that grew.
func memoryUsed(r *result.Result) string {
	var list []string
	for _, p := range r.Samples.Processes {
		list = append(list, drift(p.Name+" resident", p.ResidentDrift, 1e-6, "MB")...)
		list = append(list, drift(p.Name+" heap", p.HeapDrift, 1e-6, "MB")...)
	}
	return strings.Join(list, "; ")
}

// lagged says how far behind each replica was, and whether that grew.
func lagged(r *result.Result) string {
	var list []string
	for _, n := range r.Samples.Nodes {
		list = append(list, drift(n.Name, n.LagDrift, 1000, "ms")...)
	}
	return strings.Join(list, "; ")
}

// drift is nothing where nothing is known.
func drift(name string, d *result.Drift, scale float64, unit string) []string {
	if d == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s %s %s in the first third, %s in the last, at most %s",
		name, number(d.First*scale), unit, number(d.Last*scale), number(d.Most*scale))}
}

func checks(t *result.Totals) string {
	if t.ChecksPassed+t.ChecksFailed == 0 {
		return ""
	}
	return fmt.Sprintf("%s passed, %s failed", count(t.ChecksPassed), count(t.ChecksFailed))
}

// summary is a run in one sentence.
func summary(r *result.Result) string {
	t := &r.Totals
	return fmt.Sprintf("%s requests, %s a second, %s failed; p50 %s ms, p95 %s ms, p99 %s ms",
		count(t.Count), number(t.Rate), count(t.Failed), number(t.P50), number(t.P95), number(t.P99))
}

// outcome says how many thresholds held.
func outcome(r *result.Result) cell {
	var missed, open int
	for _, t := range r.Thresholds {
		switch t.Verdict {
		case result.Missed:
			missed++
		case result.NoData:
			open++
		}
	}
	switch all := len(r.Thresholds); {
	case r.Run.Ended != result.Complete:
		return cell{r.Run.Ended, "bad"}
	case missed > 0:
		return cell{fmt.Sprintf("%d of %d thresholds MISSED", missed, all), "bad"}
	case open > 0:
		return cell{fmt.Sprintf("%d of %d thresholds had no data", open, all), "open"}
	case all == 0:
		return cell{"no thresholds", "open"}
	default:
		return cell{fmt.Sprintf("all %d thresholds met", all), "good"}
	}
}

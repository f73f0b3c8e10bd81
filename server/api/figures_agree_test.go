package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"outpost/server/report"
	"outpost/server/training"
)

func (f analysed) PopularCourses(context.Context, int64, string, int) ([]training.PopularCourse, error) {
	return nil, nil
}

// TestFiguresAgree asks for the same instant the dashboard, the analytics and the reports. The figures are
// worked out by hand: six of twelve people have done the course, on time and valid; five are ten days
// late; one is not due. Scores: IT (0.2·0 + 0.1·0.2)/0.3 = 6.7, HR (0.2·10/30 + 0.1·0.8)/0.3 = 48.9, the
// Board 0.08/0.3 = 26.7. The mean is (6·6.667 + 5·48.889 + 26.667)/12 = 25.9; P90 is at 9.9: 48.9.
func TestFiguresAgree(t *testing.T) {
	var clock atomic.Pointer[time.Time]
	noon := day.Add(7 * time.Hour)
	clock.Store(&noon)
	world := &analysed{mode: training.Aggregate, people: workforce()}
	for i := range world.people {
		world.people[i].Requirements = []training.Requirement{{ID: 1, Courses: []int64{42}}}
	}
	n := newAnalysed(t, &clock, world)

	var board struct {
		Compliance map[string]float64 `json:"compliance_rate"`
		Risk       struct {
			Score, P90 float64
			Band       string
		} `json:"risk_score"`
		Degraded []string
	}
	into(t, n, "/api/v1/dashboard", &board)
	var figures struct {
		Trends []struct {
			Rate float64 `json:"compliance_rate"`
		}
		Risk struct {
			Score, P90 float64
			Band       string
		}
	}
	into(t, n, analytics, &figures)
	today := figures.Trends[len(figures.Trends)-1]
	law, scores := reported(t, n, training.GDPR), reported(t, n, training.RiskNow)
	for name, c := range map[string]struct {
		want float64
		have []any
	}{
		"rate":         {0.5455, []any{board.Compliance["rate"], today.Rate, law["rate"]}},
		"on-time rate": {0.5455, []any{board.Compliance["on_time_rate"], law["on_time_rate"]}},
		"score":        {25.9, []any{board.Risk.Score, figures.Risk.Score, scores["score"]}},
		"P90":          {48.9, []any{board.Risk.P90, figures.Risk.P90, scores["p90"]}},
	} {
		for i, have := range c.have {
			if v, ok := have.(float64); !ok || math.Abs(v-c.want) > 1e-9 {
				t.Errorf("the %s is %v in answer %d, not %v", name, have, i, c.want)
			}
		}
	}
	if bands := fmt.Sprint(board.Risk.Band, figures.Risk.Band, scores["band"]); bands != "moderatemoderatemoderate" {
		t.Errorf("the bands are %s", bands)
	}
}

func into(t *testing.T, n *node, target string, body any) {
	t.Helper()
	a := n.do(http.MethodGet, target, n.as(20), "")
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", target, a.StatusCode, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), body); err != nil {
		t.Fatal(err)
	}
}

// reported are the figures of a report on company 3, by their names.
func reported(t *testing.T, n *node, kind training.ReportType) map[string]any {
	t.Helper()
	m := report.Maker{
		Read: n.Read, Now: n.Now, Fresh: func(context.Context) error { return nil },
		Stage: func(ctx context.Context, _ string, _ training.ReportType) (context.Context, func(error)) {
			return ctx, func(error) {}
		},
	}
	var document bytes.Buffer
	asked := training.Report{ID: 1, Type: kind, Format: "json", Locale: "en", Scope: training.CompanyReport, SubjectID: 3, RequestedBy: 20}
	if err := m.Make(t.Context(), asked, &document); err != nil {
		t.Fatal(err)
	}
	var body struct {
		Content struct{ Figures map[string]any }
	}
	if err := json.Unmarshal(document.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	return body.Content.Figures
}

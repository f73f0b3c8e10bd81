package collect

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// What is read of a server's metrics.
const (
	resident      = "process_resident_memory_bytes"
	processCPU    = "process_cpu_seconds_total"
	processStart  = "process_start_time_seconds"
	heap          = "go_memstats_heap_inuse_bytes"
	replicaLag    = "outpost_replica_lag_seconds"
	cacheRequests = "outpost_cache_requests_total"
	forwards      = "outpost_forward_total"
	buildInfo     = "outpost_build_info"
)

func wanted(name string) bool {
	return slices.Contains([]string{resident, processCPU, processStart, heap, replicaLag, cacheRequests, forwards, buildInfo}, name)
}

// figures are one reading of a server's metrics.
type figures struct {
	at     time.Time
	region string
	values map[string]*dto.MetricFamily
}

// value is that of a metric without labels; NaN where there is none.
func (f figures) value(name string) float64 {
	if family := f.values[name]; family != nil && len(family.Metric) > 0 {
		return family.Metric[0].GetUntyped().GetValue()
	}
	return math.NaN()
}

// sum is over all labels of a counter, or over those whose result is one of these.
func (f figures) sum(name string, results ...string) float64 {
	sum := 0.0
	for _, m := range f.values[name].GetMetric() {
		if len(results) == 0 || slices.Contains(results, label(m, "result")) {
			sum += m.GetUntyped().GetValue()
		}
	}
	return sum
}

func label(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

// scraper asks one admin listener.
type scraper struct {
	url     string
	machine string // where it is
	client  *http.Client
}

func newScraper(base string) scraper {
	s := scraper{url: strings.TrimRight(base, "/") + "/metrics", client: &http.Client{Timeout: 900 * time.Millisecond}}
	if u, err := url.Parse(base); err == nil {
		s.machine = u.Hostname()
	}
	return s
}

func (s scraper) scrape(ctx context.Context) (*figures, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return nil, errors.New("ADMIN_URLS has no URL there")
	}
	response, err := s.client.Do(request)
	if err != nil {
		var at *url.Error // which has the URL, and what may be secret in it
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("/metrics answered %d: ADMIN_URLS must name admin listeners", response.StatusCode)
	}
	at := time.Now()
	lines, err := only(response.Body, wanted)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	values, err := parser.TextToMetricFamilies(lines)
	if err != nil {
		return nil, err
	}
	f := &figures{at: at, values: values}
	if info := values[buildInfo].GetMetric(); len(info) > 0 {
		f.region = label(info[0], "region")
	}
	return f, nil
}

// only keeps the samples of some metrics. To parse the rest, thousands of buckets, would cost both sides
// of the measurement more than it tells.
func only(text io.Reader, name func(string) bool) (io.Reader, error) {
	var kept bytes.Buffer
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Bytes()
		if end := bytes.IndexAny(line, "{ "); end > 0 && name(string(line[:end])) {
			kept.Write(line)
			kept.WriteByte('\n')
		}
	}
	return &kept, lines.Err()
}

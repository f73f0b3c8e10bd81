package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"outpost/server/node"
)

type statusCommand struct {
	URL  string `help:"Any node's API." default:"http://127.0.0.1:8080"`
	JSON bool   `help:"Print what the node answers."`
}

func (s *statusCommand) Run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(s.URL, "/")+"/api/v1/status", nil)
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking for the status: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking for the status: %s answered %s", s.URL, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("reading the status: %w", err)
	}
	if s.JSON {
		_, err := fmt.Fprintln(out, string(body))
		return err
	}
	var world node.World
	if err := json.Unmarshal(body, &world); err != nil {
		return fmt.Errorf("reading the status: %w", err)
	}
	return printWorld(out, world)
}

func printWorld(out io.Writer, w node.World) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "REGION\tROLE\tSTATE\tPOSITION\tLAG\tROWS/S\tHITS\tREQ/S\tP50\tP95\tP99")
	for _, r := range w.Regions {
		state := "ready"
		switch {
		case !r.Ready:
			state = r.Reason
		case r.StaleSeconds > 0:
			state = fmt.Sprintf("stale %.0fs", r.StaleSeconds)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.3fs\t%.1f\t%.0f%%\t%.1f\t%.1fms\t%.1fms\t%.1fms\n",
			r.Region, r.Role, state, r.Position, r.LagSeconds, r.AppliedRows, 100*r.HitRatio, r.Requests, r.P50, r.P95, r.P99)
	}
	return table.Flush()
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// script sends the requests of a file, each thread from another place on, and ends with one
// line of JSON. It reads no answers, which would cost wrk more than the servers.
const script = `
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end

local requests, at = {}, 0
function init(args)
  local file = assert(io.open(args[1]))
  local lines = {}
  for line in file:lines() do
    if line == "" then
      requests[#requests + 1] = table.concat(lines, "\r\n") .. "\r\nHost: peers\r\n\r\n"
      lines = {}
    else
      lines[#lines + 1] = line
    end
  end
  file:close()
  at = math.floor(number * #requests / tonumber(args[2]))
end

function request()
  at = at + 1
  if at > #requests then at = 1 end
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('PEERS {"requests":%d,"micros":%d,"bytes":%d,"errors":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`

// load is what wrk says of a round.
type load struct {
	Requests float64
	Micros   float64 // it took
	Bytes    float64 // headers and bodies
	Errors   float64
	P50, P99 float64       // microseconds
	cpu      time.Duration // wrk's own
}

func (l load) rate() float64 { return l.Requests / l.Micros * 1e6 }

// busy is the share of a processor that wrk took, per thread: near 1 it is wrk that is measured.
func (l load) busy(threads int) float64 {
	return float64(l.cpu.Microseconds()) / l.Micros / float64(threads)
}

var summary = regexp.MustCompile(`(?m)^PEERS (\{.*\})$`)

// wrk loads a side.
func (l *lab) wrk(s *side, seconds int) (load, error) {
	requests := filepath.Join(l.folder, "requests")
	if s.validates {
		requests += "-304"
	}
	c := exec.CommandContext(l.ctx, "wrk", "-t", strconv.Itoa(l.threads), "-c", strconv.Itoa(connections), "-d", fmt.Sprintf("%ds", seconds),
		"-s", filepath.Join(l.folder, "wrk.lua"), "http://"+s.addr, "--", requests, strconv.Itoa(l.threads))
	out, err := c.CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	found := summary.FindSubmatch(out)
	if found == nil {
		return load{}, fmt.Errorf("wrk said nothing of what it did:\n%s", out)
	}
	got := load{cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	if err := json.Unmarshal(found[1], &got); err != nil {
		return load{}, fmt.Errorf("reading what wrk said: %w", err)
	}
	return got, nil
}

// scripts writes what wrk reads. The requests hold tokens: nobody else may read them.
func (l *lab) scripts() error {
	for name, text := range map[string]string{
		"wrk.lua": script, "requests": l.load.requestsFor(false), "requests-304": l.load.requestsFor(true),
	} {
		if err := os.WriteFile(filepath.Join(l.folder, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("writing what wrk sends: %w", err)
		}
	}
	return nil
}

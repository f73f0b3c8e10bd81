package result

import (
	"encoding/json"
	"fmt"
	"os"
)

// Read gives the run kept in a file.
func Read(path string) (*Result, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	var r Result
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s is no result of `k6 run --out outpost=…`: %w", path, err)
	}
	if r.Version != Version {
		return nil, fmt.Errorf("%s has layout %d, and this program reads %d: use the one of the commit that made it", path, r.Version, Version)
	}
	return &r, nil
}

// Write keeps a run, on one line: the pages beside it are for people.
func (r *Result) Write(path string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding a result: %w", err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("keeping a result: %w", err)
	}
	return nil
}

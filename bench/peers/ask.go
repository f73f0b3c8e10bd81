package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

const headerPosition = "Outpost-Position"

// client is for whatever is not measured.
var client = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

// answered is what a side said.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// ask sends one request as wrk does, and wants 200, or 304 where a tag goes with it.
// position is what an edge has to have reached; empty: it answers with what it has.
func ask(ctx context.Context, addr, path, token, etag, position string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if position != "" {
		request.Header.Set(headerPosition, position)
	}
	request.Header.Set("Accept-Encoding", "identity") // or Go asks for gzip
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	response, err := client.Do(request)
	if err != nil {
		return answered{}, fmt.Errorf("asking %s: %w", addr, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answered{}, fmt.Errorf("asking %s: %w", addr, err)
	}
	if response.StatusCode != http.StatusOK && (etag == "" || response.StatusCode != http.StatusNotModified) {
		return answered{}, fmt.Errorf("asking %s: GET %s answered %s: %.300s", addr, path, response.Status, body)
	}
	return answered{response.StatusCode, response.Header, body}, nil
}

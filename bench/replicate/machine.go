package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/bench/harness"
)

// machine says what the figures were taken on.
func (l *lab) machine() string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%-8s %s\n", name, value) }
	harness.Machine(line)
	line("disk", l.disk())
	line("postgres", l.postgresVersion())
	var list []string
	for name, value := range l.settings() {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	line("settings", strings.Join(list, " "))
	return b.String()
}

// disk is how long it takes to write a page and to be sure of it.
func (l *lab) disk() string {
	file, err := os.Create(filepath.Join(l.folder, "sync"))
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	var took []float64
	for range 50 {
		began := time.Now()
		if _, err := file.WriteAt(make([]byte, 8192), 0); err != nil {
			return err.Error()
		}
		if err := file.Sync(); err != nil {
			return err.Error()
		}
		took = append(took, milliseconds(time.Since(began)))
	}
	return fmt.Sprintf("8 kB written and synced in %.2f ms (median), %.2f ms (p99)", median(took), percentile(took, 0.99))
}

func (l *lab) postgresVersion() (version string) {
	conn, err := pgx.Connect(l.ctx, l.publisher.URL("postgres"))
	if err != nil {
		return err.Error()
	}
	defer conn.Close(l.ctx)
	if err := conn.QueryRow(l.ctx, "SHOW server_version").Scan(&version); err != nil {
		return err.Error()
	}
	return version
}

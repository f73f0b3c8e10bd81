package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/bench/harness"
	"outpost/replicate/pgcluster"
	"outpost/sql/seed"
)

const database = "small"

// prepare makes everybody a manager, so that a thousand people may list those of their company;
// and gives Postgres the indexes that the replica has for these lists, so that the peers which
// ask it do not have to sort.
var prepare = []string{
	"UPDATE users SET role = 'manager' WHERE role = 'learner'",
	`CREATE INDEX peers_by_name ON users (company_id, full_name_folded COLLATE "C", id)`,
	`CREATE INDEX peers_by_email ON users (company_id, email_folded COLLATE "C", id)`,
	"CREATE INDEX peers_by_created ON users (company_id, created_at, id)",
	"CREATE INDEX peers_by_updated ON users (company_id, updated_at, id)",
	"VACUUM ANALYZE",
}

// lab is a Postgres with the demo's data, the requests, and every process.
type lab struct {
	options
	ctx       context.Context // ends with a cause: what failed
	fail      context.CancelCauseFunc
	folder    string
	folders   []string // others, on a disk in memory
	postgres  *pgcluster.Cluster
	processes []*harness.Process
	primary   *node
	edge      *node // keeps no answers; nil: no side needs it
	people    *people
	load      *workload
	writing   *writer // while it is measured
	sides     []*side
	ports     harness.Ports
}

func openLab(ctx context.Context, o options) (_ *lab, err error) {
	if err := need(o); err != nil {
		return nil, err
	}
	l := &lab{options: o}
	l.ctx, l.fail = context.WithCancelCause(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(context.Cause(l.ctx), err, l.close())
		}
	}()
	if l.folder, err = os.MkdirTemp(o.dir, "outpost-peers-"); err != nil {
		return nil, fmt.Errorf("making a folder for the data: %w", err)
	}
	// Postgres, and nginx' workers, may run under another account.
	if err := os.Chmod(l.folder, 0o711); err != nil {
		return nil, fmt.Errorf("opening the folder to others: %w", err)
	}
	l.say("starting Postgres with the demo's data")
	if err := l.startPostgres(); err != nil {
		return nil, err
	}
	l.primary, err = l.startPrimary(database)
	return l, err
}

// draw draws what a primary's people ask for, and leaves it for wrk.
func (l *lab) draw(primary *node, database string) (err error) {
	l.say("signing people in")
	if l.people, err = l.signIn(primary, database); err != nil {
		return err
	}
	l.say("asking Outpost for every list")
	if l.load, err = l.newWorkload(primary, l.people); err != nil {
		return err
	}
	return l.scripts()
}

// say tells what takes a while, to those who watch.
func (l *lab) say(format string, args ...any) {
	fmt.Fprintf(l.stdout, format+" …\n", args...)
}

// need looks for the programs that this run takes, before it begins.
func need(o options) error {
	programs := []string{"wrk"}
	for name, program := range map[string]string{"nginx": "nginx", "varnish": "varnishd", "aside-hit": "redis-server", "aside-miss": "redis-server"} {
		if slices.Contains(o.only, name) {
			programs = append(programs, program)
		}
	}
	for _, program := range programs {
		if _, err := find(program); err != nil {
			return fmt.Errorf("%s is not installed: run .ci/need nginx varnish wrk redis, or install it by hand (apt-get install nginx-light varnish wrk redis-server)", program)
		}
	}
	if _, err := os.Stat(o.outpost); err != nil {
		return fmt.Errorf("there is no program to measure: run make build, or name it by -outpost: %w", err)
	}
	return nil
}

// find also looks where Debian keeps daemons, which is in few people's PATH.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return exec.LookPath(filepath.Join("/usr/sbin", program))
	}
	return path, nil
}

// startPostgres starts one with the demo's data.
func (l *lab) startPostgres() error {
	o := pgcluster.Options{}
	if !l.quick { // which does not wait for the disk
		o = pgcluster.Options{Dir: filepath.Join(l.folder, "postgres"), Settings: map[string]string{
			"shared_buffers": "512MB", "fsync": "on", "synchronous_commit": "on", "wal_level": "logical", "max_connections": "200",
		}}
	}
	var err error
	if l.postgres, err = pgcluster.Start(l.ctx, o); err != nil {
		return fmt.Errorf("starting Postgres: %w", err)
	}
	return l.demo(database)
}

// demo makes a database with the demo of that size, and calls it so.
func (l *lab) demo(size string) error {
	if err := l.postgres.CreateDatabase(l.ctx, size); err != nil {
		return err
	}
	migrate := exec.CommandContext(l.ctx, l.outpost, "migrate")
	migrate.Env = append(os.Environ(), "DATABASE_URL="+l.postgres.URL(size))
	if out, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("outpost migrate: %w\n%s", err, out)
	}
	o := seed.Options{Size: seed.Size(size), Log: slog.New(slog.DiscardHandler)}
	if l.quick {
		o.Size, o.Courses = database, 1
	}
	if err := seed.Run(l.ctx, l.postgres.URL(size), o); err != nil {
		return err
	}
	return l.withDatabase(size, func(conn *pgx.Conn) error {
		for _, statement := range prepare {
			if _, err := conn.Exec(l.ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

func (l *lab) withDatabase(database string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(l.ctx, l.postgres.URL(database))
	if err != nil {
		return fmt.Errorf("connecting to Postgres: %w", err)
	}
	defer conn.Close(context.WithoutCancel(l.ctx))
	return do(conn)
}

// close ends every process, the last one first, and removes every file.
func (l *lab) close() error {
	l.fail(nil)
	var errs []error
	for _, p := range slices.Backward(l.processes) {
		errs = append(errs, p.End(grace))
	}
	if l.postgres != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		errs = append(errs, l.postgres.Stop(ctx))
	}
	for _, folder := range append(l.folders, l.folder) {
		if folder != "" {
			errs = append(errs, os.RemoveAll(folder))
		}
	}
	return errors.Join(errs...)
}

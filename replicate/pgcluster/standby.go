package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
)

// Standby makes another cluster that follows this one by streaming replication, as a
// standby of production does, until it is promoted (SELECT pg_promote()). It lives in a
// temporary folder and has this one's superuser and password.
func (c *Cluster) Standby(ctx context.Context, o Options) (*Cluster, error) {
	if o.Dir != "" {
		return nil, errors.New("a standby lives in a temporary folder: leave Dir empty")
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	h, err := openHome("")
	if err != nil {
		return nil, err
	}
	s := &Cluster{home: h, bin: c.bin, settings: o.Settings, log: log}
	h.password = c.home.password
	if err := s.follow(ctx, c.home.port); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return s, nil
}

func (c *Cluster) follow(ctx context.Context, port int) error {
	h := c.home
	if err := os.WriteFile(h.path("password"), []byte(h.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("keeping the standby's password: %w", err)
	}
	if err := os.Mkdir(h.data, 0o700); err != nil {
		return fmt.Errorf("creating the folder of the standby: %w", err)
	}
	if h.account != nil {
		if err := os.Chown(h.data, int(h.account.Uid), int(h.account.Gid)); err != nil {
			return fmt.Errorf("giving %s to Postgres' account: %w", h.data, err)
		}
	}
	cmd := command(h, c.bin.path("pg_basebackup"), []string{
		"-h", "127.0.0.1", "-p", strconv.Itoa(port), "-U", superuser, "-D", h.data,
		"--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync",
	})
	cmd.Env = append(cmd.Env, "PGPASSWORD="+h.password)
	if out, err := run(ctx, cmd); err != nil {
		return fmt.Errorf("copying the primary (pg_basebackup): %w: %s", err, lastLine(out))
	}
	return c.launch(ctx)
}

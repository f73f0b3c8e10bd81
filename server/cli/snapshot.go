package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"outpost/replicate/replica"
	"outpost/server/config"
)

type snapshotCommand struct {
	Out     string `help:"The file to write: a SQLite file, compressed with zstd." required:"" placeholder:"FILE"`
	Replica string `help:"The replica; if not given, that of the node whose folder is OUTPOST_DATA." placeholder:"FILE"`
	Force   bool   `help:"Overwrite FILE if it is there."`
}

func (c *snapshotCommand) Run(ctx context.Context, out io.Writer) (err error) {
	from := c.Replica
	if from == "" {
		from = config.ReplicaFile(config.Data(os.LookupEnv))
	}
	if err := c.check(); err != nil {
		return err
	}
	switch _, err := replica.Inspect(ctx, from); {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no replica at %s: set OUTPOST_DATA to the folder of the node, or name one with --replica", from)
	case errors.Is(err, replica.ErrNoReplica):
		return fmt.Errorf("%s is no replica: name one with --replica", from)
	case err != nil:
		return err
	}
	// On the disk of the target, so that it can be moved into its place whole.
	folder, err := os.MkdirTemp(filepath.Dir(c.Out), ".outpost-snapshot-")
	if err != nil {
		return fmt.Errorf("making a snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	plain, packed := filepath.Join(folder, "plain"), filepath.Join(folder, "packed")
	state, err := replica.Duplicate(ctx, from, plain)
	if err != nil {
		return err
	}
	whole, err := os.Stat(plain)
	if err != nil {
		return fmt.Errorf("making a snapshot: %w", err)
	}
	size, err := replica.Compress(ctx, plain, packed)
	if err != nil {
		return err
	}
	// It took a while: somebody else may have written there.
	if err := c.check(); err != nil {
		return err
	}
	if err := os.Rename(packed, c.Out); err != nil {
		return fmt.Errorf("making a snapshot: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s: position %s, %d bytes, %d unpacked\n", c.Out, state.Position, size, whole.Size())
	return err
}

// check refuses what is no place for a file.
func (c *snapshotCommand) check() error {
	if c.Out == "-" {
		return usageError{errors.New("--out: a snapshot is not for a terminal or a pipe; name a file")}
	}
	switch info, err := os.Stat(c.Out); {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking for %s: %w", c.Out, err)
	case !info.Mode().IsRegular():
		return usageError{fmt.Errorf("--out: %s is no file; name one", c.Out)}
	case !c.Force:
		return fmt.Errorf("%s is there already: name another file, or overwrite it with --force", c.Out)
	}
	return nil
}

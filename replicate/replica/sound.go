package replica

import (
	"context"
	"fmt"
)

// Sound looks through the structure of a replica file that nobody writes to, as Open and
// Swap do.
func Sound(ctx context.Context, path string) error {
	err := withFile(path, "ro", func(c *conn) error { return quickCheck(ctx, c, "", checkTime) })
	if err != nil {
		return fmt.Errorf("looking through %s: %w", path, err)
	}
	return nil
}

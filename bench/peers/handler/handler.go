// Package handler has the peers that are written in Go, as plainly as somebody would who
// knows the libraries: a list of people answered from memory, from SQLite, from Postgres, and
// from Redis before Postgres.
//
// They answer what Outpost answers to the requests of the measurement, byte for byte, and
// nothing else. They know none of its machinery but, where that is what is compared, its SQL.
package handler

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Serve answers until ctx ends: args are the kind of handler and an address. What else it
// needs is in the environment, where a database's password is not seen by others.
func Serve(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("peers serve takes a kind of handler and an address")
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	end := func() {}
	var err error
	switch args[0] {
	case "bytes":
		err = serveBytes(app, os.Getenv("PEERS_ANSWERS"))
	default:
		err = fmt.Errorf("there is no handler %q", args[0])
	}
	if err != nil {
		return err
	}
	defer end()
	stop := context.AfterFunc(ctx, func() {
		_ = app.ShutdownWithTimeout(time.Second) // wrk is gone by then
	})
	defer stop()
	if err := app.Listen(args[1]); err != nil {
		return fmt.Errorf("listening on %s: %w", args[1], err)
	}
	return nil
}

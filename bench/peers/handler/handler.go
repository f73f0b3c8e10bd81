// Package handler has the peers that are written in Go, as plainly as somebody would who
// knows the libraries: a list of people answered from memory, from SQLite, from Postgres, and
// from Redis before Postgres.
//
// They answer what Outpost answers to the requests of the measurement, byte for byte, and
// nothing else. They know none of its machinery but, where that is what is compared, its SQL.
package handler

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofiber/fiber/v2"
)

// The environment of a handler, where a database's password is not seen by others.
const (
	EnvAnswers  = "PEERS_ANSWERS"  // file of what the handler from memory says
	EnvReplica  = "PEERS_REPLICA"  // SQLite file
	EnvPostgres = "PEERS_POSTGRES" // URL
	EnvKeys     = "PEERS_KEYS"     // the product's JWKS
	EnvRedis    = "PEERS_REDIS"    // address
	EnvNothing  = "PEERS_NOTHING"  // set: nothing that is asked for is in Redis
)

// kinds are the handlers there are. Each gives what ends it.
func kinds() map[string]func(context.Context, *fiber.App) (end func() error, err error) {
	return map[string]func(context.Context, *fiber.App) (func() error, error){
		"bytes": serveBytes, "sqlite": serveSQLite, "pgx": servePostgres, "aside": serveAside,
	}
}

// Serve answers until ctx ends: args are the kind of handler and an address.
func Serve(ctx context.Context, args []string) error {
	if len(args) != 2 || kinds()[args[0]] == nil {
		return errors.New("peers serve takes a kind of handler (bytes, sqlite, pgx, aside) and an address")
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	end, err := kinds()[args[0]](ctx, app)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		_ = app.ShutdownWithTimeout(time.Second) // wrk is gone by then
	})
	defer stop()
	if err := app.Listen(args[1]); err != nil {
		return errors.Join(fmt.Errorf("listening on %s: %w", args[1], err), end())
	}
	return end()
}

// setting is a variable of the environment that has to be there.
func setting(name string) (string, error) {
	if v := os.Getenv(name); v != "" {
		return v, nil
	}
	return "", fmt.Errorf("%s is not set", name)
}

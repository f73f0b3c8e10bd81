package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// subscriber is a second Postgres, fresh for each round.
type subscriber struct {
	lab    *lab
	db     *database
	server *server
	conn   *pgx.Conn
	far    *far
}

func (d *database) subscriber() (_ *subscriber, err error) {
	l := d.lab
	s := &subscriber{lab: l, db: d}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.server, err = l.server(); err != nil {
		return nil, err
	}
	url := s.server.URL("postgres")
	if err := execute(l.ctx, url, createTable, "CHECKPOINT"); err != nil {
		return nil, err
	}
	if s.conn, err = pgx.Connect(l.ctx, url); err != nil {
		return nil, fmt.Errorf("connecting to the subscriber: %w", err)
	}
	s.far, err = openSubscriber(l.ctx, url)
	return s, err
}

// subscribe begins with the copy of what is there; all options are Postgres' defaults.
func (s *subscriber) subscribe() error {
	_, err := s.conn.Exec(s.lab.ctx, fmt.Sprintf("CREATE SUBSCRIPTION bench CONNECTION '%s' PUBLICATION native", s.db.url))
	if err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	return nil
}

// synchronised waits until the table is copied and follows the subscription's own stream.
func (s *subscriber) synchronised() error {
	return wait(s.lab.ctx, 5*time.Millisecond, "the subscription follows", func(ctx context.Context) (ready bool, err error) {
		err = s.conn.QueryRow(ctx, "SELECT coalesce(bool_and(srsubstate = 'r'), false) FROM pg_subscription_rel").Scan(&ready)
		return ready, err
	})
}

func (s *subscriber) close() error {
	var errs []error
	if s.far != nil {
		errs = append(errs, s.far.close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close(context.WithoutCancel(s.lab.ctx)))
	}
	if s.server != nil {
		errs = append(errs, s.server.close())
	}
	return errors.Join(errs...)
}

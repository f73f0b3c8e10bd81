package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"outpost/bench/peers/handler"
)

// startBytes starts the bare handler, with all that Outpost has answered.
func (l *lab) startBytes(s *side) error {
	answers := make(map[string]handler.Answer, len(l.load.keys))
	for _, k := range l.load.keys {
		a := handler.Answer{Body: string(k.body)}
		for name, values := range k.header {
			a.Header = append(a.Header, [2]string{name, values[0]})
		}
		answers[k.path] = a
	}
	text, err := json.Marshal(answers)
	if err != nil {
		return err
	}
	path := filepath.Join(l.folder, "answers.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("writing what the bare handler answers: %w", err)
	}
	return l.startOwn(s, "bytes", handler.EnvAnswers+"="+path)
}

// startSQLite starts the one over the edge's replica.
func (l *lab) startSQLite(s *side) error {
	path, err := l.replica()
	if err != nil {
		return err
	}
	return l.startOwn(s, "sqlite", handler.EnvReplica+"="+path)
}

// startPgx starts the one that asks Postgres.
func (l *lab) startPgx(s *side) error {
	env, err := l.postgresEnv()
	if err != nil {
		return err
	}
	s.postgres = true
	return l.startOwn(s, "pgx", env...)
}

// postgresEnv is what a handler needs to check a token and to ask Postgres.
func (l *lab) postgresEnv() ([]string, error) {
	keys, err := l.primary.send(l.ctx, http.MethodGet, "/.well-known/jwks.json", "", nil)
	return []string{handler.EnvPostgres + "=" + l.postgres.URL(database), handler.EnvKeys + "=" + string(keys.body)}, err
}

// startAside starts the one with a Redis before Postgres; that of misses finds nothing there.
func (l *lab) startAside(s *side) error {
	env, err := l.postgresEnv()
	if err != nil {
		return err
	}
	if s.redis, err = l.startRedis(s); err != nil {
		return err
	}
	env = append(env, handler.EnvRedis+"="+s.redis)
	if !s.warm {
		env = append(env, handler.EnvNothing+"=1")
	}
	s.postgres = true
	return l.startOwn(s, "aside", env...)
}

// startOwn starts this program as one of the handlers.
func (l *lab) startOwn(s *side, kind string, env ...string) (err error) {
	if s.addr, err = l.ports.Free(); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	p, err := l.start(s.name, env, program, "serve", kind, s.addr)
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	return l.listening(p, s.addr)
}

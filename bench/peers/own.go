package main

import (
	"encoding/json"
	"fmt"
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
	return l.startOwn(s, "bytes", "PEERS_ANSWERS="+path)
}

// startOwn starts this program as one of the handlers.
func (l *lab) startOwn(s *side, kind string, env ...string) (err error) {
	if s.addr, err = l.freePort(); err != nil {
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

// Package mailtest is a mail server for tests: a real one on loopback, which keeps what it takes and
// refuses whom it is told to.
package mailtest

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	// The server's half of SMTP, and of its logins.
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"outpost/server/mail/received"
)

// What the server takes from who logs in.
const (
	User     = "outpost"
	Password = "hunter2-of-the-mail-server"
)

// Message is a mail that was taken.
type Message struct {
	received.Mail
	To string
}

// Server takes mail until its test ends.
type Server struct {
	t      testing.TB
	addr   string
	refuse func(to string) error

	mu       sync.Mutex
	messages []Message
	logins   int
	tries    map[string]int
	sessions int
}

// Refuse is an answer to a recipient; 5xx is for good.
func Refuse(code int, enhanced [3]int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode(enhanced), Message: text}
}

// Start listens on addr, host:port. refuse says who is refused, with what Refuse gives; it may be nil.
func Start(t testing.TB, addr string, refuse func(to string) error) *Server {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, l, nil, refuse)
}

// Serve is Start on a listener that the server closes. With a configuration, STARTTLS is offered, and
// where the listener is encrypted already, none is needed. A client that logs in must do so as User
// with Password.
func Serve(t testing.TB, l net.Listener, encryption *tls.Config, refuse func(to string) error) *Server {
	t.Helper()
	s := &Server{t: t, addr: l.Addr().String(), refuse: refuse, tries: make(map[string]int)}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return s.begin(), nil }))
	server.EnableSMTPUTF8, server.ErrorLog, server.TLSConfig = true, silent{}, encryption
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return s
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.addr }

// Messages are those that were taken, of one recipient, or of all where to is empty.
func (s *Server) Messages(to string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to == "" {
		return slices.Clone(s.messages)
	}
	var found []Message
	for _, m := range s.messages {
		if m.To == to {
			found = append(found, m)
		}
	}
	return found
}

// Tries is how often a recipient was named.
func (s *Server) Tries(to string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries[to]
}

// Logins is how many of them logged in.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Sessions is how many connections there were.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

func (s *Server) begin() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions++
	return &session{server: s}
}

// session is one connection's.
type session struct {
	server *Server
	to     string
}

var _ smtp.AuthSession = (*session)(nil)

// AuthMechanisms are what one can log in by.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth takes the one login there is.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		s.server.logins++
		return nil
	}), nil
}

// Mail begins a mail.
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes or refuses a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.tries[to]++
	if s.to = to; s.server.refuse != nil {
		return s.server.refuse(to)
	}
	return nil
}

// Data takes the mail. One that cannot be read, or is not a text and the same as HTML, fails the test.
func (s *session) Data(r io.Reader) error {
	m, err := received.Read(r)
	if err != nil {
		s.server.t.Errorf("a mail to %s cannot be read: %v", s.to, err)
		return err
	}
	want := "multipart/alternative"
	if len(m.Attachments) > 0 {
		want = "multipart/mixed"
	}
	if kind := m.Header.Get("Content-Type"); !strings.HasPrefix(kind, want) || m.Text == "" || m.HTML == "" {
		s.server.t.Errorf("a mail to %s is %q, with %d bytes of text and %d of HTML", s.to, kind, len(m.Text), len(m.HTML))
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.messages = append(s.server.messages, Message{m, s.to})
	return nil
}

// Reset forgets what was begun.
func (s *session) Reset() {}

// Logout ends the session.
func (s *session) Logout() error { return nil }

type silent struct{}

// Printf says nothing.
func (silent) Printf(string, ...any) {}

// Println says nothing.
func (silent) Println(...any) {}

package mail

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	// The server's half of SMTP, for tests and outpost dev.
	"github.com/emersion/go-smtp"
)

// server is a real one on loopback that keeps what it takes.
type server struct {
	addr   string
	refuse func(to string) error

	mu       sync.Mutex
	messages []string
	to       []string
	sessions int
}

type session struct {
	*server
	rcpt string
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions++
	return &session{server: s}, nil
}
func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.rcpt = to
	if s.refuse != nil {
		return s.refuse(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages, s.to = append(s.messages, string(b)), append(s.to, s.rcpt)
	return nil
}

func startServer(t *testing.T, refuse func(to string) error) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String(), refuse: refuse}
	srv := smtp.NewServer(s)
	srv.EnableSMTPUTF8, srv.ErrorLog = true, discard{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return s
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

func newSender(t *testing.T, addr string) *Sender {
	t.Helper()
	s, err := New(Config{URL: "smtp://" + addr, From: "Outpost <outpost@example.com>", PublicURL: "https://training.example.com/", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func send(ctx context.Context, s *Sender, letters ...Letter) map[int64]error {
	results := make(map[int64]error)
	s.Send(ctx, letters, func(l Letter, err error) { results[l.ID] = err })
	return results
}

func letter(id int64, kind Kind, to, locale string) Letter {
	return Letter{
		ID: id, Kind: kind, To: to, Locale: locale, Written: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC),
		Content: Content{Name: "Ände <b>", Company: "Müller\r\nBcc: evil@example.com\n\n& Söhne", Inviter: "Ada", Token: "opi_secret"},
	}
}

// read parses a message into its header and its two texts.
func read(t *testing.T, message string) (header netmail.Header, text, html string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m.Header, text, html
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		content := strings.ReplaceAll(string(b), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			html = content
		} else {
			text = content
		}
	}
}

func TestEveryKindArrivesInBothLanguages(t *testing.T) {
	server := startServer(t, nil)
	var letters []Letter
	for _, locale := range languages() {
		for _, kind := range Kinds() {
			letters = append(letters, letter(int64(len(letters)+1), kind, "änne@example.com", locale))
		}
	}
	for id, err := range send(t.Context(), newSender(t, server.addr), letters...) {
		if err != nil {
			t.Errorf("letter %d: %v", id, err)
		}
	}
	if len(server.messages) != len(letters) || server.sessions != 1 {
		t.Fatalf("%d messages in %d connections", len(server.messages), server.sessions)
	}
	subjects := make(map[string]bool)
	for i, message := range server.messages {
		l := letters[i]
		header, text, html := read(t, message)
		subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
		if err != nil || subjects[subject] {
			t.Errorf("the subject %q: %v", subject, err)
		}
		subjects[subject] = true
		if server.to[i] != l.To || header.Get("Bcc") != "" || header.Get("Auto-Submitted") != "auto-generated" || !strings.HasPrefix(header.Get("Message-Id"), "<outbox-") {
			t.Errorf("to %s, header %v", server.to[i], header)
		}
		if !strings.Contains(text, "Müller Bcc: evil@example.com & Söhne") || !strings.Contains(text, "Ände <b>") {
			t.Errorf("%s in %s says %q", l.Kind, l.Locale, text)
		}
		if strings.Contains(html, "Ände <b>") || !strings.Contains(html, "Ände &lt;b&gt;") || !strings.Contains(html, `lang="`+l.Locale+`"`) {
			t.Errorf("%s in %s says %q", l.Kind, l.Locale, html)
		}
		withToken := l.Kind == Invitation || l.Kind == FirstPassword || l.Kind == PasswordReset
		link := map[Kind]string{Invitation: "invitation", FirstPassword: "password", PasswordReset: "password"}[l.Kind]
		if strings.Contains(message, "opi_secret") != withToken {
			t.Errorf("%s holds the token: %v", l.Kind, !withToken)
		}
		if withToken && (!strings.Contains(text, "\n\nhttps://training.example.com/"+link+"#token=opi_secret\n\n") || !strings.Contains(text, "\n\nopi_secret\n") ||
			!strings.Contains(html, `<a href="https://training.example.com/`+link+`#token=opi_secret">`) || !strings.Contains(html, "<code>opi_secret</code>")) {
			t.Errorf("%s in %s lacks its link or token:\n%s\n%s", l.Kind, l.Locale, text, html)
		}
	}
}

func TestARefusedRecipientKeepsNoOtherFromTheirMail(t *testing.T) {
	server := startServer(t, func(to string) error {
		switch to {
		case "gone@example.com":
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no mailbox " + to}
		case "full@example.com":
			return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "full mailbox " + to}
		}
		return nil
	})
	results := send(t.Context(), newSender(t, server.addr), letter(1, Invitation, "gone@example.com", "en"), letter(2, Invitation, "full@example.com", "en"),
		letter(3, Invitation, "one@example.com", "en"), letter(4, Invitation, "not an address", "en"), letter(5, "gossip", "one@example.com", "en"))
	for id, want := range map[int64]*Error{
		1: {"sending SMTP RCPT TO command was answered 550 5.1.1", true}, 2: {"sending SMTP RCPT TO command was answered 452 4.2.2", false}, 3: nil,
		4: {"the recipient's address cannot be used", true}, 5: {`there is no mail of the kind "gossip"`, true},
	} {
		var got *Error
		if errors.As(results[id], &got); (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("letter %d: %v, want %v", id, results[id], want)
		}
	}
	if len(server.messages) != 1 || server.to[0] != "one@example.com" {
		t.Errorf("sent to %q", server.to)
	}
}

func TestAServerThatIsAwayOrSilentIsTemporary(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, l := range map[string]net.Listener{"silent": silent, "away": closed} {
		results := send(t.Context(), newSender(t, l.Addr().String()), letter(1, Invitation, "one@example.com", "en"), letter(2, Invitation, "two@example.com", "en"))
		for id := range int64(2) {
			var got *Error
			if !errors.As(results[id+1], &got) || got.Permanent || strings.Contains(got.Reason, "@") {
				t.Errorf("%s: letter %d: %v", name, id+1, results[id+1])
			}
		}
	}
	// Whoever stops is not told of letters that were not begun.
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if results := send(ctx, newSender(t, silent.Addr().String()), letter(1, Invitation, "one@example.com", "en")); len(results) != 0 {
		t.Errorf("%v", results)
	}
}

func TestAPasswordNeedsEncryption(t *testing.T) {
	server := startServer(t, nil)
	s, err := New(Config{URL: "smtp://user:hunter2secret@" + server.addr, From: "outpost@example.com", PublicURL: "https://x.example", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var got *Error
	if errors.As(send(t.Context(), s, letter(1, Invitation, "one@example.com", "en"))[1], &got); got == nil || got.Permanent {
		t.Errorf("%v", got)
	}
	if len(server.messages) != 0 {
		t.Error("the mail was sent")
	}
}

func TestWrongSettingsAreRefusedWithoutRepeatingThePassword(t *testing.T) {
	for _, c := range []Config{
		{URL: "http://user:hunter2secret@host", From: "a@example.com"},
		{URL: "smtp://user:hunter2secret@host:port", From: "a@example.com"},
		{URL: "smtp://user:hunter2secret@", From: "a@example.com"},
		{URL: "smtp://user:hunter2secret@host:70000", From: "a@example.com"},
		{URL: "smtp://host", From: "nobody"},
		{URL: "smtp://host", From: ""},
	} {
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "hunter2secret") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

package mail

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"outpost/server/mail/mailtest"
)

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
	s.Send(ctx, letters, agree, func(l Letter, err error) { results[l.ID] = err })
	return results
}

func agree(Letter) error { return nil }

func letter(id int64, kind Kind, to, locale string) Letter {
	return Letter{
		ID: id, Kind: kind, To: to, Locale: locale, Written: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC),
		Content: Content{
			Name: "Ände <b>", Company: "Müller\r\nBcc: evil@example.com\n\n& Söhne", Inviter: "Ada", Token: "opi_secret",
			Courses:  []Course{{"Überfällig <i>\n\nx", "2026-03-31", true}, {"Bald", "2026-12-04", false}},
			Document: &Document{Type: "gdpr", Subject: "Müller\r\nBcc: evil@example.com\n\n& Söhne", MadeOn: "2026-11-25"},
		},
	}
}

func TestEveryKindArrivesInBothLanguages(t *testing.T) {
	server := mailtest.Start(t, "127.0.0.1:0", nil)
	var letters []Letter
	for _, locale := range languages() {
		for _, kind := range Kinds() {
			letters = append(letters, letter(int64(len(letters)+1), kind, "änne@example.com", locale))
		}
	}
	for id, err := range send(t.Context(), newSender(t, server.Addr()), letters...) {
		if err != nil {
			t.Errorf("letter %d: %v", id, err)
		}
	}
	messages := server.Messages("")
	if len(messages) != len(letters) || server.Sessions() != 1 {
		t.Fatalf("%d messages in %d connections", len(messages), server.Sessions())
	}
	subjects := make(map[string]bool)
	for i, m := range messages {
		l := letters[i]
		header, text, html := m.Header, m.Text, m.HTML
		if m.Subject == "" || subjects[m.Subject] {
			t.Errorf("the subject is %q", m.Subject)
		}
		subjects[m.Subject] = true
		if m.To != l.To || header.Get("Bcc") != "" || header.Get("Auto-Submitted") != "auto-generated" || !strings.HasPrefix(header.Get("Message-Id"), "<outbox-") {
			t.Errorf("to %s, header %v", m.To, header)
		}
		if !strings.Contains(text, "Müller Bcc: evil@example.com & Söhne") || !strings.Contains(text, "Ände <b>") {
			t.Errorf("%s in %s says %q", l.Kind, l.Locale, text)
		}
		if strings.Contains(html, "Ände <b>") || !strings.Contains(html, "Ände &lt;b&gt;") || !strings.Contains(html, `lang="`+l.Locale+`"`) {
			t.Errorf("%s in %s says %q", l.Kind, l.Locale, html)
		}
		withToken := l.Kind == Invitation || l.Kind == FirstPassword || l.Kind == PasswordReset
		link := map[Kind]string{Invitation: "invitation", FirstPassword: "password", PasswordReset: "password"}[l.Kind]
		if strings.Contains(text+html, "opi_secret") != withToken {
			t.Errorf("%s holds the token: %v", l.Kind, !withToken)
		}
		if withToken && (!strings.Contains(text, "\n\nhttps://training.example.com/"+link+"#token=opi_secret\n\n") || !strings.Contains(text, "\n\nopi_secret\n") ||
			!strings.Contains(html, `<a href="https://training.example.com/`+link+`#token=opi_secret">`) || !strings.Contains(html, "<code>opi_secret</code>")) {
			t.Errorf("%s in %s lacks its link or token:\n%s\n%s", l.Kind, l.Locale, text, html)
		}
	}
}

func TestARefusedRecipientKeepsNoOtherFromTheirMail(t *testing.T) {
	server := mailtest.Start(t, "127.0.0.1:0", func(to string) error {
		switch to {
		case "gone@example.com":
			return mailtest.Refuse(550, [3]int{5, 1, 1}, "no mailbox "+to)
		case "full@example.com":
			return mailtest.Refuse(452, [3]int{4, 2, 2}, "full mailbox "+to)
		}
		return nil
	})
	results := send(t.Context(), newSender(t, server.Addr()), letter(1, Invitation, "gone@example.com", "en"), letter(2, Invitation, "full@example.com", "en"),
		letter(3, Invitation, "one@example.com", "en"), letter(4, Invitation, "not an address", "en"), letter(5, "gossip", "one@example.com", "en"))
	for id, want := range map[int64]*Error{
		1: permanent("RCPT was answered 550 5.1.1"), 2: temporary("RCPT was answered 452 4.2.2"), 3: nil,
		4: permanent("the recipient's address cannot be used"), 5: permanent(`there is no mail of the kind "gossip"`),
	} {
		var got *Error
		if errors.As(results[id], &got); (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("letter %d: %v, want %v", id, results[id], want)
		}
	}
	if messages := server.Messages(""); len(messages) != 1 || messages[0].To != "one@example.com" {
		t.Errorf("sent %+v", messages)
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
	server := mailtest.Start(t, "127.0.0.1:0", nil)
	s, err := New(Config{URL: "smtp://user:hunter2secret@" + server.Addr(), From: "outpost@example.com", PublicURL: "https://x.example", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var got *Error
	if errors.As(send(t.Context(), s, letter(1, Invitation, "one@example.com", "en"))[1], &got); got == nil || got.Permanent || !strings.Contains(got.Reason, "STARTTLS") {
		t.Errorf("%v", got)
	}
	if len(server.Messages("")) != 0 {
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

// encrypted gives a server's certificate for 127.0.0.1, and the pool that trusts it.
func encrypted(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}, MinVersion: tls.VersionTLS12}, pool
}

func TestAPasswordTravelsEncrypted(t *testing.T) {
	configuration, pool := encrypted(t)
	for scheme, listen := range map[string]func() (net.Listener, error){
		"smtp":  func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
		"smtps": func() (net.Listener, error) { return tls.Listen("tcp", "127.0.0.1:0", configuration) },
	} {
		t.Run(scheme, func(t *testing.T) {
			l, err := listen()
			if err != nil {
				t.Fatal(err)
			}
			offered := configuration
			if scheme == "smtps" {
				offered = nil
			}
			server := mailtest.Serve(t, l, offered, nil)
			for name, test := range map[string]struct {
				password string
				roots    *x509.CertPool
				want     string
			}{
				"right": {mailtest.Password, pool, ""},
				"wrong": {"wrong", pool, "it answered 535"},
				// The certificate is nobody's that is known.
				"forged": {mailtest.Password, x509.NewCertPool(), "certificate"},
			} {
				s, err := New(Config{
					URL: scheme + "://" + mailtest.User + ":" + test.password + "@" + server.Addr(), From: "outpost@example.com",
					PublicURL: "https://x.example", Timeout: 5 * time.Second, roots: test.roots,
				})
				if err != nil {
					t.Fatal(err)
				}
				err = send(t.Context(), s, letter(1, Invitation, "one@example.com", "en"))[1]
				var failed *Error
				if test.want == "" && err != nil || test.want != "" && (!errors.As(err, &failed) || failed.Permanent || !strings.Contains(failed.Reason, test.want)) {
					t.Errorf("%s: %v", name, err)
				}
				if err != nil && strings.Contains(err.Error(), test.password) {
					t.Errorf("%s: %v repeats the password", name, err)
				}
			}
			if server.Logins() != 1 || len(server.Messages("one@example.com")) != 1 {
				t.Errorf("%d logins, %d messages", server.Logins(), len(server.Messages("")))
			}
		})
	}
}

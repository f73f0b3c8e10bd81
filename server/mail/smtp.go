package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	// go-mail writes MIME and speaks SMTP with today's TLS and authentication; the standard library's
	// net/smtp is frozen and writes no messages.
	gomail "github.com/wneessen/go-mail"
)

// DefaultTimeout is how long a connection may take to open, and each letter to be sent.
const DefaultTimeout = 15 * time.Second

// Config says how to send.
type Config struct {
	// URL of the mail server: smtp://user:password@host:587 or smtps://host:465. With a user the
	// connection is encrypted or there is none; without, it is where the server can.
	URL       string
	From      string        // an address, or Name <address>
	PublicURL string        // where the letters' links lead
	Timeout   time.Duration // 0: DefaultTimeout

	roots *x509.CertPool // of tests; nil: the system's
}

func (c Config) tls(host string) *tls.Config {
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: c.roots}
}

// Sender sends letters. It is safe for concurrent use: each Send has a connection of its own.
type Sender struct {
	config    Config
	from      string
	domain    string
	templates *templates
}

// New makes a Sender. Nothing is connected yet. Its errors do not repeat the URL, which may hold a
// password.
func New(c Config) (*Sender, error) {
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("the sender %q is not a mail address: %w", c.From, err)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	s := &Sender{config: c, from: from.String(), domain: from.Address[strings.LastIndexByte(from.Address, '@')+1:]}
	if s.templates, err = newTemplates(c.PublicURL); err != nil {
		return nil, err
	}
	if _, err = newClient(c, nil); err != nil {
		return nil, err
	}
	return s, nil
}

// opened is the connection of a client, which go-mail forgets to close when a greeting, TLS or
// authentication fails.
type opened struct {
	net.Conn
}

func (o *opened) dial(ctx context.Context, network, address string, tlsConfig *tls.Config) (conn net.Conn, err error) {
	if tlsConfig == nil {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
	} else {
		conn, err = (&tls.Dialer{Config: tlsConfig}).DialContext(ctx, network, address)
	}
	o.Conn = conn
	return conn, err
}

func (o *opened) close() {
	if o.Conn != nil {
		_ = o.Conn.Close() // whatever was sent has been acknowledged
	}
}

func newClient(c Config, o *opened) (*gomail.Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, errors.New("the mail server's URL must be smtp://user:password@host:587 or smtps://user:password@host:465")
	}
	port, policy := 587, gomail.TLSOpportunistic
	var tlsConfig *tls.Config
	options := []gomail.Option{gomail.WithTimeout(c.Timeout)}
	if u.Scheme == "smtps" {
		// Dialled encrypted, and then seen to be so by go-mail; its own WithSSL does not see it through a
		// dialler of ours, and would keep the password back.
		port, tlsConfig = 465, c.tls(u.Hostname())
	}
	options = append(options, gomail.WithTLSConfig(c.tls(u.Hostname())))
	if o != nil {
		options = append(options, gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			return o.dial(ctx, network, address, tlsConfig)
		}))
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, errors.New("the port of the mail server's URL is not a number")
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		if tlsConfig == nil {
			policy = gomail.TLSMandatory
		}
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	client, err := gomail.NewClient(u.Hostname(), append(options, gomail.WithPort(port), gomail.WithTLSPolicy(policy))...)
	if err != nil {
		return nil, fmt.Errorf("preparing to send mail: %w", err)
	}
	return client, nil
}

// Send sends letters, in their order, over one connection, and tells done of each at once what
// became of it: nil, or an *Error. When ctx ends it begins no other letter, and those are not told
// of; the one that is on its way is finished, which the timeout bounds.
func (s *Sender) Send(ctx context.Context, letters []Letter, done func(l Letter, err error)) {
	var o opened
	defer o.close()
	client, err := newClient(s.config, &o)
	if err != nil {
		return // cannot be: New has made one
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return
		}
		for _, l := range letters {
			done(l, temporary("connecting to the mail server: %s", cause(err)))
		}
		return
	}
	defer func() {
		_ = client.CloseWithSMTPClient(connection) // a server that takes no leave changes nothing
	}()
	for _, l := range letters {
		if ctx.Err() != nil {
			return
		}
		message, err := s.message(l)
		if err == nil {
			err = outcome(message, client.SendWithSMTPClient(connection, message))
		}
		done(l, err)
	}
}

// message is a letter as it travels.
func (s *Sender) message(l Letter) (*gomail.Msg, error) {
	words, err := s.templates.render(l)
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := m.From(s.from); err != nil {
		return nil, temporary("the sender's address cannot be used")
	}
	if err := m.AddTo(l.To); err != nil {
		return nil, permanent("the recipient's address cannot be used") // the cause would name it
	}
	m.Subject(words.subject)
	m.SetDateWithValue(l.Written)
	m.SetMessageIDWithValue(fmt.Sprintf("outbox-%d.%d@%s", l.ID, l.Written.Unix(), s.domain))
	m.SetGenHeader("Auto-Submitted", "auto-generated") // no out-of-office answers
	m.SetBodyString(gomail.TypeTextPlain, words.text)
	m.AddAlternativeString(gomail.TypeTextHTML, words.html)
	return m, nil
}

// outcome makes of go-mail's error, which names the recipient, one that does not.
func outcome(m *gomail.Msg, err error) error {
	var failed *gomail.SendError
	switch {
	case err == nil, m.IsDelivered():
		return nil // the server took it; that it then failed to reset is the next letter's trouble
	case !errors.As(err, &failed):
		return temporary("the connection to the mail server was lost")
	}
	reason := failed.Reason.String()
	if failed.ErrorCode() == 0 {
		return temporary("%s failed without an answer", reason)
	}
	reason = fmt.Sprintf("%s was answered %d %s", reason, failed.ErrorCode(), failed.EnhancedStatusCode())
	if failed.IsTemp() || failed.ErrorCode() < 500 {
		return temporary("%s", strings.TrimSpace(reason))
	}
	return permanent("%s", strings.TrimSpace(reason))
}

// cause says why there is no connection. A server's own words are left out, since they may repeat
// what it was told.
func cause(err error) string {
	var answer *textproto.Error
	var noise textproto.ProtocolError
	var network *net.OpError
	switch {
	case errors.As(err, &answer):
		return fmt.Sprintf("it answered %d", answer.Code)
	case errors.As(err, &noise):
		return "it does not speak SMTP"
	case errors.As(err, &network):
		return network.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "it did not answer in time"
	}
	return err.Error() // of TLS, or of what the server does not offer
}

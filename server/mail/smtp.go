package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	// go-mail writes MIME and speaks SMTP with today's TLS and authentication; the standard library's
	// net/smtp is frozen and writes no messages.
	gomail "github.com/wneessen/go-mail"
)

const (
	// DefaultTimeout is how long a connection may take to open, and each letter to be sent, beside what
	// is attached to it.
	DefaultTimeout = 15 * time.Second
	// slowest is how many bytes a second an attachment may take its time for.
	slowest = 128 << 10
)

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

// dial keeps the connection, which go-mail forgets to close when a greeting, TLS or authentication fails.
func (c *connection) dial(ctx context.Context, network, address string, tlsConfig *tls.Config) (conn net.Conn, err error) {
	if tlsConfig == nil {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
	} else {
		conn, err = (&tls.Dialer{Config: tlsConfig}).DialContext(ctx, network, address)
	}
	if err == nil {
		c.Conn = conn
	}
	return conn, err
}

func newClient(c Config, o *connection) (*gomail.Client, error) {
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

package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	// The server's half of SMTP: the regions send in earnest, only nobody passes it on.
	"github.com/emersion/go-smtp"

	"outpost/server/mail/received"
)

// Bounds of what is kept of mail.
const (
	maxMails       = 200 // the last
	maxMailBytes   = 16 << 20
	maxKept        = 64 << 20 // of what is attached to them; older files are forgotten first
	maxRecipients  = 10
	catcherTimeout = 30 * time.Second
)

// Mail is one that was caught.
type Mail struct {
	ID      int       `json:"id"` // grows
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	To      []string  `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	Files   []File    `json:"files"`
}

// File is what was attached to a mail.
type File struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
	URL   string `json:"url"`

	content []byte // nil: forgotten
}

// catcher takes every mail and keeps the last ones.
type catcher struct {
	listener net.Listener
	server   *smtp.Server

	mu    sync.Mutex
	mails []Mail // the oldest first
	last  int
	kept  int // bytes of files
}

// newCatcher listens on loopback, on a port of its own choice.
func newCatcher(ctx context.Context, log *slog.Logger) (*catcher, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a port for mail: %w", err)
	}
	c := &catcher{listener: l}
	c.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &envelope{catcher: c}, nil }))
	c.server.Domain, c.server.EnableSMTPUTF8 = "localhost", true
	c.server.MaxMessageBytes, c.server.MaxRecipients = maxMailBytes, maxRecipients
	c.server.ReadTimeout, c.server.WriteTimeout = catcherTimeout, catcherTimeout
	c.server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	return c, nil
}

// Run takes mail until ctx ends.
func (c *catcher) Run(ctx context.Context) error {
	unwatch := context.AfterFunc(ctx, func() { _ = c.server.Close() }) // Serve returns then
	defer unwatch()
	if err := c.server.Serve(c.listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return fmt.Errorf("taking mail: %w", err)
	}
	return nil
}

func (c *catcher) url() string { return "smtp://" + c.listener.Addr().String() }

// list gives the mails to an address, or all of them, the newest first.
func (c *catcher) list(to string) []Mail {
	c.mu.Lock()
	defer c.mu.Unlock()
	mails := []Mail{}
	for _, m := range slices.Backward(c.mails) {
		if to == "" || slices.ContainsFunc(m.To, func(a string) bool { return strings.EqualFold(a, to) }) {
			mails = append(mails, m)
		}
	}
	return mails
}

func (c *catcher) keep(m Mail) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	m.ID = c.last
	for i := range m.Files {
		m.Files[i].URL = fmt.Sprintf("/dev/mail/%d/files/%d", m.ID, i+1)
		c.kept += m.Files[i].Bytes
	}
	c.mails = append(c.mails, m)
	for i := 0; c.kept > maxKept && i < len(c.mails)-1; i++ {
		c.forget(c.mails[i].Files)
	}
	for len(c.mails) > maxMails {
		c.forget(c.mails[0].Files)
		c.mails = slices.Delete(c.mails, 0, 1)
	}
}

func (c *catcher) forget(files []File) {
	for i := range files {
		c.kept -= len(files[i].content)
		files[i].content = nil
	}
}

// file gives a file by where it is; false when it is not there, or not any more.
func (c *catcher) file(url string) (name string, content []byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.mails {
		for _, f := range m.Files {
			if f.URL == url && f.content != nil {
				return f.Name, f.content, true
			}
		}
	}
	return "", nil, false
}

// envelope is a mail on its way in.
type envelope struct {
	catcher *catcher
	to      []string
}

var _ smtp.Session = (*envelope)(nil)

// Mail begins one.
func (e *envelope) Mail(string, *smtp.MailOptions) error {
	e.to = nil
	return nil
}

// Rcpt takes every recipient.
func (e *envelope) Rcpt(to string, _ *smtp.RcptOptions) error {
	e.to = append(e.to, to)
	return nil
}

// Data keeps the mail.
func (e *envelope) Data(r io.Reader) error {
	m, err := received.Read(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "the message cannot be read"}
	}
	files := []File{}
	for _, a := range m.Attachments {
		files = append(files, File{Name: a.Name, Bytes: len(a.Content), content: append([]byte{}, a.Content...)})
	}
	e.catcher.keep(Mail{At: time.Now().UTC(), From: m.From, To: e.to, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Files: files})
	return nil
}

// Reset forgets what was begun.
func (e *envelope) Reset() { e.to = nil }

// Logout ends the session.
func (e *envelope) Logout() error { return nil }

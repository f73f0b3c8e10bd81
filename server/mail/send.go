package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// errNotBegun ends the sending of letters: whoever has them sent did not agree.
var errNotBegun = errors.New("the letter was not begun")

// Send sends letters, in their order, over one connection, or another one when that is lost, and tells
// done of each at once what became of it: nil, or an *Error. When ctx ends it begins no other letter, and
// those are not told of; the one that is on its way is finished, which the timeout bounds.
//
// begin is asked for each letter when the server has all of it and lacks only the sign that it is whole.
// Until then no server takes it; afterwards an *Error that is not Uncertain says that it was refused. An
// error of begin ends the sending: done is told neither of that letter nor of those behind it.
func (s *Sender) Send(ctx context.Context, letters []Letter, begin func(l Letter) error, done func(l Letter, err error)) {
	for len(letters) > 0 && ctx.Err() == nil {
		c, err := s.connect(ctx)
		if err != nil && ctx.Err() != nil {
			return
		}
		if err != nil {
			for _, l := range letters {
				done(l, temporary("connecting to the mail server: %s", cause(err)))
			}
			return
		}
		letters = s.sendOver(ctx, c, letters, begin, done)
	}
}

// sendOver sends letters while the connection is good, and gives those that are left for another.
func (s *Sender) sendOver(ctx context.Context, c *connection, letters []Letter, begin func(Letter) error, done func(Letter, error)) []Letter {
	defer c.close()
	for i, l := range letters {
		if ctx.Err() != nil {
			return nil
		}
		if i > 0 && c.reset() != nil {
			return letters[i:]
		}
		message, size, err := s.message(ctx, l)
		if err == nil {
			c.allowed = s.config.Timeout + time.Duration(size/slowest)*time.Second
			err = c.deliver(message, func() error { return begin(l) })
		}
		if errors.Is(err, errNotBegun) {
			return nil
		}
		if done(l, err); c.lost {
			return letters[i+1:]
		}
	}
	return nil
}

// message is a letter as it travels, with the size of what is attached to it.
func (s *Sender) message(ctx context.Context, l Letter) (*gomail.Msg, int, error) {
	words, err := s.templates.render(l)
	if err != nil {
		return nil, 0, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := m.From(s.from); err != nil {
		return nil, 0, temporary("the sender's address cannot be used")
	}
	if err := m.AddTo(l.To); err != nil {
		return nil, 0, permanent("the recipient's address cannot be used") // the cause would name it
	}
	m.Subject(words.subject)
	m.SetDateWithValue(l.Written)
	m.SetMessageIDWithValue(fmt.Sprintf("outbox-%d.%d@%s", l.ID, l.Written.Unix(), s.domain))
	m.SetGenHeader("Auto-Submitted", "auto-generated") // no out-of-office answers
	m.SetBodyString(gomail.TypeTextPlain, words.text)
	m.AddAlternativeString(gomail.TypeTextHTML, words.html)
	if l.Attachment == nil {
		return m, 0, nil
	}
	file, err := l.Attachment.Load(ctx)
	var failed *Error
	switch {
	case errors.As(err, &failed):
		return nil, 0, failed
	case err != nil:
		return nil, 0, temporary("what is attached cannot be read: %s", err)
	}
	m.AttachReadSeeker(file.Name, bytes.NewReader(file.Content), gomail.WithFileContentType(gomail.ContentType(file.Type)))
	return m, len(file.Content), nil
}

// connection is one to a mail server that has said that it will take letters.
type connection struct {
	net.Conn
	smtp    *smtp.Client
	allowed time.Duration // for the next letter
	lost    bool          // it is not known what the server would take a command for
}

func (s *Sender) connect(ctx context.Context) (*connection, error) {
	c := &connection{allowed: s.config.Timeout}
	client, err := newClient(s.config, c)
	if err == nil {
		c.smtp, err = client.DialToSMTPClientWithContext(ctx)
	}
	if err != nil {
		c.lost = true
		c.close()
	}
	return c, err
}

// reset makes the server forget the letter before, whatever became of it.
func (c *connection) reset() error {
	err := c.smtp.UpdateDeadline(c.allowed)
	if err == nil {
		err = c.smtp.Reset()
	}
	if err != nil {
		c.lost = true
	}
	return err
}

// deliver hands a message over.
func (c *connection) deliver(m *gomail.Msg, begin func() error) error {
	from, err := m.GetSender(false)
	if err != nil {
		return temporary("the sender's address cannot be used")
	}
	to, err := m.GetRecipients()
	if err != nil {
		return permanent("the recipient's address cannot be used")
	}
	if err := c.smtp.UpdateDeadline(c.allowed); err != nil {
		return c.failed("MAIL", err)
	}
	if err := c.smtp.Mail(from); err != nil {
		return c.failed("MAIL", err)
	}
	if err := c.smtp.Rcpt(to[0]); err != nil {
		return c.failed("RCPT", err)
	}
	body, err := c.smtp.Data()
	if err != nil {
		return c.failed("DATA", err)
	}
	// Any command from here on would end the letter, as if it were whole. So a connection on which it
	// was not ended is closed without a word.
	if _, err := m.WriteTo(body); err != nil {
		return c.failed("the letter", err)
	}
	if begin() != nil {
		c.lost = true
		return errNotBegun
	}
	if err := c.smtp.UpdateDeadline(c.allowed); err != nil {
		return c.failed("the letter", err)
	}
	if err := body.Close(); err != nil {
		refused := c.failed("the end of the letter", err)
		refused.Uncertain = c.lost
		return refused
	}
	return nil
}

// failed says what the server has against a step, without its words, which may name the recipient.
// Without an answer the connection is lost.
func (c *connection) failed(step string, err error) *Error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		c.lost = true
		return temporary("%s was not answered", step)
	}
	reason := fmt.Sprintf("%s was answered %d", step, answer.Code)
	var class, subject, detail int
	if n, _ := fmt.Sscanf(answer.Msg, "%d.%d.%d", &class, &subject, &detail); n == 3 { // RFC 2034
		reason += fmt.Sprintf(" %d.%d.%d", class, subject, detail)
	}
	if answer.Code < 500 {
		return temporary("%s", reason)
	}
	return permanent("%s", reason)
}

// close takes leave where that can be done.
func (c *connection) close() {
	if !c.lost {
		_ = c.smtp.Quit() // a server that takes no leave changes nothing
	}
	if c.Conn != nil {
		_ = c.Conn.Close() // whatever was sent has been acknowledged, or is uncertain
	}
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

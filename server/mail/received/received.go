// Package received reads a mail as it arrives, for who shows it: the development world's mailbox and
// the tests. It bounds the parts, not the bytes: the server that took the mail has done that.
package received

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// maxParts is more than a text and the same as HTML.
const maxParts = 10

// Mail is what a mail says.
type Mail struct {
	Header  mail.Header
	From    string
	Subject string
	Text    string
	HTML    string
}

// Read reads a mail of one part or several. Of a kind that is neither text nor HTML nothing is kept.
func Read(r io.Reader) (Mail, error) {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return Mail{}, fmt.Errorf("reading a mail: %w", err)
	}
	m := Mail{Header: message.Header, From: header(message, "From"), Subject: header(message, "Subject")}
	kind, parameters, err := mime.ParseMediaType(cmp.Or(message.Header.Get("Content-Type"), "text/plain"))
	if err != nil {
		return Mail{}, fmt.Errorf("reading a mail's type: %w", err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		err := m.add(kind, message.Header.Get("Content-Transfer-Encoding"), message.Body)
		return m, err
	}
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	for range maxParts {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return Mail{}, fmt.Errorf("reading a part of a mail: %w", err)
		}
		if err := m.add(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err != nil {
			return Mail{}, err
		}
	}
	return m, nil
}

// header is a header's text; what cannot be decoded is shown as it came.
func header(m *mail.Message, name string) string {
	raw := m.Header.Get(name)
	if decoded, err := new(mime.WordDecoder).DecodeHeader(raw); err == nil {
		return decoded
	}
	return raw
}

func (m *Mail) add(kind, encoding string, r io.Reader) error {
	if strings.EqualFold(encoding, "quoted-printable") {
		r = quotedprintable.NewReader(r)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("reading a mail's text: %w", err)
	}
	content := strings.ToValidUTF8(strings.ReplaceAll(string(b), "\r\n", "\n"), "\uFFFD")
	switch {
	case strings.HasPrefix(kind, "text/html"):
		m.HTML = content
	case strings.HasPrefix(kind, "text/plain"):
		m.Text = content
	}
	return nil
}

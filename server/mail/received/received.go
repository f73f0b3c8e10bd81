// Package received reads a mail as it arrives, for who shows it: the development world's mailbox and
// the tests. It bounds the parts and how deep they lie, not the bytes: the server that took the mail has
// done that.
package received

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

const (
	// maxParts is more than a text, the same as HTML, and something attached.
	maxParts = 10
	// maxDepth is how deep parts may lie in parts.
	maxDepth = 3
)

// Mail is what a mail says.
type Mail struct {
	Header  mail.Header
	From    string
	Subject string
	Text    string
	HTML    string
	// Attachments are the parts that have a file's name.
	Attachments []Attachment
}

// Attachment is a file that came with a mail.
type Attachment struct {
	Name    string
	Type    string // as it came, and not to be trusted
	Content []byte
}

// Read reads a mail of one part or several. Of a kind that is neither text nor HTML, and no file,
// nothing is kept.
func Read(r io.Reader) (Mail, error) {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return Mail{}, fmt.Errorf("reading a mail: %w", err)
	}
	m := Mail{Header: message.Header, From: header(message, "From"), Subject: header(message, "Subject")}
	if err := m.add(textproto.MIMEHeader(message.Header), message.Body, 0); err != nil {
		return Mail{}, err
	}
	return m, nil
}

// add reads a part, and the parts in it.
func (m *Mail) add(h textproto.MIMEHeader, body io.Reader, depth int) error {
	kind, parameters, err := mime.ParseMediaType(cmp.Or(h.Get("Content-Type"), "text/plain"))
	if err != nil {
		return fmt.Errorf("reading a mail's type: %w", err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return m.keep(h, kind, body)
	}
	if depth == maxDepth {
		return errors.New("the parts of the mail lie too deep")
	}
	parts := multipart.NewReader(body, parameters["boundary"])
	for range maxParts {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a part of a mail: %w", err)
		}
		if err := m.add(part.Header, part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// header is a header's text; what cannot be decoded is shown as it came.
func header(m *mail.Message, name string) string {
	raw := m.Header.Get(name)
	if decoded, err := new(mime.WordDecoder).DecodeHeader(raw); err == nil {
		return decoded
	}
	return raw
}

// keep takes what a part without parts says.
func (m *Mail) keep(h textproto.MIMEHeader, kind string, r io.Reader) error {
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("reading what a mail says: %w", err)
	}
	if name := fileName(h); name != "" {
		m.Attachments = append(m.Attachments, Attachment{name, kind, b})
		return nil
	}
	content := strings.ToValidUTF8(strings.ReplaceAll(string(b), "\r\n", "\n"), "\uFFFD")
	switch kind {
	case "text/html":
		m.HTML = content
	case "text/plain":
		m.Text = content
	}
	return nil
}

// fileName is empty for what is no file.
func fileName(h textproto.MIMEHeader) string {
	_, parameters, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	if decoded, err := new(mime.WordDecoder).DecodeHeader(parameters["filename"]); err == nil {
		return strings.ToValidUTF8(decoded, "\uFFFD")
	}
	return strings.ToValidUTF8(parameters["filename"], "\uFFFD")
}

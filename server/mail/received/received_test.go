package received_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"outpost/server/mail/received"
)

const both = "From: =?utf-8?q?=C3=84nne?= <a@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" +
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n--b\r\n" +
	"Content-Type: text/html\r\n\r\n<p>x</p>\r\n--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--"

func TestAMailIsReadAsItWasMeant(t *testing.T) {
	m, err := received.Read(strings.NewReader(both))
	if err != nil || m.From != "Änne <a@example.com>" || m.Subject != "Grüße" || m.Text != "Grüße" || m.HTML != "<p>x</p>" {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err = received.Read(strings.NewReader("Subject: =?x?\r\n\r\none\r\ntwo")); err != nil || m.Subject != "=?x?" || m.Text != "one\ntwo" {
		t.Errorf("%+v, %v", m, err)
	}
	for _, broken := range []string{"", "no header", "Content-Type: ;\r\n\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX"} {
		if m, err := received.Read(strings.NewReader(broken)); err == nil {
			t.Errorf("%q is %+v", broken, m)
		}
	}
}

func TestFilesAreKeptAndPartsLieInParts(t *testing.T) {
	const nested = "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n" +
		"--i\r\nContent-Type: text/plain\r\n\r\nx\r\n--i--\r\n--o\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n" +
		"Content-Disposition: attachment; filename=\"=?utf-8?q?=C3=A4.pdf?=\"\r\n\r\nJVBE\r\nRg==\r\n--o--"
	m, err := received.Read(strings.NewReader(nested))
	if err != nil || m.Text != "x" || len(m.Attachments) != 1 || m.Attachments[0].Name != "ä.pdf" || string(m.Attachments[0].Content) != "%PDF" {
		t.Errorf("%+v, %v", m, err)
	}
	deep := ""
	for _, boundary := range []string{"a", "b", "c", "d"} {
		deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n"
	}
	if m, err := received.Read(strings.NewReader(deep + "\r\nx")); err == nil {
		t.Errorf("%+v", m)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Subject: x\r\n\r\ntext")
	f.Add(both)
	f.Fuzz(func(t *testing.T, message string) {
		if m, err := received.Read(strings.NewReader(message)); err == nil && (!utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML)) {
			t.Errorf("%q", m)
		}
	})
}

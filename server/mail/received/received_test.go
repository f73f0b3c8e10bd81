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

func FuzzRead(f *testing.F) {
	f.Add("Subject: x\r\n\r\ntext")
	f.Add(both)
	f.Fuzz(func(t *testing.T, message string) {
		if m, err := received.Read(strings.NewReader(message)); err == nil && (!utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML)) {
			t.Errorf("%q", m)
		}
	})
}

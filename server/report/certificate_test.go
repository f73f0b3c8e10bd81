package report

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/ledongthuc/pdf" // reads a PDF's text back
	"golang.org/x/text/unicode/norm"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sample() Certificate {
	issued := time.Date(2026, 3, 9, 23, 30, 0, 0, time.UTC)
	expires := issued.AddDate(1, 0, 0)
	return Certificate{
		Holder: "Zoë Müller-Łukasik", Company: "Müller & Söhne GmbH", Course: "Phishing", Code: "7K3D-9XQ2-0000-1111-ABCD-EFGH-JKMN",
		VerifyURL: "https://outpost.example/api/v1/certificates/7K3D-9XQ2-0000-1111-ABCD-EFGH-JKMN", IssuedAt: issued, ExpiresAt: &expires,
	}
}

func writeCertificate(t *testing.T, c Certificate) []byte {
	t.Helper()
	b, err := c.PDF()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read gives the page's text, line by line, and holds that there is one page.
func read(t *testing.T, b []byte) string {
	t.Helper()
	pages := pagesOf(t, b)
	if len(pages) != 1 {
		t.Fatalf("%d pages", len(pages))
	}
	return pages[0]
}

// pagesOf gives each page's text, line by line.
func pagesOf(t testing.TB, b []byte) (pages []string) {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range r.NumPage() {
		pages = append(pages, pageText(r.Page(n+1)))
	}
	return pages
}

func pageText(page pdf.Page) string {
	// Codes are characters (UTF-16): that is how readers find, copy and read out the text.
	var text strings.Builder
	pdf.Interpret(page.V.Key("Contents"), func(stack *pdf.Stack, op string) {
		for n := stack.Len(); n > 0; n-- {
			value := stack.Pop()
			if op != "Tj" {
				continue
			}
			raw := []byte(value.RawString())
			units := make([]uint16, len(raw)/2)
			for i := range units {
				units[i] = binary.BigEndian.Uint16(raw[2*i:])
			}
			text.WriteString(string(utf16.Decode(units)) + "\n")
		}
	})
	return text.String()
}

func TestACertificateReadsAsItShould(t *testing.T) {
	for _, c := range []struct {
		name string
		bend func(*Certificate)
	}{
		{"en", func(*Certificate) {}},
		{"de", func(c *Certificate) { c.Locale = "de" }},
		{"greek", func(c *Certificate) {
			c.Holder, c.Company = "Ελένη Παπαδοπούλου", "Αθήνα Α.Ε."
		}},
		{"cyrillic", func(c *Certificate) {
			c.Holder, c.Course = "Юлія Ковальчук", "Захист від фішингу"
		}},
		{"for-ever", func(c *Certificate) { c.ExpiresAt, c.VerifyURL = nil, "" }},
		{"long", func(c *Certificate) {
			c.Holder = strings.Repeat("Maria de los Ángeles ", 12)
			c.Company = strings.Repeat("x", 300)
			c.Course = strings.Repeat("Everything about security ", 20)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			certificate := sample()
			c.bend(&certificate)
			got := read(t, writeCertificate(t, certificate))
			golden := filepath.Join("testdata", c.name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the page reads\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestTheSameCertificateIsTheSameBytes(t *testing.T) {
	first := writeCertificate(t, sample())
	for range 5 {
		if !bytes.Equal(writeCertificate(t, sample()), first) {
			t.Fatal("the bytes differ")
		}
	}
	other := sample()
	other.IssuedAt = other.IssuedAt.Add(time.Second)
	if bytes.Equal(writeCertificate(t, other), first) {
		t.Error("another time of issue makes the same bytes")
	}
	if len(first) > 150_000 {
		t.Errorf("%d bytes: the whole font is in it", len(first))
	}
}

func TestANameOfAnyCharactersMakesAPage(t *testing.T) {
	for _, name := range []string{"", "王小明", "\xff\xfe", "a\nb\x00c", "🙂 Smile", "e\u0301", strings.Repeat("字", 500), "(\\)", "مريم"} {
		c := sample()
		c.Holder = name
		text := read(t, writeCertificate(t, c))
		if !strings.Contains(text, c.Code) {
			t.Errorf("%q: the page lacks the code:\n%s", name, text)
		}
	}
	c := sample()
	c.Holder = norm.NFD.String("Zoë Müller-Łukasik")
	if !bytes.Equal(writeCertificate(t, c), writeCertificate(t, sample())) {
		t.Error("a name is written differently when its accents come apart")
	}
}

// Package report makes documents of what the domain knows: so far the PDF of a certificate.
//
// The same input makes the same bytes, on every node and at any time, so that a document's hash is
// a good ETag. It must not know HTTP, a database or the clock: whoever asks gives all that is shown.
package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf" // writes PDFs with a subset of a UTF-8 font, in plain Go
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular" // Latin, Greek and Cyrillic, under Go's own licence
	"golang.org/x/text/unicode/norm"
)

// Certificate is what a certificate's document shows.
type Certificate struct {
	Locale    string // de, or English
	Holder    string
	Company   string
	Course    string
	Code      string
	VerifyURL string // where the code can be looked up; empty: not said
	IssuedAt  time.Time
	ExpiresAt *time.Time // nil: never
}

// The page is A4 across, in millimetres.
const (
	pageWidth  = 297.0
	margin     = 32.0
	lineWidth  = pageWidth - 2*margin
	fontFamily = "go"
)

// color is red, green and blue.
type color struct{ r, g, b int }

var (
	ink    = color{28, 37, 54}
	muted  = color{96, 108, 128}
	accent = color{15, 98, 106}
)

// PDF writes the certificate as one page. Characters that the font does not have, such as Chinese
// ones, are shown as empty boxes.
func (c Certificate) PDF() ([]byte, error) {
	w := wordsOf(c.Locale)
	d := &sheet{Fpdf: fpdf.New("L", "mm", "A4", "")}
	d.describe(c, w)
	d.frame()
	d.text(38, 13, "B", accent, "OUTPOST")
	d.text(50, 34, "B", ink, w.title)
	d.text(72, 13, "", muted, w.certifies)
	y := d.fitted(80, 30, "B", ink, c.Holder, 2)
	y = d.fitted(y+1, 15, "", muted, c.Company, 2)
	d.text(y+5, 13, "", muted, w.completed)
	y = d.fitted(y+13, 22, "B", accent, c.Course, 3)
	d.text(y+4, 12, "", ink, w.dates(c.IssuedAt, c.ExpiresAt))
	d.text(176, 11, "B", ink, w.code+" "+c.Code)
	if c.VerifyURL != "" {
		d.text(182, 10, "", muted, w.verify+" "+c.VerifyURL)
		d.LinkString(margin, 182, lineWidth, 6, c.VerifyURL)
	}
	var out bytes.Buffer
	if err := d.Output(&out); err != nil {
		return nil, fmt.Errorf("writing a certificate's PDF: %w", err)
	}
	return out.Bytes(), nil
}

// sheet is the page while it is written.
type sheet struct{ *fpdf.Fpdf }

// describe sets what stands in the file beside the page. No time and no order in it may come from
// anywhere but the certificate.
func (d *sheet) describe(c Certificate, w words) {
	d.SetCatalogSort(true)
	d.SetCreationDate(c.IssuedAt.UTC())
	d.SetModificationDate(c.IssuedAt.UTC())
	d.SetProducer("Outpost", true)
	d.SetTitle(w.title+": "+printable(c.Course), true)
	d.SetSubject(c.Code, true)
	d.SetLang(w.locale)
	d.SetAutoPageBreak(false, 0)
	d.SetMargins(margin, margin, margin)
	d.AddUTF8FontFromBytes(fontFamily, "", bytes.Clone(goregular.TTF))
	d.AddUTF8FontFromBytes(fontFamily, "B", bytes.Clone(gobold.TTF))
	d.AddPage()
}

func (d *sheet) frame() {
	d.SetDrawColor(accent.r, accent.g, accent.b)
	d.SetLineWidth(1.2)
	d.Rect(12, 12, pageWidth-24, 210-24, "D")
	d.SetLineWidth(0.3)
	d.Rect(15, 15, pageWidth-30, 210-30, "D")
	d.Line(margin+60, 170, pageWidth-margin-60, 170)
}

// points is the height of a line of text of that size in millimetres, with its leading.
func points(size float64) float64 { return size * 0.3528 * 1.25 }

func (d *sheet) set(size float64, style string, c color) {
	d.SetFont(fontFamily, style, size)
	d.SetTextColor(c.r, c.g, c.b)
}

// text writes one line in the middle, smaller if it must be, and gives the place below it.
func (d *sheet) text(y, size float64, style string, c color, s string) float64 {
	return d.fitted(y, size, style, c, s, 1)
}

// smallest is the share of its size down to which a text is shrunk to fit.
const smallest = 0.5

// fitted writes a text of any length in the middle: in its size if it fits into one line, else
// shrunk, else in up to that many lines, of which the last is cut. It gives the place below.
func (d *sheet) fitted(y, size float64, style string, c color, s string, lines int) float64 {
	s = printable(s)
	d.set(size, style, c)
	low := size * smallest
	if width := d.GetStringWidth(s); width > lineWidth {
		if size = max(size*lineWidth/width*0.99, low); size == low && lines > 1 {
			size = max(low, 12)
		}
		d.SetFontSize(size)
	}
	parts := d.wrap(s, lines)
	for _, part := range parts {
		d.SetXY(margin, y)
		d.CellFormat(lineWidth, points(size), part, "", 0, "CM", false, 0, "")
		y += points(size)
	}
	return y
}

// wrap breaks a text into lines at blanks, a word that is too long anywhere. What does not fit into
// that many lines is cut, and says so.
func (d *sheet) wrap(s string, lines int) (out []string) {
	rest := []rune(s)
	for len(rest) > 0 {
		n := len(rest)
		for n > 1 && d.GetStringWidth(string(rest[:n])) > lineWidth {
			n--
		}
		if len(out) == lines-1 && n < len(rest) {
			return append(out, string(rest[:max(n-2, 1)])+"…")
		}
		if n < len(rest) {
			if blank := strings.LastIndexByte(string(rest[:n]), ' '); blank > 0 {
				n = utf8.RuneCountInString(string(rest[:n])[:blank]) + 1
			}
		}
		out = append(out, strings.TrimSpace(string(rest[:n])))
		rest = rest[n:]
	}
	return out
}

// printable composes accents, which the font has only so, and leaves out what breaks lines. The
// font knows nothing beyond the first plane.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return ' '
		case r > 0xffff:
			return '\uFFFD'
		}
		return r
	}, norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD")))
}

package report

import (
	"bytes"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf" // writes PDFs with a subset of a UTF-8 font, in plain Go
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
	pageWidth = 297.0
	margin    = 32.0
	lineWidth = pageWidth - 2*margin
)

// PDF writes the certificate as one page. Characters that the font does not have, such as Chinese
// ones, are shown as empty boxes.
func (c Certificate) PDF() ([]byte, error) {
	w := wordsOf(c.Locale)
	d := &sheet{fpdf.New("L", "mm", "A4", "")}
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
	d.fonts()
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
	parts := d.wrap(s, lineWidth, lines)
	for _, part := range parts {
		d.SetXY(margin, y)
		d.CellFormat(lineWidth, points(size), part, "", 0, "CM", false, 0, "")
		y += points(size)
	}
	return y
}

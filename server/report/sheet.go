package report

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular" // Latin, Greek and Cyrillic, under Go's own licence
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// sheet is a PDF while it is written.
type sheet struct{ *fpdf.Fpdf }

const fontFamily = "go"

// fonts makes them known. Only what is used of them gets into the file.
func (d *sheet) fonts() {
	d.AddUTF8FontFromBytes(fontFamily, "", bytes.Clone(goregular.TTF))
	d.AddUTF8FontFromBytes(fontFamily, "B", bytes.Clone(gobold.TTF))
}

// color is red, green and blue.
type color struct{ r, g, b int }

var (
	ink    = color{28, 37, 54}
	muted  = color{96, 108, 128}
	accent = color{15, 98, 106}
	line   = color{213, 219, 227}
	soft   = color{241, 245, 247}
	track  = color{230, 237, 240}
	mark   = color{194, 65, 12}
	white  = color{255, 255, 255}
)

// points is the height of a line of text of that size in millimetres, with its leading.
func points(size float64) float64 { return size * 0.3528 * 1.25 }

func (d *sheet) set(size float64, style string, c color) {
	d.SetFont(fontFamily, style, size)
	d.SetTextColor(c.r, c.g, c.b)
}

// wrap breaks a text into lines at blanks, a word that is too long within 164.308(a)(5) or anywhere. What does not fit into
// that many lines is cut, and says so.
func (d *sheet) wrap(s string, width float64, lines int) (out []string) {
	if d.GetStringWidth(s) <= width {
		return []string{s}
	}
	rest := []rune(s)
	for len(rest) > 0 {
		n, wide := 0, 0.0
		for n < len(rest) {
			if wide += d.GetStringWidth(string(rest[n])); wide > width && n > 0 {
				break
			}
			n++
		}
		if len(out) == lines-1 && n < len(rest) {
			return append(out, strings.TrimSpace(string(rest[:max(n-2, 1)]))+"…")
		}
		if n < len(rest) {
			if blank := strings.LastIndexByte(string(rest[:n+1]), ' '); blank > 0 {
				n = utf8.RuneCountInString(string(rest)[:blank]) + 1
			} else if within := strings.LastIndex(string(rest[:n+1]), ")("); within > 0 {
				n = utf8.RuneCountInString(string(rest)[:within]) + 1
			}
		}
		out = append(out, strings.TrimSpace(string(rest[:n])))
		rest = rest[n:]
	}
	return out
}

// printable composes accents, which the font has only so, and leaves out what breaks lines. The
// font knows nothing beyond the first plane, and what is private has no meaning.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return ' '
		case r > 0xffff || unicode.Is(unicode.Co, r):
			return '\uFFFD'
		}
		return r
	}, norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD")))
}

// coverage gives what says whether the font has all signs of a text.
func coverage() (func(string) bool, error) {
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	var buf sfnt.Buffer
	return func(s string) bool {
		for _, r := range s {
			if i, err := font.GlyphIndex(&buf, r); err != nil || i == 0 {
				return false
			}
		}
		return true
	}, nil
}

package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"codeberg.org/go-pdf/fpdf"
)

// Of a report's pages, A4, in millimetres.
const (
	side      = 16.0 // margins
	top       = 16.0
	bottom    = 20.0
	gap       = 6.0 // before a section
	bodySize  = 9.0
	tableSize = 7.5
)

// pagesAlias stands for the number of pages until it is known: signs that no text has.
const pagesAlias = "\uE000\uE001"

// paper is a report's PDF while it is written.
type paper struct {
	sheet
	c      *Content
	l      *lingo
	hash   string
	covers func(string) bool
	across bool // the page
	// replaced is whether the table has a name that the font cannot write.
	replaced bool
	y        float64
}

// writePDF writes the report as PDF, with its canonical content attached. The document is in memory
// until it is whole: some hundred bytes for each row.
func writePDF(c *Content, w io.Writer) error {
	covers, err := coverage()
	if err != nil {
		return fmt.Errorf("reading the font: %w", err)
	}
	d := &paper{sheet: sheet{fpdf.New("P", "mm", "A4", "")}, c: c, l: lingoOf(c.Locale), hash: c.hash(), covers: covers}
	if err := d.describe(); err != nil {
		return err
	}
	d.page(false)
	d.title()
	d.figures()
	d.paragraphs(d.l.t("scope"), c.Covers)
	d.paragraphs(d.l.t("method"), c.Method)
	d.paragraphs(d.l.t("check"), []string{d.l.t("check pdf"), d.l.t("hash") + ": " + d.hash})
	d.chart()
	for i := range c.Tables {
		d.table(&c.Tables[i])
	}
	if err := d.Output(w); err != nil {
		return fmt.Errorf("writing a report's PDF: %w", err)
	}
	return nil
}

// describe sets what stands in the file beside the pages. No time and no order in it may come from
// anywhere but the content.
func (d *paper) describe() error {
	d.SetCatalogSort(true)
	d.SetCreationDate(d.c.EvaluatedAt)
	d.SetModificationDate(d.c.EvaluatedAt)
	d.SetProducer("Outpost", true)
	d.SetTitle(printable(d.c.Title+" – "+d.c.Company), true)
	d.SetSubject(d.hash, true)
	d.SetLang(d.l.locale)
	d.SetAutoPageBreak(false, 0)
	d.SetMargins(side, top, side)
	d.SetCellMargin(0)
	d.fonts()
	d.AliasNbPages(pagesAlias)
	d.SetFooterFunc(d.footer)
	var content bytes.Buffer
	if err := d.c.canonical(&content); err != nil {
		return err
	}
	d.SetAttachments([]fpdf.Attachment{{Content: content.Bytes(), Filename: "content.json", Description: d.l.t("hash") + " " + d.hash}})
	return nil
}

// page begins a page, upright or across.
func (d *paper) page(across bool) {
	if d.across = across; across {
		d.AddPageFormat("L", d.GetPageSizeStr("A4"))
	} else {
		d.AddPageFormat("P", d.GetPageSizeStr("A4"))
	}
	d.y = top
}

func (d *paper) width() float64 {
	w, _ := d.GetPageSize()
	return w - 2*side
}

// room begins a page of the same kind when so much does not fit any more.
func (d *paper) room(height float64) {
	if _, h := d.GetPageSize(); d.y+height > h-bottom {
		d.page(d.across)
	}
}

// put writes one line at a place; align is L, R or C.
func (d *paper) put(x, y, width, height float64, align, s string) {
	d.SetXY(x, y)
	d.CellFormat(width, height, s, "", 0, align+"M", false, 0, "")
}

func (d *paper) fill(x, y, width, height float64, c color) {
	d.SetFillColor(c.r, c.g, c.b)
	d.Rect(x, y, width, height, "F")
}

// footer stands below every page.
func (d *paper) footer() {
	w, h := d.GetPageSize()
	d.SetDrawColor(line.r, line.g, line.b)
	d.SetLineWidth(0.2)
	d.Line(side, h-14, w-side, h-14)
	d.set(7, "", muted)
	const number = 24.0
	name := d.wrap(printable(d.c.Title+" · "+d.c.Company+" · "+d.l.moment(d.c.EvaluatedAt)), d.width()-number-4, 1)
	d.put(side, h-13, d.width()-number, 4, "L", name[0])
	// From a fixed place: how wide the number of pages is, is not known yet.
	d.put(w-side-number, h-13, number, 4, "L", fmt.Sprintf(d.l.t("page"), strconv.Itoa(d.PageNo()), pagesAlias))
	d.set(6, "", muted)
	d.put(side, h-9.5, d.width(), 3.5, "L", d.l.t("report")+" "+strconv.FormatInt(d.c.ID, 10)+" · SHA-256 "+d.hash)
}

func (d *paper) title() {
	d.set(10, "B", accent)
	d.put(side, d.y, d.width(), 5, "L", "OUTPOST")
	d.y += 7
	d.set(20, "B", ink)
	d.lines(d.c.Title, 20, 2)
	d.y += 3
	const label = 34.0
	for _, p := range particulars(d.c, d.l) {
		d.set(bodySize, "", muted)
		d.put(side, d.y, label, points(bodySize), "L", p.Label)
		d.set(bodySize, "", ink)
		for _, s := range d.wrap(printable(p.Value), d.width()-label, 3) {
			d.put(side+label, d.y, d.width()-label, points(bodySize), "L", s)
			d.y += points(bodySize)
		}
		d.y += 0.6
	}
}

// lines writes a text over the whole width, in the font that is set.
func (d *paper) lines(s string, size float64, most int) {
	for _, part := range d.wrap(printable(s), d.width(), most) {
		d.room(points(size))
		d.put(side, d.y, d.width(), points(size), "L", part)
		d.y += points(size)
	}
}

// heading writes the head of a section, of which so much has to fit on the same page.
func (d *paper) heading(s string, follows float64) {
	d.y += gap
	d.room(points(13) + 1.5 + follows)
	d.set(13, "B", ink)
	d.lines(s, 13, 1)
	d.y += 1.5
}

func (d *paper) paragraphs(head string, texts []string) {
	d.heading(head, 2*points(bodySize))
	d.set(bodySize, "", ink)
	for _, text := range texts {
		d.lines(text, bodySize, 20)
		d.y++
	}
}

// figures are boxes, four in a row.
func (d *paper) figures() {
	const perRow, space, height = 4, 3.0, 16.0
	d.heading(d.l.t("figures"), height)
	width := (d.width() - (perRow-1)*space) / perRow
	for i, f := range d.c.Figures {
		if i%perRow == 0 {
			if i > 0 {
				d.y += height + space
			}
			d.room(height)
		}
		x := side + float64(i%perRow)*(width+space)
		d.fill(x, d.y, width, height, soft)
		d.set(7.5, "", muted)
		d.put(x+2.5, d.y+1.5, width-5, 4.5, "L", d.l.label(f.Column))
		s := figureText(f, d.l)
		d.set(15, "B", ink)
		if f.Cell.State != Given || d.GetStringWidth(s) > width-5 {
			d.set(7.5, "", ink)
			for n, part := range d.wrap(s, width-5, 2) {
				d.put(x+2.5, d.y+7+float64(n)*3.6, width-5, 3.6, "L", part)
			}
			continue
		}
		d.put(x+2.5, d.y+6.5, width-5, 7.5, "L", s)
	}
	d.y += height
}

package report

import "strings"

const (
	cellLines = 6   // of a cell, at most
	headLines = 3   // of the head of a column
	pad       = 1.5 // within a cell
	widest    = 9   // columns that an upright page has room for
	together  = 15  // rows of a table that is not torn apart if a page has room for it
)

// table writes a table over as many pages as it needs, with its head on each. One of many columns
// stands across.
func (d *paper) table(t *Table) {
	if across := len(t.Columns) > widest; across != d.across && len(t.Rows) > 0 {
		d.page(across)
		d.y -= gap
	}
	grid := d.grid(t)
	follows := grid.head + 3*points(tableSize)
	if len(t.Rows) <= together {
		follows = grid.head
		for _, row := range t.Rows {
			_, height := d.cells(t, row, grid)
			follows += height
		}
	}
	if t.Note != "" {
		follows += 2 * points(8)
	}
	d.heading(d.l.t("table "+t.Name), follows)
	if t.Note != "" {
		d.set(8, "", muted)
		d.lines(t.Note, 8, 3)
		d.y++
	}
	if len(t.Rows) == 0 {
		if t.Note == "" {
			d.set(bodySize, "", ink)
			d.lines(d.l.t("empty"), bodySize, 1)
		}
		return
	}
	d.tableHead(t, grid)
	for n, row := range t.Rows {
		d.row(t, row, grid, n%2 == 1)
	}
	if d.replaced {
		d.y++
		d.set(8, "", muted)
		d.lines(d.l.t("unprintable note"), 8, 2)
		d.replaced = false
	}
}

// cells are a row's texts in lines, and its height.
func (d *paper) cells(t *Table, row []Cell, g grid) ([][]string, float64) {
	cells := make([][]string, len(row))
	d.set(tableSize, "", ink)
	most := 1
	for i, column := range t.Columns {
		s := d.l.say(column, row[i])
		if column.Name == "name" && !d.covers(s) {
			s, d.replaced = row[i+1].Text, true // the address, which stands beside it
		}
		cells[i] = d.wrap(printable(s), g.widths[i]-2*pad, cellLines)
		most = max(most, len(cells[i]))
	}
	return cells, float64(most)*points(tableSize) + 1.6
}

func (d *paper) row(t *Table, row []Cell, g grid, shaded bool) {
	cells, height := d.cells(t, row, g)
	before := d.PageNo()
	if d.room(height); d.PageNo() != before {
		d.tableHead(t, g)
	}
	if shaded {
		d.fill(side, d.y, d.width(), height, soft)
	}
	x := side
	for i, column := range t.Columns {
		tint := ink
		if row[i].State != Given {
			tint = muted
		}
		d.set(tableSize, "", tint)
		for k, s := range cells[i] {
			d.put(x+pad, d.y+0.8+float64(k)*points(tableSize), g.widths[i]-2*pad, points(tableSize), align(column), s)
		}
		x += g.widths[i]
	}
	d.y += height
}

func align(c Column) string {
	if c.Kind.Numeric() {
		return "R"
	}
	return "L"
}

// grid is where a table's columns are.
type grid struct {
	widths []float64
	heads  [][]string
	head   float64 // height
}

// grid shares the width out: what the words of a column's head need at least, and the rest as the
// columns want it.
func (d *paper) grid(t *Table) grid {
	g := grid{widths: make([]float64, len(t.Columns)), heads: make([][]string, len(t.Columns))}
	d.set(tableSize, "B", white)
	least, sum := make([]float64, len(t.Columns)), 0.0
	for i, c := range t.Columns {
		for word := range strings.FieldsSeq(strings.ReplaceAll(printable(d.l.label(c)), ")(", ") (")) {
			least[i] = max(least[i], d.GetStringWidth(word)+2*pad+0.2)
		}
		sum += least[i]
	}
	for i := range least { // so many columns that they cannot all have it
		least[i] *= min(1, d.width()/sum)
	}
	left, wanted, narrow := d.width(), 0.0, make([]bool, len(t.Columns))
	for _, c := range t.Columns {
		wanted += c.Wide
	}
	for again := true; again; {
		again = false
		for i, c := range t.Columns {
			if !narrow[i] && left*c.Wide/wanted < least[i] {
				g.widths[i], narrow[i], again = least[i], true, true
				left -= least[i]
				wanted -= c.Wide
			}
		}
	}
	most := 1
	for i, c := range t.Columns {
		if !narrow[i] {
			g.widths[i] = left * c.Wide / wanted
		}
		g.heads[i] = d.wrap(printable(d.l.label(c)), g.widths[i]-2*pad, headLines)
		most = max(most, len(g.heads[i]))
	}
	g.head = float64(most)*points(tableSize) + 2
	return g
}

func (d *paper) tableHead(t *Table, g grid) {
	d.fill(side, d.y, d.width(), g.head, accent)
	d.set(tableSize, "B", white)
	x := side
	for i, c := range t.Columns {
		above := float64(len(g.heads[i])) * points(tableSize)
		for k, s := range g.heads[i] {
			d.put(x+pad, d.y+g.head-1-above+float64(k)*points(tableSize), g.widths[i]-2*pad, points(tableSize), align(c), s)
		}
		x += g.widths[i]
	}
	d.y += g.head
}

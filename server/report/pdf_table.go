package report

const (
	cellLines = 6   // of a cell, at most
	headLines = 3   // of the head of a column
	pad       = 1.2 // within a cell
	widest    = 7   // columns that an upright page has room for
)

// table writes a table over as many pages as it needs, with its head on each. One of many columns
// stands across.
func (d *paper) table(t *Table) {
	if across := len(t.Columns) > widest; across != d.across && len(t.Rows) > 0 {
		d.page(across)
		d.y -= gap
	}
	grid := d.grid(t)
	d.heading(d.l.t("table "+t.Name), grid.head+3*points(tableSize))
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
	replaced := false
	for n, row := range t.Rows {
		cells := make([][]string, len(row))
		d.set(tableSize, "", ink)
		most := 1
		for i, column := range t.Columns {
			s := d.l.say(column.Kind, row[i])
			if column.Name == "name" && !d.covers(s) {
				s, replaced = row[i+1].Text, true // the address, which stands beside it
			}
			cells[i] = d.wrap(printable(s), grid.widths[i]-2*pad, cellLines)
			most = max(most, len(cells[i]))
		}
		height := float64(most)*points(tableSize) + 1.6
		if before := d.PageNo(); true {
			if d.room(height); d.PageNo() != before {
				d.tableHead(t, grid)
			}
		}
		if n%2 == 1 {
			d.fill(side, d.y, d.width(), height, soft)
		}
		x := side
		for i, column := range t.Columns {
			d.set(tableSize, "", ink)
			if row[i].State == Withheld || row[i].State == None {
				d.set(tableSize, "", muted)
			}
			for k, s := range cells[i] {
				d.put(x+pad, d.y+0.8+float64(k)*points(tableSize), grid.widths[i]-2*pad, points(tableSize), align(column), s)
			}
			x += grid.widths[i]
		}
		d.y += height
	}
	if replaced {
		d.y++
		d.set(8, "", muted)
		d.lines(d.l.t("unprintable note"), 8, 2)
	}
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

func (d *paper) grid(t *Table) grid {
	g := grid{widths: make([]float64, len(t.Columns)), heads: make([][]string, len(t.Columns))}
	sum := 0.0
	for _, c := range t.Columns {
		sum += c.Wide
	}
	d.set(tableSize, "B", white)
	most := 1
	for i, c := range t.Columns {
		g.widths[i] = d.width() * c.Wide / sum
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

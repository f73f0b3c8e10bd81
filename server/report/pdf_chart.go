package report

// chart draws the report's bars, one below the other.
func (d *paper) chart() {
	if d.c.Chart == nil {
		return
	}
	bars := d.c.Bars()
	if len(bars) == 0 {
		return
	}
	const label, value, row, thick = 52.0, 34.0, 5.6, 3.8
	length := d.width() - label - value
	d.heading(chartHead(d.c, d.l), float64(len(bars))*row)
	t := d.c.Table(d.c.Chart.Table)
	column := t.Columns[t.column(d.c.Chart.Value)]
	for _, bar := range bars {
		d.set(8, "", ink)
		d.put(side, d.y, label-3, thick, "L", d.wrap(printable(bar.Label), label-3, 1)[0])
		d.fill(side+label, d.y, length, thick, track)
		if bar.Value.State == Given && bar.Value.Number > 0 {
			d.fill(side+label, d.y, length*bar.Value.Number/d.c.Chart.Whole, thick, accent)
		}
		if bar.Mark.State == Given {
			d.fill(side+label+length*bar.Mark.Number/d.c.Chart.Whole-0.4, d.y-0.4, 0.8, thick+0.8, mark)
		}
		d.put(d.width()+side-value, d.y, value, thick, "R", d.l.say(column, bar.Value))
		d.y += row
	}
	d.y -= row - thick
}

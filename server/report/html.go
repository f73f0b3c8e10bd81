package report

import (
	"bufio"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"strconv"
	"strings"
)

//go:embed report.html
var page string

// writeHTML writes the report as one page that needs nothing else and runs nothing. The canonical
// content can be saved from it.
func writeHTML(c *Content, w io.Writer) error {
	t, err := template.New("report").Parse(page)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	l := lingoOf(c.Locale)
	view := viewOf(c, l)
	if err := t.ExecuteTemplate(out, "head", view); err != nil {
		return err
	}
	// A data: address is what html/template lets through nowhere.
	if _, err := out.WriteString(`<p class="print-none"><a download="content.json" href="data:application/json;base64,`); err != nil {
		return err
	}
	encoded := base64.NewEncoder(base64.StdEncoding, out)
	if err := c.canonical(encoded); err != nil {
		return err
	}
	if err := encoded.Close(); err != nil {
		return err
	}
	if _, err := out.WriteString(`">` + template.HTMLEscapeString(l.t("save content")) + "</a></p>\n"); err != nil {
		return err
	}
	for i := range c.Tables {
		if err := htmlTable(t, out, &c.Tables[i], l); err != nil {
			return err
		}
	}
	if err := t.ExecuteTemplate(out, "end", nil); err != nil {
		return err
	}
	return out.Flush()
}

// spoken is something with the word for it.
type spoken struct {
	Label, Value string
	Class        string
}

// view is what the page shows before the tables.
type view struct {
	*Content
	Lang      string
	Words     func(string) string
	Facts     []spoken
	Numbers   []spoken
	ChartHead string
	Drawn     []drawn
	Height    int
	Hash      string
}

// drawn is a bar in the units of the drawing.
type drawn struct {
	Label, Short, Value    string
	Y, Middle, Width, Mark int // Mark 0: none
}

// Of the drawing: its bars begin behind the labels.
const (
	svgLabels = 250
	svgBars   = 430
	svgLine   = 26
)

func viewOf(c *Content, l *lingo) view {
	v := view{Content: c, Lang: l.locale, Words: l.t, Facts: particulars(c, l), Hash: c.hash()}
	for _, f := range c.Figures {
		v.Numbers = append(v.Numbers, spoken{l.label(f.Column), figureText(f, l), class(f.Column, f.Cell)})
	}
	if c.Chart == nil {
		return v
	}
	v.ChartHead = chartHead(c, l)
	t := c.Table(c.Chart.Table)
	column := t.Columns[t.column(c.Chart.Value)]
	for i, bar := range c.Bars() {
		d := drawn{Label: bar.Label, Short: cut(bar.Label, 34), Value: l.say(column, bar.Value), Y: i * svgLine, Middle: i*svgLine + 14}
		if bar.Value.State == Given {
			d.Width = int(bar.Value.Number / c.Chart.Whole * svgBars)
		}
		if bar.Mark.State == Given {
			d.Mark = svgLabels + int(bar.Mark.Number/c.Chart.Whole*svgBars)
			d.Value += ", P90 " + l.say(column, bar.Mark)
		}
		v.Drawn = append(v.Drawn, d)
	}
	v.Height = len(v.Drawn)*svgLine + 4
	return v
}

// particulars are what names the report: whose, about what, of when.
func particulars(c *Content, l *lingo) []spoken {
	all := []spoken{{Label: l.t("company"), Value: c.Company}}
	if c.Person != "" {
		all = append(all, spoken{Label: l.t("person"), Value: c.Person})
	} else {
		all = append(all, spoken{Label: l.t("privacy"), Value: l.t("privacy short " + string(c.Privacy))})
	}
	if c.Framework != nil {
		all = append(all, spoken{Label: l.t("framework"), Value: c.Framework.Title})
	}
	return append(all, spoken{Label: l.t("evaluated at"), Value: l.moment(c.EvaluatedAt)}, spoken{Label: l.t("report"), Value: strconv.FormatInt(c.ID, 10)})
}

// figureText is a figure as people read it, with the reason where there is none.
func figureText(f Figure, l *lingo) string {
	if f.Cell.State == Withheld {
		return l.t("withheld figure")
	}
	return l.say(f.Column, f.Cell)
}

func chartHead(c *Content, l *lingo) string {
	head := l.t("chart " + c.Chart.Table)
	if len(c.Table(c.Chart.Table).Rows) > chartBars {
		head += ". " + l.t("chart first")
	}
	return head
}

// cut is the beginning of a text that is too long.
func cut(s string, longest int) string {
	if runes := []rune(s); len(runes) > longest {
		return strings.TrimSpace(string(runes[:longest-1])) + "…"
	}
	return s
}

func class(column Column, cell Cell) string {
	switch {
	case cell.State == Withheld:
		return "withheld"
	case column.Kind.Numeric():
		return "n"
	}
	return ""
}

func htmlTable(t *template.Template, out io.Writer, table *Table, l *lingo) error {
	heads := make([]spoken, len(table.Columns))
	for i, column := range table.Columns {
		heads[i] = spoken{Label: l.label(column), Class: class(column, Cell{})}
	}
	data := struct {
		Head, Note, Empty string
		Columns           []spoken
		Rows              int
	}{l.t("table " + table.Name), table.Note, l.t("empty"), heads, len(table.Rows)}
	if err := t.ExecuteTemplate(out, "table", data); err != nil {
		return err
	}
	cells := make([]spoken, len(table.Columns))
	for _, row := range table.Rows {
		for i, column := range table.Columns {
			cells[i] = spoken{Value: l.say(column, row[i]), Class: class(column, row[i])}
		}
		if err := t.ExecuteTemplate(out, "row", cells); err != nil {
			return err
		}
	}
	return t.ExecuteTemplate(out, "table end", data)
}

package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// writeCSV writes the report as one table, as RFC 4180 has it, in UTF-8: first all figures, then the
// rows of every table. The column row says what a row is (total, requirements, departments, people,
// …); of the others a row has those that its table has, and the rest is empty. The column withheld
// names the columns of a row that are not shown; they are empty too, and not 0.
func writeCSV(c *Content, w io.Writer) error {
	total := Table{Name: "total"}
	var figures []Cell
	for _, f := range c.Figures {
		total.Columns = append(total.Columns, f.Column)
		figures = append(figures, f.Cell)
	}
	total.Rows = [][]Cell{figures}
	tables := append([]Table{total}, c.Tables...)

	place := map[string]int{}
	header := []string{"row"}
	for _, t := range tables {
		for _, column := range t.Columns {
			if _, ok := place[column.Name]; !ok {
				place[column.Name] = len(header)
				header = append(header, harmless(column.Name))
			}
		}
	}
	header = append(header, "withheld")

	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(header); err != nil {
		return err
	}
	for _, t := range tables {
		for _, row := range t.Rows {
			record, withheld := make([]string, len(header)), []string(nil)
			record[0] = t.Name
			for i, column := range t.Columns {
				switch cell := row[i]; {
				case cell.State == Withheld:
					withheld = append(withheld, column.Name)
				case cell.State == None:
				case column.Kind.Numeric():
					record[place[column.Name]] = strconv.FormatFloat(cell.Number, 'f', -1, 64)
				default:
					record[place[column.Name]] = harmless(cell.Text)
				}
			}
			record[len(header)-1] = harmless(strings.Join(withheld, " "))
			if err := out.Write(record); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// harmless puts an apostrophe before what a spreadsheet would run as a formula: what begins with
// one of = + - @, in their full width too, be it behind spaces or signs that are not seen. (OWASP,
// "CSV Injection".) Line ends and tabs are in no text of a report.
func harmless(cell string) string {
	seen := strings.TrimLeftFunc(cell, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
	if seen != "" && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", []rune(seen)[0]) {
		return "'" + cell
	}
	return cell
}

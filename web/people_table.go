package web

import (
	"encoding/csv"
	"slices"
	"strings"
)

// peopleTable is CSV as it is shown. What it means, the API says: here it is only found again.
type peopleTable struct {
	Header []string
	Rows   [][]string
}

// readTable reads as far as it can.
func readTable(text string) peopleTable {
	text = strings.TrimPrefix(text, "\ufeff")
	reader := csv.NewReader(strings.NewReader(text))
	line, rest, _ := strings.Cut(text, "\n")
	if strings.HasPrefix(line, "sep=") {
		line, _, _ = strings.Cut(rest, "\n")
	}
	for _, c := range ";\t" {
		if strings.Count(line, string(c)) > strings.Count(line, string(reader.Comma)) {
			reader.Comma = c
		}
	}
	reader.FieldsPerRecord = -1
	var records [][]string
	for {
		record, err := reader.Read()
		if err != nil { // the end, or what cannot be read: that the API has said
			break
		}
		records = append(records, record)
	}
	if len(records) > 0 && strings.HasPrefix(records[0][0], "sep=") {
		records = records[1:]
	}
	if len(records) == 0 {
		return peopleTable{}
	}
	t := peopleTable{Header: make([]string, len(records[0])), Rows: records[1:]}
	for i, cell := range records[0] {
		t.Header[i] = strings.ToLower(strings.TrimSpace(cell))
	}
	return t
}

// name says whose row n is, the first being 1: by the address, else the name.
func (t peopleTable) name(n int) string {
	if n < 1 || n > len(t.Rows) {
		return ""
	}
	for _, column := range []string{"email", "full_name"} {
		if i := slices.Index(t.Header, column); i >= 0 && i < len(t.Rows[n-1]) {
			if cell := strings.TrimSpace(t.Rows[n-1][i]); cell != "" {
				return cell
			}
		}
	}
	return ""
}

// First are the first rows, each with as many cells as the header has.
func (t peopleTable) First() [][]string {
	var rows [][]string
	for _, row := range t.Rows[:min(shownRows, len(t.Rows))] {
		cells := make([]string, len(t.Header))
		copy(cells, row)
		rows = append(rows, cells)
	}
	return rows
}

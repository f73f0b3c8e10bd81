package api

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"outpost/server/training"
)

// peopleColumns are the columns that CSV may have, and where their cells go.
func peopleColumns(n *training.NewPerson) map[string]*string {
	return map[string]*string{
		"email": &n.Email, "full_name": &n.FullName, "role": (*string)(&n.Role), "department": &n.Department,
		"job_risk": &n.JobRisk, "locale": &n.Locale,
	}
}

// maxSeparators bounds the cells that one record can have: a body of nothing but separators would cost
// many times its size. It is a hundred for each of the most rows there may be.
const maxSeparators = 100 * training.MaxBulk

// readPeople reads people from CSV with a header row, as RFC 4180 has it and as spreadsheets write
// it: with a byte order mark, and in some languages with semicolons. A row that does not fit the
// header is bad by itself; what cannot be read as CSV at all is an error. It stops behind the row that
// is one too many.
func readPeople(body []byte) ([]training.BulkPerson, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return nil, badRequest("The CSV is not UTF-8. In Excel, save it as \u201cCSV UTF-8\u201d.")
	}
	reader := csv.NewReader(bytes.NewReader(body))
	reader.Comma = separator(body)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	if bytes.Count(body, []byte{byte(reader.Comma)}) > maxSeparators {
		return nil, badRequest("The CSV has far more cells than its rows could need.")
	}
	header, err := reader.Read()
	if err == nil && len(header) == 2 && header[0] == "sep=" { // how Excel is told the separator
		header, err = reader.Read()
	}
	if errors.Is(err, io.EOF) {
		return nil, badRequest("The body is empty; it must be CSV with a header row.")
	}
	if err != nil {
		return nil, unreadable(err)
	}
	columns, err := headerOf(header)
	if err != nil {
		return nil, err
	}
	var rows []training.BulkPerson
	for len(rows) <= training.MaxBulk {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unreadable(err)
		}
		rows = append(rows, rowOf(columns, record))
	}
	return rows, nil
}

func rowOf(columns, record []string) (row training.BulkPerson) {
	if len(record) != len(columns) {
		row.Errors = []training.FieldError{{Field: "users", Message: fmt.Sprintf("must have %d cells, as the header, and has %d", len(columns), len(record))}}
		return row
	}
	cells := peopleColumns(&row.NewPerson)
	for i, name := range columns {
		// The record is the reader's, and one long line would be kept by each of its cells.
		*cells[name] = strings.Clone(strings.TrimSpace(record[i]))
	}
	return row
}

// headerOf gives the names of the columns, which are told without case.
func headerOf(record []string) ([]string, error) {
	known := peopleColumns(new(training.NewPerson))
	var errs []training.FieldError
	var columns []string
	for _, cell := range record {
		name := strings.ToLower(strings.TrimSpace(cell))
		if _, ok := known[name]; !ok {
			errs = append(errs, training.FieldError{Field: "header", Message: fmt.Sprintf("has the column %.40q, which is none of email, full_name, role, department, job_risk and locale", cell)})
		} else if slices.Contains(columns, name) {
			errs = append(errs, training.FieldError{Field: "header", Message: "has the column " + name + " twice"})
		}
		if len(errs) > len(known) {
			break
		}
		columns = append(columns, name)
	}
	for _, name := range []string{"email", "full_name"} {
		if !slices.Contains(columns, name) {
			errs = append(errs, training.FieldError{Field: "header", Message: "lacks the column " + name})
		}
	}
	return columns, invalid(errs...)
}

// separator is the one of comma, semicolon and tab that the first line has most of.
func separator(body []byte) rune {
	line, _, _ := bytes.Cut(body, []byte{'\n'})
	if rest, ok := bytes.CutPrefix(line, []byte("sep=")); ok && len(bytes.TrimRight(rest, "\r")) == 1 {
		if c := rune(rest[0]); strings.ContainsRune(",;\t", c) {
			return c
		}
	}
	best := ','
	for _, c := range ";\t" {
		if bytes.Count(line, []byte{byte(c)}) > bytes.Count(line, []byte{byte(best)}) {
			best = c
		}
	}
	return best
}

// unreadable says where the CSV ends to be one.
func unreadable(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return badRequest(fmt.Sprintf("The CSV cannot be read at line %d, column %d: a quotation mark is where none may be, or one is missing.", parse.Line, parse.Column))
	}
	return badRequest("The CSV cannot be read.")
}

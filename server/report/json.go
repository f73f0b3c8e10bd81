package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
)

// writeJSON writes {"sha256": …, "content": …}. The hash is of the content's bytes as they stand
// there; they are as compact as JSON can be, so that one can get them out with
// jq -cj .content report.json.
func writeJSON(c *Content, w io.Writer) error {
	if _, err := fmt.Fprintf(w, `{"sha256":"%s","content":`, c.hash()); err != nil {
		return err
	}
	if err := c.canonical(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "}\n")
	return err
}

// hash is the SHA-256 of the canonical content in hexadecimal.
func (c *Content) hash() string {
	h := sha256.New()
	if err := c.canonical(h); err != nil { // a hash takes everything, and all in c can be written
		panic("report: hashing: " + err.Error())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// head is the content's JSON but for the tables.
type head struct {
	Report struct {
		ID          int64     `json:"id"`
		Type        string    `json:"type"`
		Scope       string    `json:"scope"`
		Locale      string    `json:"locale"`
		EvaluatedAt time.Time `json:"evaluated_at"`
		Title       string    `json:"title"`
	} `json:"report"`
	Company struct {
		Name        string `json:"name"`
		PrivacyMode string `json:"privacy_mode"`
		ActiveUsers int    `json:"active_users"`
	} `json:"company"`
	Person    string     `json:"person,omitempty"`
	Framework *framework `json:"framework,omitempty"`
	Scope     []string   `json:"scope"`
	Method    []string   `json:"method"`
}

// flush is how many bytes of JSON are written at once.
const flush = 32 << 10

// canonical writes the content as JSON without blanks, names in a fixed order, row by row. Withheld
// values are null, and "withheld" names them.
func (c *Content) canonical(w io.Writer) error {
	var h head
	h.Report.ID, h.Report.Type, h.Report.Scope, h.Report.Locale = c.ID, string(c.Type), string(c.Scope), c.Locale
	h.Report.EvaluatedAt, h.Report.Title = c.EvaluatedAt, c.Title
	h.Company.Name, h.Company.PrivacyMode, h.Company.ActiveUsers = c.Company, string(c.Privacy), c.ActiveUsers
	h.Person, h.Framework, h.Scope, h.Method = c.Person, c.Framework, c.Covers, c.Method
	first, err := compact(h)
	if err != nil {
		return err
	}
	buf := append(first[:len(first)-1], `,"figures":`...)
	columns, cells := make([]Column, len(c.Figures)), make([]Cell, len(c.Figures))
	for i, f := range c.Figures {
		columns[i], cells[i] = f.Column, f.Cell
	}
	if buf, err = appendRow(buf, columns, cells); err != nil {
		return err
	}
	buf = append(buf, `,"tables":{`...)
	for i := range c.Tables {
		t := &c.Tables[i]
		if i > 0 {
			buf = append(buf, ',')
		}
		note, err := compact(t.Note)
		if err != nil {
			return err
		}
		buf = append(append(append(buf, `"`+t.Name+`":{"note":`...), note...), `,"rows":[`...)
		for n, row := range t.Rows {
			if n > 0 {
				buf = append(buf, ',')
			}
			if buf, err = appendRow(buf, t.Columns, row); err != nil {
				return err
			}
			if len(buf) < flush {
				continue
			}
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
		buf = append(buf, "]}"...)
	}
	_, err = w.Write(append(buf, "}}"...))
	return err
}

// appendRow appends an object of the cells by the columns' names.
func appendRow(buf []byte, columns []Column, cells []Cell) ([]byte, error) {
	var withheld []string
	buf = append(buf, '{')
	for i, column := range columns {
		if i > 0 {
			buf = append(buf, ',')
		}
		name, err := compact(column.Name)
		if err != nil {
			return nil, err
		}
		buf = append(append(buf, name...), ':')
		switch cell := cells[i]; {
		case cell.State == Withheld:
			withheld = append(withheld, column.Name)
			buf = append(buf, "null"...)
		case cell.State == None:
			buf = append(buf, "null"...)
		case column.Kind.Numeric():
			buf = strconv.AppendFloat(buf, cell.Number, 'f', -1, 64)
		default:
			text, err := compact(cell.Text)
			if err != nil {
				return nil, err
			}
			buf = append(buf, text...)
		}
	}
	if withheld != nil {
		names, err := compact(withheld)
		if err != nil {
			return nil, err
		}
		buf = append(append(buf, `,"withheld":`...), names...)
	}
	return append(buf, '}'), nil
}

// compact is JSON in which nothing is escaped that need not be.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

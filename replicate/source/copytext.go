package source

import (
	"bytes"
	"errors"
	"fmt"

	"outpost/replicate/change"
)

// parseCopy appends the values of whole lines in COPY's text format, width to a line.
// They alias the text, which is unescaped in place: an escape is never shorter than
// what it stands for. The format:
// https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
func parseCopy(values []change.Value, text []byte, width int) ([]change.Value, error) {
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n') // in a value it would be escaped
		if end < 0 {
			return values, errors.New("COPY ended in the middle of a row")
		}
		line := text[:end:end]
		text = text[end+1:]
		for column := 1; ; column++ {
			field, rest, more := bytes.Cut(line, tab)
			if more != (column < width) {
				return values, fmt.Errorf("COPY sent a row of %d columns or more instead of %d", column, width)
			}
			value, err := parseField(field[:len(field):len(field)])
			if err != nil {
				return values, err
			}
			values = append(values, value)
			if !more {
				break
			}
			line = rest
		}
	}
	return values, nil
}

var tab = []byte{'\t'}

func parseField(field []byte) (change.Value, error) {
	escape := bytes.IndexByte(field, '\\')
	if escape < 0 {
		return change.Value{Presence: change.Present, Data: field}, nil
	}
	if len(field) == 2 && field[1] == 'N' {
		return change.Value{Presence: change.Null}, nil
	}
	out := field[:escape]
	for i := escape; i < len(field); i++ {
		c := field[i]
		if c != '\\' {
			out = append(out, c)
			continue
		}
		if i++; i == len(field) {
			return change.Value{}, errors.New("COPY sent a value that ends in the middle of an escape")
		}
		// These are all that the server writes.
		switch c = field[i]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'v':
			c = '\v'
		case '\\':
		default:
			return change.Value{}, fmt.Errorf(`COPY sent the unknown escape \%c`, c)
		}
		out = append(out, c)
	}
	return change.Value{Presence: change.Present, Data: out[:len(out):len(out)]}, nil
}

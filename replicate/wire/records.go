package wire

import (
	"encoding/binary"
	"fmt"
)

// maxRecord bounds one record, in bytes: Postgres' own limit for a value is 1 GiB,
// and a length beyond it is damage.
const maxRecord = 1 << 31

// AppendRecord appends one pgoutput message to a body.
func AppendRecord(body, record []byte) []byte {
	body = binary.AppendUvarint(body, uint64(len(record)))
	return append(body, record...)
}

// Records calls each with every record of a whole body. A record aliases body.
func Records(body []byte, each func(record []byte) error) error {
	var s Splitter
	if err := s.Write(body, each); err != nil {
		return err
	}
	return s.Close()
}

// Splitter cuts the bodies of a large transaction's parts back into records, one
// part at a time. The zero Splitter is ready for the first part.
type Splitter struct {
	partial []byte // the beginning of a record that the next part continues
}

// Write calls each with every record that body completes. A record is valid only
// during the call.
func (s *Splitter) Write(body []byte, each func(record []byte) error) error {
	for len(s.partial) > 0 {
		missing, known, err := s.missing()
		if err != nil {
			return err
		}
		if known && missing == 0 {
			_, size := binary.Uvarint(s.partial)
			if err := each(s.partial[size:]); err != nil {
				return err
			}
			s.partial = s.partial[:0]
			break
		}
		if len(body) == 0 {
			return nil
		}
		n := min(missing, len(body))
		s.partial = append(s.partial, body[:n]...)
		body = body[n:]
	}
	for len(body) > 0 {
		length, size := binary.Uvarint(body)
		if size < 0 || length > maxRecord {
			return fmt.Errorf("%w: a record's length", ErrFormat)
		}
		if size == 0 || uint64(len(body)-size) < length {
			s.partial = append(s.partial[:0], body...)
			return nil
		}
		if err := each(body[size : size+int(length)]); err != nil {
			return err
		}
		body = body[size+int(length):]
	}
	return nil
}

// missing says how many bytes the begun record lacks: one more while its length is
// not whole (known is false then).
func (s *Splitter) missing() (n int, known bool, err error) {
	length, size := binary.Uvarint(s.partial)
	switch {
	case size < 0 || length > maxRecord:
		return 0, false, fmt.Errorf("%w: a record's length", ErrFormat)
	case size == 0:
		return 1, false, nil
	}
	return size + int(length) - len(s.partial), true, nil
}

// Close reports a record that never ended.
func (s *Splitter) Close() error {
	if len(s.partial) > 0 {
		return fmt.Errorf("%w: the last record is cut short", ErrFormat)
	}
	return nil
}

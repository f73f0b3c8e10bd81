package api

import (
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/goccy/go-json"
)

// encoder is what knows better how it is written.
type encoder interface{ encode() ([]byte, error) }

// encodeJSON writes what encoding/json does with SetEscapeHTML(false), byte for byte, which
// encode_test.go holds for every type that is answered; go-json takes a third of the time, for it
// walks a type once instead of every value. <, > and & are left alone, of which Markdown is full: no
// browser takes JSON with nosniff for HTML.
func encodeJSON(value any) ([]byte, error) {
	if own, ok := value.(encoder); ok {
		return own.encode()
	}
	body, err := json.MarshalWithOption(value, json.DisableHTMLEscape())
	if err != nil {
		return nil, fmt.Errorf("encoding JSON: %w", err)
	}
	return body, nil
}

// appendPlain writes what has a plainType as encodeJSON does, without its detours.
func appendPlain(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, "null"...)
		}
		return appendPlain(b, v.Elem())
	case reflect.String:
		return appendText(b, v.String())
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	}
	return strconv.AppendInt(b, v.Int(), 10)
}

// appendText writes a string. What has to be escaped is left to the encoder.
func appendText(b []byte, s string) []byte {
	if needsNoEscape(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, err := encodeJSON(s)
	if err != nil {
		panic(err) // every string can be written
	}
	return append(b, quoted...)
}

// needsNoEscape is false for some that need none, too: U+2028 and U+2029, which do, begin as a dash does.
func needsNoEscape(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == 0xe2 {
			return false
		}
	}
	return utf8.ValidString(s)
}

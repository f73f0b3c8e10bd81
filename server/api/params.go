package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"outpost/server/training"
)

// maxText bounds the parameters that are text.
const (
	maxAfter    = 512
	maxCategory = 64
)

// paging reads page, size, sort and after. Its strings are Fiber's: clone what stays.
func (k *call) paging(sorts []string) (training.Paging, error) {
	p := training.Paging{Page: 1, Size: training.DefaultSize, Sort: sorts[0], After: k.c.Query("after")}
	var err error
	if p.Page, err = k.intQuery("page", p.Page); err != nil {
		return p, err
	}
	if p.Size, err = k.intQuery("size", p.Size); err != nil {
		return p, err
	}
	if sort := k.c.Query("sort"); sort != "" {
		p.Sort, p.Desc = strings.TrimPrefix(sort, "-"), sort[0] == '-'
	}
	if len(p.After) > maxAfter {
		return p, training.InvalidField("after", "must be what next_after said")
	}
	return p, p.Validate(sorts...)
}

func (k *call) intQuery(name string, fallback int) (int, error) {
	s := k.c.Query(name)
	if s == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, training.InvalidField(name, "must be a whole number")
	}
	return n, nil
}

// timeQuery reads an instant, zero where there is none, and collects what is wrong with it.
func (k *call) timeQuery(name string, errs []training.FieldError) (time.Time, []training.FieldError) {
	s := k.c.Query(name)
	if s == "" {
		return time.Time{}, errs
	}
	// In a query, + means a space; a time zone's is often left as it is.
	at, err := time.Parse(time.RFC3339, strings.ReplaceAll(s, " ", "+"))
	if err != nil || at.UTC().Year() < 1 || at.UTC().Year() > 9999 {
		return time.Time{}, append(errs, training.FieldError{Field: name, Message: "must be a time as RFC 3339 writes it, such as 2026-11-01T00:00:00Z"})
	}
	return at, errs
}

// page adds a page's parameters to a key.
func (k key) page(p training.Paging) key {
	return k.number(int64(p.Page)).number(int64(p.Size)).text(p.Sort).flag(p.Desc).text(p.After)
}

// clonePaging takes the strings out of Fiber's hands.
func clonePaging(p training.Paging) training.Paging {
	p.Sort, p.After = strings.Clone(p.Sort), strings.Clone(p.After)
	return p
}

// courseParam is the course's id or slug, as it stands in the path. What can be neither is not
// found.
func (k *call) courseParam() (string, error) {
	s := k.c.Params("course")
	if len(s) > 100 {
		return "", notFound()
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", notFound()
		}
	}
	return s, nil
}

// idParam reads a number above zero from the path; what is none names nothing.
func (k *call) idParam(name string, bits int) (int64, error) {
	s := k.c.Params(name)
	n, err := strconv.ParseInt(s, 10, bits)
	if err != nil || n < 1 || s[0] == '+' {
		return 0, notFound()
	}
	return n, nil
}

// decode reads the body into v, a pointer to a struct. required are the fields that it must
// have.
func (k *call) decode(v any, required ...string) error {
	body := k.c.BodyRaw() // Body would unpack it first, however large that is
	if len(body) == 0 {
		return badRequest("The body is empty; it must be a JSON object.")
	}
	kind := k.c.Get(fiber.HeaderContentType)
	if patch := k.c.Method() == http.MethodPatch && isType(kind, "application/merge-patch+json"); !isJSON(kind) && !patch || !utf8Charset(kind) {
		return &problem{status: http.StatusUnsupportedMediaType, detail: "The body must be application/json."}
	}
	if k.c.Get(fiber.HeaderContentEncoding) != "" {
		return &problem{status: http.StatusUnsupportedMediaType, detail: "The body must not be compressed."}
	}
	var present map[string]json.RawMessage
	if err := decodeJSON(body, &present); err != nil {
		return err
	}
	var missing []training.FieldError
	for _, name := range required {
		if raw, ok := present[name]; !ok || string(raw) == "null" {
			missing = append(missing, training.FieldError{Field: name, Message: "is required"})
		}
	}
	if len(missing) > 0 {
		return invalid(missing...)
	}
	return decodeJSON(body, v)
}

func decodeJSON(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return badRequest("The body has something after the JSON object.")
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if wrong.Field == "" {
			return badRequest("The body must be a JSON object.")
		}
		return training.InvalidField(wrong.Field, "must be %s", kindName(wrong.Type.Kind().String()))
	}
	return badRequest("The body is not well-formed JSON.")
}

func kindName(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"):
		return "a whole number"
	case kind == "string":
		return "a text"
	case kind == "bool":
		return "true or false"
	case kind == "slice":
		return "a list"
	}
	return "of another type"
}

func utf8Charset(contentType string) bool {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	charset := parameters["charset"]
	return charset == "" || strings.EqualFold(charset, "utf-8")
}

// checkText collects what is wrong with a text that goes to the database: Postgres takes no
// NUL.
func checkText(errs []training.FieldError, field, value string, limit int) []training.FieldError {
	switch {
	case value == "":
		return append(errs, training.FieldError{Field: field, Message: "must not be empty"})
	case len(value) > limit:
		return append(errs, training.FieldError{Field: field, Message: fmt.Sprintf("must be at most %d bytes long", limit)})
	case strings.ContainsRune(value, 0):
		return append(errs, training.FieldError{Field: field, Message: "must not contain NUL"})
	}
	return errs
}

func invalid(fields ...training.FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &training.Error{Code: training.Invalid, Message: "The request is well-formed but cannot be accepted.", Fields: fields}
}

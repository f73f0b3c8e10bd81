package training

import (
	"errors"
	"fmt"
	"time"
)

// Code classifies an error that can be answered. The API maps each code to one status.
type Code string

// The codes.
const (
	NotFound     Code = "not_found"
	Forbidden    Code = "forbidden"
	Conflict     Code = "conflict"
	Invalid      Code = "invalid"
	Unauthorized Code = "unauthorized"
	Precondition Code = "precondition_failed"
	Unavailable  Code = "unavailable"
)

// FieldError says what is wrong with one field of the input.
type FieldError struct {
	Row     int `json:",omitempty"` // of many, from 1; 0 where there is one input
	Field   string
	Message string
}

// Error is an error whose Message may be shown to the caller. What went wrong inside
// travels in Err and is logged, never shown.
type Error struct {
	Code       Code
	Message    string
	Fields     []FieldError  // of Invalid and Conflict
	RetryAfter time.Duration // of Unavailable; 0: unknown
	Err        error
}

// Error gives the message and, for logs, its cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is lets errors.Is(err, &Error{Code: c}) and CodeOf agree: two Errors are the same kind when
// their codes are.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errorf makes an Error whose message may be shown.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// InvalidField makes an Invalid error about one field.
func InvalidField(field, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	return &Error{
		Code: Invalid, Message: "The request is well-formed but cannot be accepted.",
		Fields: []FieldError{{Field: field, Message: message}},
	}
}

// CodeOf gives the code of err, or "" when it has none: an internal error.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

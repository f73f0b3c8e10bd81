package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLog makes a node's logger. format is text or json, level one of debug, info, warn,
// error; anything else is an error that says so.
func NewLog(w io.Writer, format, level string) (*slog.Logger, error) {
	l, err := ParseLevel(level)
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format is %q; it may be text or json", format)
}

// ParseLevel reads a level's name.
func ParseLevel(level string) (slog.Level, error) {
	switch level {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("log level is %q; it may be debug, info, warn or error", level)
}

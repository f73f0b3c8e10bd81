package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize" // sizes such as 64MiB
)

// reader reads variables and collects what is wrong with them.
type reader struct {
	lookup func(string) (string, bool)
	errs   []error
}

func (r *reader) fail(name, value, want string) {
	r.errs = append(r.errs, fmt.Errorf("%s is %q; it must be %s", name, value, want))
}

// get gives a variable's value; an empty one counts as not set.
func (r *reader) get(name string) (string, bool) {
	v, ok := r.lookup(name)
	v = strings.TrimSpace(v)
	return v, ok && v != ""
}

func (r *reader) text(name, fallback string) string {
	if v, ok := r.get(name); ok {
		return v
	}
	return fallback
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// name reads a region or zone: it becomes part of subjects, files and labels.
func (r *reader) name(name, fallback string) string {
	v := r.text(name, fallback)
	if !namePattern.MatchString(v) {
		r.fail(name, v, "1 to 32 of a-z, 0-9, - and _, such as fra")
	}
	return v
}

func (r *reader) oneOf(name, fallback string, allowed ...string) string {
	v := r.text(name, fallback)
	if v != fallback && !slices.Contains(allowed, v) {
		r.fail(name, v, "one of "+strings.Join(allowed, ", "))
	}
	return v
}

func (r *reader) addr(name, fallback string) string {
	v := r.text(name, fallback)
	_, port, err := net.SplitHostPort(v)
	if n, errPort := strconv.ParseUint(port, 10, 16); err != nil || errPort != nil || n > 65535 {
		r.fail(name, v, "host:port or :port, such as "+fallback)
	}
	return v
}

// url never repeats the value: it may carry a password.
func (r *reader) url(name string, schemes ...string) string {
	v, ok := r.get(name)
	if !ok {
		return ""
	}
	return r.checkURL(name, v, schemes...)
}

// secretURL is a URL that may stand in the file that the _FILE twin names.
func (r *reader) secretURL(name string, schemes ...string) string {
	v := r.secret(name)
	if v == "" {
		return ""
	}
	return r.checkURL(name, v, schemes...)
}

func (r *reader) checkURL(name, v string, schemes ...string) string {
	u, err := url.Parse(v)
	if err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) {
		r.errs = append(r.errs, fmt.Errorf("%s is not a URL this program can use; it must be %s://host:port", name, strings.Join(schemes, "://… or ")))
		return ""
	}
	return strings.TrimRight(v, "/")
}

// secret reads a variable, or the file that its _FILE twin names.
func (r *reader) secret(name string) string {
	if v, ok := r.get(name); ok {
		return v
	}
	path, ok := r.get(name + "_FILE")
	if !ok {
		return ""
	}
	v, err := readSecret(path)
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s_FILE: %w", name, err))
	}
	return v
}

// mailbox reads an address, with or without a name.
func (r *reader) mailbox(name string) string {
	v, ok := r.get(name)
	if !ok {
		return ""
	}
	if _, err := mail.ParseAddress(v); err != nil {
		r.fail(name, v, "a mail address such as outpost@example.com or Outpost <outpost@example.com>")
	}
	return v
}

// headers reads name=value,name=value, the values percent-encoded, as OpenTelemetry's variables have it.
// Nothing of them is repeated.
func (r *reader) headers(name string) map[string]string {
	given := r.secret(name)
	if given == "" {
		return nil
	}
	headers := make(map[string]string)
	for _, header := range strings.Split(given, ",") {
		key, value, ok := strings.Cut(header, "=")
		key = strings.TrimSpace(key)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || !headerPattern.MatchString(key) || strings.ContainsFunc(value, unicode.IsControl) {
			r.errs = append(r.errs, fmt.Errorf("%s is not a list of headers; it must be name=value,name=value with values percent-encoded", name))
			return nil
		}
		headers[key] = value
	}
	return headers
}

// headerPattern is RFC 9110's token.
var headerPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// ratio reads a number from 0 to 1.
func (r *reader) ratio(name string, fallback float64) float64 {
	v, ok := r.get(name)
	if !ok {
		return fallback
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || !(n >= 0 && n <= 1) { // NaN too
		r.fail(name, v, "a number from 0 to 1, such as 0.1")
	}
	return n
}

func (r *reader) count(name string, fallback, least, most int32) int32 {
	v, ok := r.get(name)
	if !ok {
		return fallback
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || int32(n) < least || int32(n) > most {
		r.fail(name, v, fmt.Sprintf("a number from %d to %d", least, most))
	}
	return int32(n)
}

func (r *reader) flag(name string, fallback bool) bool {
	v, ok := r.get(name)
	if !ok {
		return fallback
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		r.fail(name, v, "true or false")
	}
	return b
}

func (r *reader) duration(name string, fallback time.Duration) time.Duration {
	v, ok := r.get(name)
	if !ok {
		return fallback
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		r.fail(name, v, "a duration above zero, such as 500ms, 10s or 1h")
	}
	return d
}

// threshold reads a duration above which something is told of, or off: 0.
func (r *reader) threshold(name string, fallback time.Duration) time.Duration {
	switch v, ok := r.get(name); {
	case !ok:
		return fallback
	case v == "off":
		return 0
	default:
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			r.fail(name, v, `"off", or a duration above zero, such as `+fallback.String())
		}
		return d
	}
}

// origins reads a list of origins in the one form that browsers send, which is compared letter by
// letter. There is no * for all: it would let the page of anyone call, with whatever token it got hold of.
func (r *reader) origins(name string) []string {
	v, ok := r.get(name)
	if !ok {
		return nil
	}
	var origins []string
	for _, origin := range strings.Split(v, ",") {
		origin = strings.TrimSpace(origin)
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.Contains(u.Host, "*") ||
			strings.ToLower(u.Scheme+"://"+u.Host) != origin || u.Port() == defaultPorts[u.Scheme] || strings.HasSuffix(u.Host, ":") {
			r.fail(name, origin, "origins as browsers send them, separated by commas, such as https://app.example.com: "+
				"scheme and host in small letters, a port only if it is not the scheme's own, no path and no *")
			continue
		}
		if !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// defaultPorts are left out of an origin.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// room reads a size, or off: 0.
func (r *reader) room(name string, fallback int64) int64 {
	switch v, ok := r.get(name); {
	case !ok:
		return fallback
	case v == "off":
		return 0
	default:
		n, err := humanize.ParseBytes(v)
		if err != nil || n < 1<<20 || n > 1<<40 {
			r.fail(name, v, `"off", or a size from 1MiB to 1TiB, such as 64MiB`)
		}
		return int64(n)
	}
}

func (r *reader) level(name string, fallback slog.Level) slog.Level {
	v, ok := r.get(name)
	if !ok {
		return fallback
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(v)); err != nil {
		r.fail(name, v, "one of debug, info, warn, error")
	}
	return l
}

var limitPattern = regexp.MustCompile(`^(\d{1,6})/(\d{1,5}[smh])\+(\d{1,6})$`)

func (r *reader) limit(name string, fallback Limit) Limit {
	v, ok := r.get(name)
	if !ok {
		return fallback
	}
	if v == "off" {
		return Limit{}
	}
	parts := limitPattern.FindStringSubmatch(v)
	if parts == nil {
		r.fail(name, v, `"off", or tokens/time+burst such as `+fallback.String()+", with up to six digits each")
		return fallback
	}
	count, _ := strconv.Atoi(parts[1]) // the pattern lets only digits through
	per, _ := time.ParseDuration(parts[2])
	burst, _ := strconv.Atoi(parts[3])
	if count == 0 || per == 0 {
		r.fail(name, v, `"off", or tokens/time+burst above zero such as `+fallback.String())
	}
	return Limit{Count: count, Per: per, Burst: burst}
}

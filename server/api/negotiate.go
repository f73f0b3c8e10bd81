package api

import (
	"bytes"
	"strings"
)

// encodings in the order of preference among those that the client likes equally.
var encodings = [...]string{"zstd", "br", "gzip"}

// chooseEncoding gives the encoding for an Accept-Encoding, "" for none. It allocates nothing.
func chooseEncoding(accept []byte) string {
	if len(accept) == 0 {
		return ""
	}
	var weights [len(encodings)]int // in thousandths; -1: refused; 0: not named
	any := 0
	for len(accept) > 0 {
		var item []byte
		item, accept, _ = bytes.Cut(accept, []byte{','})
		name, parameters, _ := bytes.Cut(item, []byte{';'})
		name = bytes.TrimSpace(name)
		weight := weightOf(parameters)
		if len(name) == 1 && name[0] == '*' {
			any = weight
			continue
		}
		for i, e := range encodings {
			if equalFold(name, e) {
				weights[i] = weight
			}
		}
	}
	best, chosen := 0, ""
	for i, e := range encodings {
		w := weights[i]
		if w == 0 {
			w = any
		}
		if w > best {
			best, chosen = w, e
		}
	}
	return chosen
}

// weightOf reads q=0.8 as 800; without one it is 1000, and 0 comes back as -1.
func weightOf(parameters []byte) int {
	for len(parameters) > 0 {
		var p []byte
		p, parameters, _ = bytes.Cut(parameters, []byte{';'})
		p = bytes.TrimSpace(p)
		if len(p) < 3 || (p[0] != 'q' && p[0] != 'Q') || p[1] != '=' {
			continue
		}
		whole, fraction, _ := bytes.Cut(p[2:], []byte{'.'})
		if string(whole) != "0" {
			return 1000
		}
		weight, unit := 0, 100
		for _, d := range fraction {
			if d < '0' || d > '9' {
				break
			}
			weight += int(d-'0') * unit
			unit /= 10
		}
		if weight == 0 {
			return -1
		}
		return weight
	}
	return 1000
}

// equalFold compares with a lower-case ASCII name.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// matches says whether an If-None-Match names etag. Comparison is weak (RFC 9110, 13.1.2).
func matches(ifNoneMatch []byte, etag string) bool {
	for len(ifNoneMatch) > 0 {
		var item []byte
		item, ifNoneMatch, _ = bytes.Cut(ifNoneMatch, []byte{','})
		item = bytes.TrimSpace(item)
		if string(item) == "*" || string(bytes.TrimPrefix(item, []byte("W/"))) == etag {
			return true
		}
	}
	return false
}

// isJSON says whether a Content-Type is JSON's, with whatever parameters.
func isJSON(contentType string) bool { return isType(contentType, "application/json") }

func isType(contentType, want string) bool {
	name, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(name), want)
}

// Package forward takes requests from an edge straight to the primary region's API, over
// plain HTTP, and brings the answer back unchanged: so there is one validation and one
// set of errors, the primary's.
//
// It guarantees that a request is sent at most once, unless the connection could not even
// be made; that both the request and the answer are bounded; and that the primary can tell
// a node of the cluster from a stranger (see Sign) without the cluster key ever
// travelling. It knows neither the routes nor the server framework.
package forward

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Headers that nodes of a cluster add for each other.
const (
	HeaderForwarded    = "Outpost-Forwarded"     // the region that sent the request on
	HeaderForwardedFor = "Outpost-Forwarded-For" // the address of the client
	HeaderCluster      = "Outpost-Cluster"       // the proof, see Sign
)

// Limits of a Client.
const (
	maxAnswer   = 16 << 20
	dialTries   = 3
	dialPause   = 50 * time.Millisecond
	dialTimeout = 3 * time.Second
	// The primary's API closes an idle connection after two minutes. Closing it here first
	// keeps a request from being written into a connection that is just going away.
	idleTimeout = 45 * time.Second
)

// Request is what travels to the primary.
type Request struct {
	Method   string
	Target   string      // path and query
	Header   http.Header // only those meant for the primary; Do adds to a copy
	Body     []byte
	ClientIP string
	Creates  bool // gets an Idempotency-Key when it has none
}

// Response is the primary's answer, as it came.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Error says that there was no answer.
type Error struct {
	// Sent says that the request may have reached the primary, so that its outcome is
	// unknown. Otherwise nothing happened there.
	Sent bool
	Err  error
}

// Error gives the cause.
func (e *Error) Error() string {
	if e.Sent {
		return fmt.Sprintf("waiting for the primary's answer: %v", e.Err)
	}
	return fmt.Sprintf("connecting to the primary: %v", e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Config is what a Client needs.
type Config struct {
	Base      string            // the primary's URL, such as http://fra.internal:8080
	Key       string            // the cluster key; it never travels
	Region    string            // this node's
	Transport http.RoundTripper // nil: a pooled one of its own
	Observe   func(result string)
	Now       func() time.Time // nil: time.Now
}

// Client sends requests to the primary.
type Client struct {
	config Config
	base   *url.URL
	client *http.Client
}

// New makes a Client.
func New(config Config) (*Client, error) {
	base, err := url.Parse(config.Base)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("the primary's URL %q is not of the form http://host:port", config.Base)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Observe == nil {
		config.Observe = func(string) {}
	}
	if config.Transport == nil {
		config.Transport = NewTransport((&net.Dialer{Timeout: dialTimeout}).DialContext)
	}
	return &Client{config: config, base: base, client: &http.Client{
		Transport: config.Transport,
		// What the primary answers is the answer, a redirect too.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// NewTransport gives a transport that leaves the answer's encoding alone and keeps
// connections warm; dial may simulate distance.
func NewTransport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext:           dial,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   256,
		MaxConnsPerHost:       1024,
		IdleConnTimeout:       idleTimeout,
		TLSHandshakeTimeout:   dialTimeout,
		ExpectContinueTimeout: time.Second,
	}
}

// Stream is the primary's answer, as it comes.
type Stream struct {
	Status int
	Header http.Header
	Size   int64         // of the body, in bytes; -1: not known
	Body   io.ReadCloser // to be closed
}

// Do sends r and returns the answer, whatever its status. A failure is always an *Error.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	answer, err := c.send(ctx, r)
	if err != nil {
		return Response{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		err = fmt.Errorf("reading the answer: %w", err)
	case len(body) > maxAnswer:
		err = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	if err != nil {
		c.config.Observe("lost")
		return Response{}, &Error{Sent: true, Err: err}
	}
	c.config.Observe(resultOf(answer.StatusCode))
	return Response{Status: answer.StatusCode, Header: answer.Header, Body: body}, nil
}

// Open is Do for what is too large to be held: the body is read from the primary as it is read here.
// ctx has to last until it is closed.
func (c *Client) Open(ctx context.Context, r Request) (Stream, error) {
	answer, err := c.send(ctx, r) //nolint:bodyclose // the stream's owner closes it
	if err != nil {
		return Stream{}, err
	}
	c.config.Observe(resultOf(answer.StatusCode))
	return Stream{Status: answer.StatusCode, Header: answer.Header, Size: answer.ContentLength, Body: answer.Body}, nil
}

// send sends r, again where there was no connection.
func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	header := make(http.Header, len(r.Header)+4)
	for name, values := range r.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	if r.Creates && header.Get("Idempotency-Key") == "" {
		header.Set("Idempotency-Key", newKey())
	}
	for try := 1; ; try++ {
		answer, err := c.once(ctx, r, header)
		var failed *Error
		switch {
		case err == nil:
			return answer, nil
		case !errors.As(err, &failed) || failed.Sent:
			c.config.Observe("lost")
			return nil, err
		case try == dialTries || !pause(ctx, dialPause<<(try-1)):
			c.config.Observe("unreachable")
			return nil, err
		}
	}
}

// Close gives idle connections back.
func (c *Client) Close() { c.client.CloseIdleConnections() }

func (c *Client) once(ctx context.Context, r Request, header http.Header) (*http.Response, error) {
	// From the moment a connection is there, bytes may have gone out.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	target, err := c.base.Parse(r.Target)
	if err != nil || target.Host != c.base.Host {
		return nil, &Error{Err: fmt.Errorf("the target %q is not a path", r.Target)}
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, target.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, &Error{Err: fmt.Errorf("making the request: %w", err)}
	}
	// Without GetBody net/http cannot send the same body a second time of its own accord.
	request.GetBody = nil
	if len(r.Body) == 0 {
		request.Body = http.NoBody
	}
	request.Header = header.Clone()
	request.Header.Set(HeaderForwarded, c.config.Region)
	request.Header.Set(HeaderForwardedFor, r.ClientIP)
	request.Header.Set(HeaderCluster, Sign(c.config.Key, Claim{
		Method: r.Method, Target: target.RequestURI(), Region: c.config.Region, ClientIP: r.ClientIP,
	}, c.config.Now()))
	answer, err := c.client.Do(request)
	if err != nil {
		return nil, &Error{Sent: connected.Load(), Err: withoutURL(err)}
	}
	return answer, nil
}

// withoutURL takes the URL out of net/http's errors: a query may hold what no log should.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func resultOf(status int) string {
	switch {
	case status >= 500:
		return "error"
	case status >= 400:
		return "refused"
	}
	return "ok"
}

func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

// pause waits for d, or says false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

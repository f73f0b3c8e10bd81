// Package config reads what a node is told by its environment, and says clearly what
// is wrong with it: the variable, what it holds and what it may hold.
//
// It decides nothing else; node turns a Config into running parts.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config is one node's configuration.
type Config struct {
	DatabaseURL   string
	Region        string
	PrimaryRegion string
	Addr          string // of the API
	AdminAddr     string // metrics, health, pprof
	Data          string // folder for replica, stream, queue
	PrimaryURL    string // where an edge sends writes
	PublicURL     string // where people reach the product: links in mail and on certificates begin with it
	HubAddr       string // primary: where the embedded NATS listens
	HubURL        string // edge: the hub; primary: an existing NATS instead of the embedded one
	ClusterKey    string
	Pool          Pool
	Zone          string
	RateLimit     Limit
	LoginLimit    Limit
	CacheBytes    int64 // 0: off
	MaxLag        time.Duration
	Wait          time.Duration
	// ClientIPHeader names the client where the platform's own proxy sets it, which is on
	// Fly alone; elsewhere anyone could send it.
	ClientIPHeader string
	Mail           Mail
	Origins        []string      // whose pages may call the API
	SlowSQLite     time.Duration // a query that takes longer is logged; 0: none is
	SlowPostgres   time.Duration
	Traces         Traces
	LogLevel       slog.Level
	LogFormat      string // "text", "json", or "" for text on a terminal
}

// Pool bounds the connections to Postgres.
type Pool struct {
	MaxConns, MinConns          int32
	AcquireTimeout, MaxLifetime time.Duration
	Pooler                      bool // behind a pooler without sessions
}

// Mail says how the primary sends mail.
type Mail struct {
	URL  string // of the SMTP server, with its password; empty: mail waits
	From string
}

// Traces says where traces go, and which there are.
type Traces struct {
	Endpoint string            // of the collector; empty: there are no traces
	Headers  map[string]string // for the collector: they hold secrets
	Service  string
	Sampler  string
	Ratio    float64 // of a sampler that takes some of the traces
}

// Limit is a token bucket: Count tokens per Per, and Burst more at once. A zero
// Count means no limit.
type Limit struct {
	Count int
	Per   time.Duration
	Burst int
}

// Off says that nothing is limited.
func (l Limit) Off() bool { return l.Count == 0 }

// String gives the form that the environment takes.
func (l Limit) String() string {
	if l.Off() {
		return "off"
	}
	return fmt.Sprintf("%d/%ds+%d", l.Count, int(l.Per.Seconds()), l.Burst)
}

// Primary says whether this node is the primary: it is in the primary region and
// knows Postgres. Every other node is an edge.
func (c *Config) Primary() bool {
	return c.Region == c.PrimaryRegion && c.DatabaseURL != ""
}

const defaultData = "./data"

// FromEnv reads the configuration; lookup is os.LookupEnv but in tests. The error
// names every variable that is wrong.
func FromEnv(lookup func(string) (string, bool)) (Config, error) {
	r := reader{lookup: lookup}
	c := Config{
		DatabaseURL:   r.text("DATABASE_URL", ""),
		Region:        r.name("OUTPOST_REGION", r.name("FLY_REGION", "local")),
		PrimaryRegion: r.name("PRIMARY_REGION", "local"),
		Addr:          r.addr("OUTPOST_ADDR", ":8080"),
		AdminAddr:     r.addr("OUTPOST_ADMIN_ADDR", ":9080"),
		Data:          r.text("OUTPOST_DATA", defaultData),
		PrimaryURL:    r.url("OUTPOST_PRIMARY_URL", "http", "https"),
		PublicURL:     r.url("OUTPOST_PUBLIC_URL", "http", "https"),
		HubAddr:       r.addr("OUTPOST_HUB_ADDR", ":4222"),
		HubURL:        r.url("OUTPOST_HUB_URL", "nats", "tls"),
		ClusterKey:    r.secret("OUTPOST_CLUSTER_KEY"),
		Pool: Pool{
			MaxConns:       r.count("OUTPOST_PG_MAX_CONNS", 30, 2, 1000),
			MinConns:       r.count("OUTPOST_PG_MIN_CONNS", 20, 0, 1000),
			AcquireTimeout: r.duration("OUTPOST_PG_ACQUIRE_TIMEOUT", 30*time.Second),
			MaxLifetime:    r.duration("OUTPOST_PG_MAX_LIFETIME", time.Hour),
			Pooler:         r.flag("OUTPOST_PG_POOLER", false),
		},
		Zone:       r.name("OUTPOST_ZONE", "global"),
		RateLimit:  r.limit("OUTPOST_RATE_LIMIT", Limit{100, time.Minute, 10}),
		LoginLimit: r.limit("OUTPOST_LOGIN_LIMIT", Limit{10, time.Minute, 5}),
		CacheBytes: r.room("OUTPOST_CACHE_BYTES", 64<<20),
		MaxLag:     r.duration("OUTPOST_MAX_LAG", 10*time.Second),
		Wait:       r.duration("OUTPOST_WAIT", time.Second),
		Mail: Mail{
			URL: r.secretURL("OUTPOST_SMTP_URL", "smtp", "smtps"), From: r.mailbox("OUTPOST_MAIL_FROM"),
		},
		Origins: r.origins("OUTPOST_CORS_ORIGINS"),

		SlowSQLite:   r.threshold("OUTPOST_SLOW_SQLITE", 200*time.Millisecond),
		SlowPostgres: r.threshold("OUTPOST_SLOW_POSTGRES", time.Second),

		Traces: Traces{
			Endpoint: r.url("OTEL_EXPORTER_OTLP_ENDPOINT", "http", "https"), Headers: r.headers("OTEL_EXPORTER_OTLP_HEADERS"),
			Service: r.text("OTEL_SERVICE_NAME", "outpost"),
			Sampler: r.oneOf("OTEL_TRACES_SAMPLER", "parentbased_always_on", "parentbased_always_on", "parentbased_always_off",
				"parentbased_traceidratio", "always_on", "always_off", "traceidratio"),
			Ratio: r.ratio("OTEL_TRACES_SAMPLER_ARG", 1),
		},

		LogLevel:  r.level("LOG_LEVEL", slog.LevelInfo),
		LogFormat: r.oneOf("LOG_FORMAT", "", "text", "json"),
	}
	if c.Pool.MinConns > c.Pool.MaxConns {
		r.fail("OUTPOST_PG_MIN_CONNS", fmt.Sprint(c.Pool.MinConns), fmt.Sprintf("at most OUTPOST_PG_MAX_CONNS, which is %d", c.Pool.MaxConns))
	}
	c.defaults(lookup)
	return c, errors.Join(append(r.errs, c.validate())...)
}

// ReplicaFile is where a node keeps its replica below its data folder.
func ReplicaFile(data string) string { return filepath.Join(data, "replica", "replica.db") }

// Data reads the folder of this node.
func Data(lookup func(string) (string, bool)) string {
	r := reader{lookup: lookup}
	return r.text("OUTPOST_DATA", defaultData)
}

// Logging reads the two variables that every command honours.
func Logging(lookup func(string) (string, bool)) (format string, level slog.Level, err error) {
	r := reader{lookup: lookup}
	level = r.level("LOG_LEVEL", slog.LevelInfo)
	format = r.oneOf("LOG_FORMAT", "", "text", "json")
	return format, level, errors.Join(r.errs...)
}

// defaults fills in what follows from other variables.
func (c *Config) defaults(lookup func(string) (string, bool)) {
	app, onFly := lookup("FLY_APP_NAME")
	if onFly {
		c.ClientIPHeader = "Fly-Client-IP"
	}
	if c.Primary() {
		return
	}
	if onFly && c.PrimaryURL == "" {
		_, port, _ := net.SplitHostPort(c.Addr) // validated by addr
		c.PrimaryURL = "http://" + net.JoinHostPort(c.PrimaryRegion+"."+app+".internal", port)
	}
	if u, err := url.Parse(c.PrimaryURL); err == nil && c.HubURL == "" && u.Hostname() != "" {
		c.HubURL = "nats://" + net.JoinHostPort(u.Hostname(), "4222")
	}
}

func (c *Config) validate() error {
	if c.Primary() {
		return c.validateMail()
	}
	var errs []error
	if c.Region == c.PrimaryRegion && c.PrimaryURL == "" {
		return fmt.Errorf("DATABASE_URL is not set: region %q is the primary region and needs it, as postgres://user:password@host/database; "+
			"for an edge set OUTPOST_REGION and PRIMARY_REGION to different regions", c.Region)
	}
	if c.PrimaryURL == "" {
		errs = append(errs, fmt.Errorf("OUTPOST_PRIMARY_URL is not set: an edge sends writes there, such as http://primary.internal:8080"))
	}
	if c.ClusterKey == "" {
		errs = append(errs, fmt.Errorf("OUTPOST_CLUSTER_KEY is not set: an edge needs the secret it shares with the primary (or OUTPOST_CLUSTER_KEY_FILE, a file that holds it)"))
	}
	return errors.Join(errs...)
}

// validateMail asks for what a mail cannot do without.
func (c *Config) validateMail() error {
	m := c.Mail
	if m.URL == "" {
		return nil
	}
	var errs []error
	if m.From == "" {
		errs = append(errs, errors.New("OUTPOST_MAIL_FROM is not set: mail that goes out by OUTPOST_SMTP_URL needs a sender, such as Outpost <outpost@example.com>"))
	}
	if c.PublicURL == "" {
		errs = append(errs, errors.New("OUTPOST_PUBLIC_URL is not set: links in mail that goes out by OUTPOST_SMTP_URL begin with it, such as https://training.example.com"))
	}
	return errors.Join(errs...)
}

// readSecret takes a secret from a file, as orchestrators mount them.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}

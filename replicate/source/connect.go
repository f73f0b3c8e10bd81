package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// settings hold on every connection. The first eight, and search_path, decide what values
// look like as text: money has the currency and the separators of lc_monetary, regclass
// and its like have names. The others keep a role's own limits from ending a long copy.
func settings(lockTimeout time.Duration) map[string]string {
	return map[string]string{
		"TimeZone":           "UTC",
		"DateStyle":          "ISO, MDY",
		"IntervalStyle":      "postgres",
		"extra_float_digits": "3",
		"bytea_output":       "hex",
		"client_encoding":    "UTF8",
		"lc_monetary":        "C",

		"quote_all_identifiers": "off",

		"statement_timeout":                   "0",
		"idle_in_transaction_session_timeout": "0",
		"lock_timeout":                        strconv.FormatInt(lockTimeout.Milliseconds(), 10),
		"search_path":                         "pg_catalog",
		"row_security":                        "off", // rather an error than a copy of some of the rows
		"jit":                                 "off", // compiling costs more than any query here
	}
}

// Connect opens a connection for queries to the database at url, on which values look as
// they do in the copy and in the stream. Disconnect closes it. An error is one line for
// an operator, without a secret.
func Connect(ctx context.Context, url string) (*pgx.Conn, error) {
	return New(Config{URL: url}).connect(ctx)
}

// Disconnect closes a connection that Connect made, also when ctx is done.
func Disconnect(ctx context.Context, conn *pgx.Conn) { closeConn(ctx, conn.PgConn()) }

// connect opens a connection for queries.
func (s *Source) connect(ctx context.Context) (*pgx.Conn, error) {
	c, err := pgx.ParseConfig(s.URL)
	if err != nil {
		return nil, errURL
	}
	configure(&c.Config, s.lockTimeout)
	// Nothing is asked twice on a connection, so nothing is worth preparing.
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return nil, explain(ctx, &c.Config, err)
	}
	if err := unlimited(ctx, conn.PgConn()); err != nil {
		closeConn(ctx, conn.PgConn())
		return nil, err
	}
	return conn, nil
}

// connectReplication opens one that speaks the replication protocol. A stream waits for
// locks as long as it takes: decoding reads the catalogue.
func (s *Source) connectReplication(ctx context.Context, lockTimeout time.Duration, alter ...func(*pgconn.Config)) (*pgconn.PgConn, error) {
	c, err := pgconn.ParseConfig(s.URL)
	if err != nil {
		return nil, errURL
	}
	configure(c, lockTimeout)
	c.RuntimeParams["replication"] = "database"
	for _, each := range alter {
		each(c)
	}
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, explain(ctx, c, err)
	}
	if err := unlimited(ctx, conn); err != nil {
		closeConn(ctx, conn)
		return nil, err
	}
	return conn, nil
}

func configure(c *pgconn.Config, lockTimeout time.Duration) {
	for name, value := range settings(lockTimeout) {
		c.RuntimeParams[name] = value
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "outpost"
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
}

// unlimited lifts a limit that only newer versions know.
func unlimited(ctx context.Context, conn *pgconn.PgConn) error {
	major, _, _ := strings.Cut(conn.ParameterStatus("server_version"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 17 {
		return nil // also betas ("18beta1"), which then keep the role's limit
	}
	if _, err := conn.Exec(ctx, "SET transaction_timeout = 0").ReadAll(); err != nil {
		return fmt.Errorf("preparing the connection to Postgres: %w", err)
	}
	return nil
}

// closeConn closes a connection and what pgconn may still do with it (it cancels
// interrupted queries in a goroutine), also when ctx is done.
func closeConn(ctx context.Context, conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	// The connection is given up whatever this says; nothing depends on it.
	_ = conn.Close(ctx)
	select {
	case <-conn.CleanupDone():
	case <-ctx.Done():
	}
}

// errURL does not repeat the URL: there may be a password anywhere in a malformed one.
var errURL = errors.New("the Postgres URL is malformed: it has to look like postgres://user:password@host:5432/database")

// connectError is one line for an operator; errors.As finds the cause behind it.
type connectError struct {
	line  string
	cause error
}

func (e *connectError) Error() string { return e.line }
func (e *connectError) Unwrap() error { return e.cause }

// explain says in one line why a connection could not be made and what to do.
func explain(ctx context.Context, c *pgconn.Config, err error) error {
	where := "Postgres at " + net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	if strings.HasPrefix(c.Host, "/") {
		where = "Postgres at socket " + c.Host
	}
	line := func(format string, args ...any) error {
		return &connectError{where + fmt.Sprintf(format, args...), err}
	}
	if refusal := (*pgconn.PgError)(nil); errors.As(err, &refusal) {
		switch refusal.Code {
		case "28P01":
			return line(" refused the password of user %q: correct user or password in its URL", c.User)
		case "28000":
			return line(" does not let user %q in (%s): correct its URL, or allow it in pg_hba.conf", c.User, refusal.Message)
		case "3D000":
			return line(" has no database %q: create it, or correct the URL", c.Database)
		case "42501":
			return line(" does not let user %q replicate: ALTER ROLE %s REPLICATION", c.User, pgx.Identifier{c.User}.Sanitize())
		case "53300":
			return line(" has no connection left: raise max_connections, or max_wal_senders for replication (%s)", refusal.Message)
		case "57P03":
			return line(" is not ready yet (%s): wait for it", refusal.Message)
		}
		return line(" refused the connection: %s (SQLSTATE %s)", refusal.Message, refusal.Code)
	}
	if unknown := (*net.DNSError)(nil); errors.As(err, &unknown) {
		return line(" cannot be found: the host name %q does not resolve; correct it in the URL", unknown.Name)
	}
	if ctx.Err() != nil || pgconn.Timeout(err) || errors.Is(err, context.DeadlineExceeded) {
		return line(" does not answer: check host and port in its URL, and that no firewall stands between")
	}
	if failed := (*net.OpError)(nil); errors.As(err, &failed) {
		return line(" cannot be reached (%v): check that it runs, and host and port in its URL", failed.Err)
	}
	lines := strings.Split(err.Error(), "\n")
	return line(" cannot be connected to: %s", strings.TrimSpace(lines[len(lines)-1]))
}

// Database gives the name of the database that a URL leads to.
func Database(url string) (string, error) {
	c, err := pgconn.ParseConfig(url)
	if err != nil {
		return "", errURL
	}
	return c.Database, nil
}

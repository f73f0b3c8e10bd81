package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func env(pairs ...string) func(string) (string, bool) {
	m := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

func TestDefaultsAreThoseOfTheContract(t *testing.T) {
	c, err := FromEnv(env("DATABASE_URL", "postgres://localhost/outpost"))
	if err != nil {
		t.Fatal(err)
	}
	if !c.Primary() || c.Addr != ":8080" || c.AdminAddr != ":9080" || c.HubAddr != ":4222" || c.Data != "./data" ||
		c.Pool != (Pool{30, 20, 30 * time.Second, time.Hour, false}) || c.Zone != "global" ||
		c.RateLimit.String() != "100/60s+10" || c.LoginLimit.String() != "10/60s+5" ||
		len(c.Origins) != 0 || c.SlowSQLite != 200*time.Millisecond || c.SlowPostgres != time.Second ||
		c.CacheBytes != 64<<20 || c.MaxLag != 10*time.Second || c.Wait != time.Second {
		t.Errorf("unexpected defaults: %+v", c)
	}
}

func TestEdgeOnFlyFindsThePrimary(t *testing.T) {
	c, err := FromEnv(env("FLY_REGION", "syd", "PRIMARY_REGION", "fra", "FLY_APP_NAME", "outpost",
		"OUTPOST_CLUSTER_KEY", "k", "DATABASE_URL", "postgres://db/outpost"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Primary() || c.PrimaryURL != "http://fra.outpost.internal:8080" || c.HubURL != "nats://fra.outpost.internal:4222" {
		t.Errorf("unexpected: %+v", c)
	}
}

func TestSecretFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := FromEnv(env("DATABASE_URL", "postgres://localhost/o", "OUTPOST_CLUSTER_KEY_FILE", path))
	if err != nil || c.ClusterKey != "hunter2" {
		t.Errorf("key %q, error %v", c.ClusterKey, err)
	}
}

func TestMailServerFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "smtp")
	if err := os.WriteFile(path, []byte("smtps://user:hunter2@mail.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := FromEnv(env("DATABASE_URL", "postgres://localhost/o", "OUTPOST_SMTP_URL_FILE", path, "OUTPOST_MAIL_FROM", "Outpost <outpost@example.com>",
		"OUTPOST_PUBLIC_URL", "https://training.example.com/"))
	want := Mail{"smtps://user:hunter2@mail.example.com", "Outpost <outpost@example.com>"}
	if err != nil || c.Mail != want || c.PublicURL != "https://training.example.com" {
		t.Errorf("%+v, error %v", c.Mail, err)
	}
}

func TestOriginsAndThresholds(t *testing.T) {
	c, err := FromEnv(env("DATABASE_URL", "postgres://localhost/o", "OUTPOST_SLOW_SQLITE", "off", "OUTPOST_SLOW_POSTGRES", "1ns", "OUTPOST_CACHE_BYTES", "off",
		"OUTPOST_CORS_ORIGINS", "https://app.example.com, http://localhost:3000,https://app.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"https://app.example.com", "http://localhost:3000"}; !slices.Equal(c.Origins, want) {
		t.Errorf("the origins are %q, want %q", c.Origins, want)
	}
	if c.SlowSQLite != 0 || c.SlowPostgres != 1 {
		t.Errorf("the thresholds are %v and %v", c.SlowSQLite, c.SlowPostgres)
	}
	if c.CacheBytes != 0 {
		t.Errorf("a cache that is off has %d bytes", c.CacheBytes)
	}
}

func TestTracesAreOffUntilTheyAreAskedFor(t *testing.T) {
	c, err := FromEnv(env("DATABASE_URL", "postgres://localhost/o"))
	if err != nil || !reflect.DeepEqual(c.Traces, Traces{Service: "outpost", Sampler: "parentbased_always_on", Ratio: 1}) {
		t.Errorf("%+v, error %v", c.Traces, err)
	}
	c, err = FromEnv(env("DATABASE_URL", "postgres://localhost/o", "OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example:4318/",
		"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%2Cb=c, X-Tenant = 7", "OTEL_SERVICE_NAME", "training", "OTEL_TRACES_SAMPLER", "traceidratio",
		"OTEL_TRACES_SAMPLER_ARG", "0.25"))
	want := Traces{"https://collector.example:4318", map[string]string{"api-key": "a,b=c", "X-Tenant": "7"}, "training", "traceidratio", .25}
	if err != nil || !reflect.DeepEqual(c.Traces, want) {
		t.Errorf("%+v, error %v", c.Traces, err)
	}
}

func TestWrongValuesAreNamed(t *testing.T) {
	edge := []string{"OUTPOST_REGION", "syd", "PRIMARY_REGION", "fra", "OUTPOST_PRIMARY_URL", "http://p:1", "OUTPOST_CLUSTER_KEY", "k"}
	cases := []struct {
		name string
		env  []string
		want []string
		not  string
	}{
		{"nothing set", nil, []string{"DATABASE_URL", "postgres://"}, ""},
		{"edge without key", []string{"OUTPOST_REGION", "syd", "OUTPOST_PRIMARY_URL", "http://p:1"}, []string{"OUTPOST_CLUSTER_KEY is not set"}, ""},
		{"edge without primary", []string{"OUTPOST_REGION", "syd", "OUTPOST_CLUSTER_KEY", "k"}, []string{"OUTPOST_PRIMARY_URL is not set"}, ""},
		{"region", append(edge, "OUTPOST_ZONE", "EU zone"), []string{"OUTPOST_ZONE", `"EU zone"`, "a-z"}, ""},
		{"address", append(edge, "OUTPOST_ADDR", "8080"), []string{"OUTPOST_ADDR", `"8080"`, ":8080"}, ""},
		{"duration", append(edge, "OUTPOST_WAIT", "-1s"), []string{"OUTPOST_WAIT", `"-1s"`, "500ms"}, ""},
		{"size", append(edge, "OUTPOST_CACHE_BYTES", "lots"), []string{"OUTPOST_CACHE_BYTES", `"lots"`, "64MiB"}, ""},
		{"limit", append(edge, "OUTPOST_RATE_LIMIT", "100"), []string{"OUTPOST_RATE_LIMIT", `"100"`, "off", "100/60s+10"}, ""},
		{"level", append(edge, "LOG_LEVEL", "loud"), []string{"LOG_LEVEL", `"loud"`, "debug"}, ""},
		{"format", append(edge, "LOG_FORMAT", "xml"), []string{"LOG_FORMAT", `"xml"`, "json"}, ""},
		{"count", append(edge, "OUTPOST_PG_MAX_CONNS", "0"), []string{"OUTPOST_PG_MAX_CONNS", `"0"`, "2 to 1000"}, ""},
		{"least above most", append(edge, "OUTPOST_PG_MAX_CONNS", "5"), []string{"OUTPOST_PG_MIN_CONNS", "OUTPOST_PG_MAX_CONNS"}, ""},
		{"every origin", append(edge, "OUTPOST_CORS_ORIGINS", "*"), []string{"OUTPOST_CORS_ORIGINS", `"*"`, "https://app.example.com", "no *"}, ""},
		{"an origin with a path", append(edge, "OUTPOST_CORS_ORIGINS", "https://a.example, https://b.example/"), []string{"OUTPOST_CORS_ORIGINS", `"https://b.example/"`}, `"https://a.example"`},
		{"an origin with its scheme's port", append(edge, "OUTPOST_CORS_ORIGINS", "https://a.example:443"), []string{"OUTPOST_CORS_ORIGINS", `"https://a.example:443"`}, ""},
		{"an origin of no scheme", append(edge, "OUTPOST_CORS_ORIGINS", "a.example"), []string{"OUTPOST_CORS_ORIGINS", `"a.example"`}, ""},
		{"a threshold", append(edge, "OUTPOST_SLOW_SQLITE", "0"), []string{"OUTPOST_SLOW_SQLITE", `"0"`, "off", "200ms"}, ""},
		{"flag", append(edge, "OUTPOST_PG_POOLER", "perhaps"), []string{"OUTPOST_PG_POOLER", "true or false"}, ""},
		{"hub with password", append(edge, "OUTPOST_HUB_URL", "http://u:geheim@h"), []string{"OUTPOST_HUB_URL", "nats://"}, "geheim"},
		{"mail server", append(edge, "OUTPOST_SMTP_URL", "http://u:geheim@h"), []string{"OUTPOST_SMTP_URL", "smtp://", "smtps://"}, "geheim"},
		{"mail server's file", append(edge, "OUTPOST_SMTP_URL_FILE", "/does/not/exist"), []string{"OUTPOST_SMTP_URL_FILE", "/does/not/exist"}, ""},
		{"sender", append(edge, "OUTPOST_MAIL_FROM", "nobody"), []string{"OUTPOST_MAIL_FROM", `"nobody"`, "outpost@example.com"}, ""},
		{
			"mail without sender",
			[]string{"DATABASE_URL", "postgres://x/y", "OUTPOST_SMTP_URL", "smtp://u:geheim@h"},
			[]string{"OUTPOST_MAIL_FROM is not set", "OUTPOST_PUBLIC_URL is not set"},
			"geheim",
		},
		{"collector", append(edge, "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"), []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://"}, ""},
		{"collector's headers", append(edge, "OTEL_EXPORTER_OTLP_HEADERS", "a=b,geheim"), []string{"OTEL_EXPORTER_OTLP_HEADERS", "name=value"}, "geheim"},
		{"a header of two lines", append(edge, "OTEL_EXPORTER_OTLP_HEADERS", "a=geheim%0a"), []string{"OTEL_EXPORTER_OTLP_HEADERS"}, "geheim"},
		{"sampler", append(edge, "OTEL_TRACES_SAMPLER", "some"), []string{"OTEL_TRACES_SAMPLER", `"some"`, "traceidratio"}, ""},
		{"share of traces", append(edge, "OTEL_TRACES_SAMPLER_ARG", "nan"), []string{"OTEL_TRACES_SAMPLER_ARG", `"nan"`, "0 to 1"}, ""},
		{"key file", []string{"DATABASE_URL", "postgres://x/y", "OUTPOST_CLUSTER_KEY_FILE", "/does/not/exist"}, []string{"OUTPOST_CLUSTER_KEY_FILE", "/does/not/exist"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := FromEnv(env(c.env...))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %q", err, want)
				}
			}
			if c.not != "" && strings.Contains(err.Error(), c.not) {
				t.Errorf("%q tells a secret", err)
			}
		})
	}
}

// Package main, in its tests, holds the house's own rules: who may know whom.
package main

// confinement keeps a library in the few packages that know it, so that it can be
// replaced there and its types do not wander through the program.
type confinement struct {
	library string
	where   []string // packages and those below them
	tests   bool     // tests anywhere may use it too
}

// arrow forbids a package, and those below it, to import others of ours. What lies
// below the same package may always know each other.
type arrow struct {
	from   string
	except []string // below from, and not bound
	to     []string // forbidden; anything is all of ours
	but    []string // allowed all the same
	why    string
}

const anything = "*"

func confinements() []confinement {
	return []confinement{
		{library: "github.com/gofiber", where: []string{"server/api"}},
		{library: "github.com/valyala/fasthttp", where: []string{"server/api"}},
		{library: "github.com/dgraph-io/ristretto", where: []string{"server/cache"}},
		{library: "github.com/nats-io", where: []string{"replicate/stream"}},
		{library: "github.com/jackc/pglogrepl", where: []string{"replicate/source"}},
		{
			library: "github.com/jackc/pgx", tests: true,
			where: []string{"server/primary", "replicate/source", "replicate/verify", "replicate/pgcluster", "sql"},
		},
		{library: "modernc.org/sqlite", where: []string{"replicate/replica"}},
		{library: "github.com/pressly/goose", where: []string{"sql"}},
		{library: "github.com/riverqueue", where: []string{"server/primary", "sql"}},
		{library: "github.com/golang-jwt", tests: true, where: []string{"server/auth"}},
		{library: "github.com/trustelem/zxcvbn", where: []string{"server/auth"}},
		{library: "github.com/wneessen/go-mail", where: []string{"server/mail"}},
		{library: "codeberg.org/go-pdf", where: []string{"server/report"}},
		{library: "golang.org/x/image", where: []string{"server/report"}},
		{library: "github.com/microcosm-cc/bluemonday", where: []string{"web"}},
		{library: "go.opentelemetry.io", where: []string{"server/telemetry"}},
		{library: "github.com/emersion", where: []string{"server/dev", "server/mail/mailtest"}},
	}
}

func arrows() []arrow {
	return []arrow{
		{
			from: "replicate", to: []string{anything},
			why: "replication serves any Postgres and knows nothing of the server or its data",
		},
		{
			from: "replicate/change", to: []string{anything},
			why: "these are the words the others speak",
		},
		{
			from: "replicate/pgoutput", to: []string{anything}, but: []string{"replicate/change"},
			why: "a pure decoder",
		},
		{
			from: "replicate/wire", to: []string{anything}, but: []string{"replicate/change"},
			why: "a pure format",
		},
		{
			from: "replicate/replica", to: []string{"replicate/stream", "replicate/hub", "replicate/follow", "replicate/source", "replicate/pump", "replicate/generation", "replicate/direct"},
			why: "a replica is given messages and does not care whence",
		},
		{
			from: "replicate/replicatest", to: []string{"replicate/stream", "replicate/hub", "replicate/follow"},
			why: "it stands in for them",
		},
		{
			from: "replicate/source", to: []string{"replicate/replica", "replicate/stream", "replicate/hub", "replicate/follow", "replicate/verify"},
			why: "a source does not care where its changes go",
		},
		{
			from: "replicate/pump", to: []string{"replicate/stream", "replicate/hub", "replicate/follow", "replicate/replica", "replicate/generation", "replicate/direct"},
			why: "from the slot to a chain, whoever keeps it",
		},
		{
			from: "replicate/generation", to: []string{"replicate/stream", "replicate/hub", "replicate/follow", "replicate/direct"},
			why: "a generation begins alike for a hub and for a single file",
		},
		{
			from: "replicate/direct", to: []string{"replicate/stream", "replicate/hub", "replicate/follow"},
			why: "from the slot to one file, without NATS",
		},
		{
			from: "server/training", to: []string{anything}, but: []string{"replicate/change"},
			why: "the domain stands on nothing but itself",
		},
		{
			from: "server/cache", to: []string{anything}, but: []string{"replicate/change"},
			why: "the cache sees positions and tags, not who raises them",
		},
		{
			from: "server/store", to: []string{"server/api", "server/primary", "server/forward"},
			why: "reads know no writes and no HTTP",
		},
		{
			from: "server/primary", to: []string{"server/api", "server/store", "server/forward", "server/cache"},
			why: "writes know no reads and no HTTP",
		},
		{
			from: "server/api", to: []string{"server/store", "server/primary", "replicate/hub", "replicate/source", "replicate/stream", "replicate/follow", "replicate/replica"},
			why: "handlers are given what they need; server/node builds it",
		},
		{
			from: "server/report", to: []string{"server/api", "server/primary", "server/forward", "server/cache"},
			why: "documents are made from what is read, whoever asks for them",
		},
		{
			from: "server/mail", to: []string{anything},
			why: "it is handed letters and does not care whose they are",
		},
		{
			from: "web", to: []string{anything}, but: []string{"server/api/openapi", "server/training"},
			why: "pages are the API's clients, inside the process as anywhere else",
		},
		{
			from: "server", except: []string{"server/node", "server/dev", "server/cli", "server/e2e"},
			to:  []string{"server/node", "server/dev", "server/cli"},
			why: "only the command line, outpost dev and the end-to-end tests build nodes",
		},
		{
			from: "sql", to: []string{"server", "replicate"}, but: []string{"server/auth", "server/training", "replicate/source", "replicate/pgcluster/pgtest"},
			why: "schema and content are used by the server, not the other way round; the demo knows its passwords and its rules",
		},
	}
}

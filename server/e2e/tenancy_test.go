package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/training"
)

// whose says whose the thing is that a parameter names.
type whose int

const (
	nobodys  whose = iota // the catalogue's, or no thing at all: a page, a language
	theirs                // of the other company
	peers                 // of a colleague in one's own company
	unshown               // of the catalogue, not published
	publicly              // of the other company, and open to whoever knows it
)

// naming is what stands for a parameter or a field in the requests of the tenancy test.
type naming struct {
	whose whose
	value func(n *neighbours) any // by whose it is; nil: what the document shows
}

// pathNames are all parameters that stand in a path. One that is missing here fails the test: say
// whose things it names, and give the id of one that belongs to the other company.
func pathNames() map[string]naming {
	return map[string]naming{
		"course":     {unshown, func(*neighbours) any { return "marker-unshown" }},
		"lesson":     {nobodys, func(*neighbours) any { return 1 }},
		"file":       {nobodys, func(*neighbours) any { return "start.js" }},
		"enrollment": {theirs, func(n *neighbours) any { return n.theirs.enrollment }},
		"key":        {theirs, func(n *neighbours) any { return n.theirs.key }},
		"user":       {theirs, func(n *neighbours) any { return n.theirs.user }},
		"quiz":       {unshown, func(n *neighbours) any { return n.quiz }},
		"code":       {publicly, func(n *neighbours) any { return n.theirs.code }},
		"assignment": {theirs, func(n *neighbours) any { return n.theirs.assignment }},
		"invitation": {theirs, func(n *neighbours) any { return n.theirs.invitation }},
		"company":    {theirs, func(n *neighbours) any { return n.theirs.company }},
		"campaign":   {theirs, func(n *neighbours) any { return n.theirs.campaign }},
		"report":     {theirs, func(n *neighbours) any { return n.theirs.report }},
		"schedule":   {theirs, func(n *neighbours) any { return n.theirs.schedule }},
	}
}

// peerNames are the same things of a colleague, which a learner must not see either.
func peerNames() map[string]func(n *neighbours) any {
	return map[string]func(n *neighbours) any{
		"enrollment": func(n *neighbours) any { return n.peers.enrollment },
		"user":       func(n *neighbours) any { return n.peers.user },
	}
}

// queryNames are all parameters of queries, and of headers, that there are.
func queryNames() map[string]naming {
	names := map[string]naming{
		"course_id":  {unshown, func(n *neighbours) any { return n.course }},
		"user_id":    {theirs, func(n *neighbours) any { return n.theirs.user }},
		"department": {theirs, func(*neighbours) any { return "Marker" }},
		"company_id": {theirs, func(n *neighbours) any { return n.theirs.company }},
		"actor_id":   {theirs, func(n *neighbours) any { return n.theirs.user }},
	}
	for _, name := range []string{
		"page", "size", "after", "sort", "days", "fields", "locale", "status", "category", "level", "scope", "active", "overdue", "q",
		"role", "job_risk", "is_active", "updated_since", "partial", "dry_run", "action", "subject", "from", "to", "privacy_mode", "country",
		"X-Request-Id", "Outpost-Position", "Outpost-Strict", "If-None-Match", "If-Match", "Idempotency-Key",
	} {
		names[name] = naming{whose: nobodys}
	}
	return names
}

// fieldNames are all fields of bodies, those inside of others by their path.
func fieldNames() map[string]naming {
	names := map[string]naming{
		"course_id": {unshown, func(n *neighbours) any { return n.course }},
		"user_id":   {theirs, func(n *neighbours) any { return n.theirs.user }},

		"events.campaign_id": {theirs, func(n *neighbours) any { return n.theirs.campaign }},
		"events.user_id":     {theirs, func(n *neighbours) any { return n.theirs.user }},
		"events.email":       {theirs, func(n *neighbours) any { return fmt.Sprintf("marker%d@marker.example", n.theirs.user) }},
	}
	for _, name := range []string{
		"email", "username", "password", "refresh_token", "seconds", "name", "scopes", "expires_at",
		"token", "current_password", "new_password", "full_name", "role", "department", "locale",
		"scope", "due_at", "recurrence_months", "answers.question_id", "answers.option_ids",
		"slug", "category", "level", "is_published", "validity_days", "default_locale", "translations", "lessons",
		"users", "partial", "dry_run", "job_risk", "is_active", "cadence", "first_at",
		"template", "started_at", "ended_at", "events.kind", "events.occurred_at",
		"type", "report_type", "format", "country", "data_zone", "privacy_mode",
	} {
		names[name] = naming{whose: nobodys}
	}
	return names
}

// harmful are operations by which one does something to oneself that would spoil what follows. They
// are asked last.
func harmful() []string { return []string{"changePassword", "logout"} }

// someone is who asks.
type someone struct {
	name   string
	role   training.Role // empty: nobody
	email  string
	scopes []string // of an API key; nil: a token
	key    string   // the API key itself
}

// estate is what belongs to somebody.
type estate struct {
	company, user, enrollment, key, invitation, assignment, campaign, report, schedule int64
	code                                                                               string // of a certificate
}

// neighbours is a world with two companies that must know nothing of each other: that of user1, and
// another whose every text says "marker".
type neighbours struct {
	t             *testing.T
	w             *world
	doc           *document
	db            *pgx.Conn
	theirs, peers estate
	course, quiz  int64 // not published
	users         map[int64]bool
	tokens        *minter
	estate        string // the query of estateOf
}

const theirMark = "marker"

// TestTenancy asks every operation of the document, as everyone, for somebody else's data: of another
// company, and of a colleague. At the primary and through an edge. What the document says of roles and
// scopes, and the tables above of whose the things are, say what must come of it; and whatever comes of
// it, no answer shows anything of the other company, and not one of its rows changes.
func TestTenancy(t *testing.T) {
	n := newNeighbours(t)
	people := n.people()
	for _, o := range n.ordered() {
		t.Run(o.id(), func(t *testing.T) {
			n.t = t
			if !n.known(&o) {
				return
			}
			for _, region := range []string{"fra", "syd"} {
				n.real(&o, region)
				for _, who := range people {
					n.trespass(&o, region, who)
				}
			}
		})
	}
}

func newNeighbours(t *testing.T) *neighbours {
	n := &neighbours{t: t, doc: readDocument(t), users: make(map[int64]bool)}
	n.w = newWorld(t, []string{"fra", "syd"})
	n.db = pgtest.Connect(t, n.w.url)
	const own = "(SELECT company_id FROM users WHERE email = 'user1@example.com')"
	n.scan(&n.theirs.company, `SELECT id FROM companies WHERE id <> `+own+` AND id > 1 ORDER BY id LIMIT 1`)
	// Its people's figures are shown to whoever manages them: nothing but tenancy hides them.
	n.exec(`UPDATE companies SET name = 'Marker GmbH', slug = 'marker', privacy_mode = 'individual' WHERE id = $1`, n.theirs.company)
	n.exec(`UPDATE users SET email = 'marker' || id || '@marker.example', full_name = 'Marker ' || id, department = 'Marker' WHERE company_id = $1`, n.theirs.company)
	n.scan(&n.theirs.enrollment, `SELECT max(id) FROM enrollments WHERE company_id = $1`, n.theirs.company)
	n.scan(&n.theirs.user, `SELECT user_id FROM enrollments WHERE id = $1`, n.theirs.enrollment)
	n.scan(&n.theirs.key, `UPDATE api_keys SET name = 'marker' WHERE company_id = $1 RETURNING id`, n.theirs.company)
	n.scan(&n.theirs.invitation, `INSERT INTO invitations (company_id, data_zone, email, email_folded, role, token_hash, expires_at)
		SELECT id, data_zone, 'invited@marker.example', 'invited@marker.example', 'learner', '\x01', now() + interval '1 day' FROM companies WHERE id = $1 RETURNING id`, n.theirs.company)
	n.scan(&n.theirs.schedule, `INSERT INTO report_schedules (company_id, data_zone, user_id, type, format, locale, cadence, first_at, next_at)
		SELECT company_id, data_zone, id, 'risk', 'csv', 'en', 'weekly', now() + interval '1 day', now() + interval '1 day' FROM users
		WHERE company_id = $1 ORDER BY id LIMIT 1 RETURNING id`, n.theirs.company)
	n.scan(&n.theirs.assignment, `SELECT max(id) FROM assignments WHERE company_id = $1`, n.theirs.company)
	n.exec(`UPDATE phishing_campaigns SET name = 'Marker ' || id WHERE company_id = $1`, n.theirs.company)
	n.scan(&n.theirs.campaign, `SELECT max(id) FROM phishing_campaigns WHERE company_id = $1`, n.theirs.company)
	n.scan(&n.theirs.report, `WITH r AS (INSERT INTO reports (company_id, data_zone, requested_by, type, format, scope, state, sha256, bytes, completed_at, expires_at)
		SELECT company_id, data_zone, id, 'gdpr', 'csv', 'user', 'completed', encode(sha256('marker'), 'hex'), 6, now(), now() + interval '1 hour' FROM users WHERE id = $1
		RETURNING id), d AS (INSERT INTO report_documents (report_id, part, content) SELECT id, 0, 'marker' FROM r) SELECT id FROM r`, n.theirs.user)
	n.scan(&n.theirs.code, `SELECT max(code) FROM certificates WHERE company_id = $1 AND revoked_at IS NULL`, n.theirs.company)
	n.scan(&n.peers.company, `SELECT `+own)
	n.scan(&n.peers.enrollment, `SELECT max(e.id) FROM enrollments e JOIN users u ON u.id = e.user_id
		WHERE e.company_id = $1 AND u.email <> 'user1@example.com' AND u.role = 'learner' AND u.is_active`, n.peers.company)
	n.scan(&n.peers.user, `SELECT user_id FROM enrollments WHERE id = $1`, n.peers.enrollment)
	n.scan(&n.course, `WITH c AS (INSERT INTO courses (slug, category, minutes, is_published) VALUES ('marker-unshown', 'marker', 10, false) RETURNING id),
		l AS (INSERT INTO lessons (course_id, position, kind) SELECT id, 1, 'quiz' FROM c),
		r AS (INSERT INTO requirement_courses (requirement_id, course_id) SELECT min(requirements.id), c.id FROM requirements, c GROUP BY c.id),
		w AS (INSERT INTO course_translations (course_id, locale, title) SELECT id, 'en', 'Marker' FROM c) SELECT id FROM c`)
	n.scan(&n.quiz, `INSERT INTO quizzes (course_id, lesson_id, pass_percent) SELECT course_id, id, 70 FROM lessons WHERE course_id = $1 RETURNING id`, n.course)
	rows, err := n.db.Query(t.Context(), `SELECT id FROM users WHERE company_id = $1`, n.theirs.company)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		n.users[id] = true
	}
	n.w.mail(t)
	n.w.startInside(nil)
	n.tokens = newMinter(t, n.w)
	n.estate = n.estateQuery()
	return n
}

func (n *neighbours) scan(into any, query string, args ...any) {
	n.t.Helper()
	if err := n.db.QueryRow(n.t.Context(), query, args...).Scan(into); err != nil {
		n.t.Fatalf("%s: %v", query, err)
	}
}

func (n *neighbours) exec(query string, args ...any) {
	n.t.Helper()
	if _, err := n.db.Exec(n.t.Context(), query, args...); err != nil {
		n.t.Fatalf("%s: %v", query, err)
	}
}

// people are all who may ask, of user1's company; but for who runs the platform, who is of none.
func (n *neighbours) people() []someone {
	var manager string
	admin := n.w.login("fra", "manager@example.com")
	n.scan(&manager, `SELECT email FROM users WHERE role = 'manager' AND is_active AND company_id = $1 ORDER BY id LIMIT 1`, n.peers.company)
	key := func(scopes ...string) someone {
		var made struct{ Key string }
		admin.must(http.StatusCreated, http.MethodPost, n.w.api("fra")+"/api/v1/api-keys", map[string]any{"name": "Tenancy", "scopes": scopes}).into(n.t, &made)
		return someone{name: fmt.Sprintf("a key for %v", scopes), role: training.Admin, scopes: scopes, key: made.Key}
	}
	return []someone{
		{name: "nobody"},
		{name: "a learner", role: training.Learner, email: "user1@example.com"},
		{name: "a manager", role: training.Manager, email: manager},
		{name: "an admin", role: training.Admin, email: "manager@example.com"},
		{name: "a platform admin", role: training.PlatformAdmin, email: "admin@example.com"},
		key("certificates:read"), // none but for what is open anyway
		key(n.scopes()...),
	}
}

// scopes are all that operations ask for.
func (n *neighbours) scopes() (all []string) {
	for _, o := range n.doc.operations {
		if o.scope != "" {
			all = append(all, o.scope)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ordered are the operations, those that spoil something last.
func (n *neighbours) ordered() []operation {
	last := harmful()
	list := slices.Clone(n.doc.operations)
	slices.SortStableFunc(list, func(a, b operation) int {
		return slices.Index(last, a.id()) - slices.Index(last, b.id())
	})
	return list
}

// known wants each parameter and each field of an operation in the tables.
func (n *neighbours) known(o *operation) bool {
	n.t.Helper()
	ok := true
	missing := func(table, name string) {
		n.t.Errorf("%s %s has %s, which %s in tenancy_test.go does not know: add it, and say whose data it names", o.method, o.path, name, table)
		ok = false
	}
	for _, p := range o.Parameters {
		if _, found := pathNames()[p.Value.Name]; p.Value.In == "path" && !found {
			missing("pathNames()", p.Value.Name)
		}
		if _, found := queryNames()[p.Value.Name]; p.Value.In != "path" && !found {
			missing("queryNames()", p.Value.Name)
		}
	}
	for _, body := range o.bodies() {
		for _, name := range fields("", body.value) {
			if !catalogued(name) {
				missing("fieldNames()", name)
			}
		}
	}
	return ok
}

// catalogued says whether fieldNames knows a field, or one that it is a part of.
func catalogued(name string) bool {
	for {
		if _, found := fieldNames()[name]; found {
			return true
		}
		cut := strings.LastIndexByte(name, '.')
		if cut < 0 {
			return false
		}
		name = name[:cut]
	}
}

// fields are the names in a body, without the numbers of lists.
func fields(under string, value any) (names []string) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			deeper := fields(under+name+".", inner)
			if deeper == nil {
				deeper = []string{under + name}
			}
			names = append(names, deeper...)
		}
	case []any:
		for _, inner := range v {
			names = append(names, fields(under, inner)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// attempt is one request of somebody for something.
type attempt struct {
	what   string
	path   map[string]string
	query  url.Values
	body   []byte
	kind   string
	theirs bool // it names what the asker must not know of
}

// attempts are the ways to ask an operation for what is somebody else's: by the path, by the query and
// by the body.
func (n *neighbours) attempts(o *operation, who someone) (list []attempt) {
	bodies := o.bodies()
	if len(bodies) == 0 {
		bodies = []example{{}}
	}
	paths := []attempt{{what: "theirs", path: n.path(o, func(name string) any { return pathNames()[name].value(n) }), theirs: n.foreign(o)}}
	if who.role == training.Learner {
		peers, found := map[string]string{}, false
		for name, value := range paths[0].path {
			peers[name] = value
			if peer := peerNames()[name]; peer != nil {
				peers[name], found = fmt.Sprint(peer(n)), true
			}
		}
		if found {
			paths = append(paths, attempt{what: "a colleague's", path: peers, theirs: true})
		}
	}
	for _, body := range bodies {
		for _, p := range paths {
			for _, field := range n.foreignFields(body.value) {
				p.kind, p.body = body.kind, nil
				if body.value != nil {
					p.body = body.encode(n.t, func(b map[string]any) { n.rename(field, "", b) })
				}
				list = append(list, attempt{
					what: p.what + " " + body.name + " " + field, path: p.path, kind: p.kind, body: p.body, theirs: p.theirs || field != "",
				})
			}
		}
	}
	for _, p := range o.Parameters {
		if name := queryNames()[p.Value.Name]; p.Value.In == "query" && name.value != nil {
			a := list[0]
			a.query, a.what = url.Values{p.Value.Name: {fmt.Sprint(name.value(n))}}, "by "+p.Value.Name
			list = append(list, a)
		}
	}
	return list
}

func (n *neighbours) path(o *operation, value func(name string) any) map[string]string {
	path := make(map[string]string)
	for _, p := range o.Parameters {
		if p.Value.In == "path" {
			path[p.Value.Name] = fmt.Sprint(value(p.Value.Name))
		}
	}
	return path
}

// foreign says whether the path names what is the other company's, or not shown.
func (n *neighbours) foreign(o *operation) bool {
	for _, p := range o.Parameters {
		if w := pathNames()[p.Value.Name].whose; p.Value.In == "path" && (w == theirs || w == unshown || w == publicly && !o.open) {
			return true
		}
	}
	return false
}

// foreignFields are those of a body that can name what is somebody else's, each of which is tried by
// itself; of a body without any, one without a name.
func (n *neighbours) foreignFields(body any) (list []string) {
	for _, name := range fields("", body) {
		if fieldNames()[name].value != nil {
			list = append(list, name)
		}
	}
	if list == nil {
		list = []string{""}
	}
	return list
}

// rename puts what is somebody else's into one field of a body.
func (n *neighbours) rename(field, under string, body map[string]any) {
	for key, value := range body {
		switch inner := value.(type) {
		case map[string]any:
			n.rename(field, under+key+".", inner)
		case []any:
			for _, item := range inner {
				if m, ok := item.(map[string]any); ok {
					n.rename(field, under+key+".", m)
				}
			}
		}
		if under+key == field {
			body[key] = fieldNames()[field].value(n)
		}
	}
}

// real proves that what is asked for is there: who may see it, does.
func (n *neighbours) real(o *operation, region string) {
	n.t.Helper()
	if o.writes() || !n.foreign(o) {
		return
	}
	var owner someone
	owner.role = training.PlatformAdmin
	owner.email = "admin@example.com"
	if slices.ContainsFunc(o.Parameters, func(p *openapi3.ParameterRef) bool {
		return pathNames()[p.Value.Name].whose == theirs && p.Value.In == "path"
	}) {
		n.scan(&owner.email, `SELECT email FROM users WHERE id = $1`, n.theirs.user)
	}
	a := n.send(o, region, owner, n.attempts(o, someone{})[0])
	if a.status != http.StatusOK {
		n.t.Errorf("%s: who it belongs to gets %d: the test asks for nothing real: %s", region, a.status, a.body)
	}
}

func (n *neighbours) send(o *operation, region string, who someone, at attempt) answer {
	n.t.Helper()
	r := o.newRequest(n.t, n.w.api(region), at.path, at.kind, at.body)
	r.URL.RawQuery = at.query.Encode()
	switch {
	case who.key != "":
		r.Header.Set("Authorization", "Bearer "+who.key)
	case who.role != "":
		r.Header.Set("Authorization", "Bearer "+n.tokens.token(n.t, who.email))
	}
	return r.send(n.t, http.DefaultTransport)
}

// trespass asks in somebody's name for what is not theirs.
func (n *neighbours) trespass(o *operation, region string, who someone) {
	n.t.Helper()
	for _, at := range n.attempts(o, who) {
		if who.role == training.PlatformAdmin && o.writes() {
			continue // may change what is everyone's
		}
		before := ""
		if o.writes() {
			before = n.estateOf(n.theirs.company)
		}
		a := n.send(o, region, who, at)
		name := fmt.Sprintf("%s: %s asks for %s (%s)", region, who.name, o.id(), at.what)
		if want := n.want(o, who, at); !slices.Contains(want, a.status) {
			n.t.Errorf("%s and gets %d, want one of %v: %s", name, a.status, want, a.body)
		}
		if who.role != training.PlatformAdmin {
			n.shows(name, o, a)
		}
		if o.writes() && n.estateOf(n.theirs.company) != before {
			n.t.Errorf("%s and changes the other company's rows", name)
		}
	}
}

// want are the statuses that may come of it.
func (n *neighbours) want(o *operation, who someone, at attempt) []int {
	fine := []int{200, 201, 202, 204}
	switch {
	case o.open:
		return append(fine, 400, 401, 404, 409, 410, 422) // says nothing of who asks: shows decides
	case who.role == "":
		return []int{401}
	case !who.role.Includes(o.role):
		return []int{403}
	case who.scopes != nil && (o.scope == "" || !slices.Contains(who.scopes, o.scope)):
		return []int{403}
	case who.role == training.PlatformAdmin:
		return append(fine, 404)
	case at.theirs && len(at.body) > 0:
		return []int{404, 403, 409, 422}
	case at.theirs:
		return []int{404}
	}
	return append(fine, 403, 404, 409, 412, 422)
}

// shows finds the other company in an answer.
func (n *neighbours) shows(name string, o *operation, a answer) {
	n.t.Helper()
	for _, p := range o.Parameters {
		if p.Value.In == "path" && pathNames()[p.Value.Name].whose == publicly {
			return // whoever has the code may know
		}
	}
	var body any
	if a.status < 300 && json.Unmarshal(a.body, &body) == nil {
		n.look(name, "", body)
	}
	if text := strings.ToLower(string(a.body)); a.status < 300 && strings.Contains(text, theirMark) {
		n.t.Errorf("%s and is shown the other company: %s", name, a.body)
	}
}

// look finds ids of the other company and its people.
func (n *neighbours) look(name, key string, value any) {
	n.t.Helper()
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			n.look(name, key, inner)
		}
	case []any:
		for _, inner := range v {
			n.look(name, key, inner)
		}
	case float64:
		if key == "company_id" && int64(v) == n.theirs.company || key == "user_id" && n.users[int64(v)] {
			n.t.Errorf("%s and is shown the other company's %s %v", name, key, v)
		}
	}
}

// estateOf is a sum over all rows of a company, in every table that has any.
func (n *neighbours) estateOf(company int64) string {
	n.t.Helper()
	var sum string
	n.scan(&sum, n.estate, company)
	return sum
}

func (n *neighbours) estateQuery() string {
	n.t.Helper()
	rows, err := n.db.Query(n.t.Context(), `SELECT format('SELECT coalesce(md5(string_agg(t::text, '','' ORDER BY t::text)), '''') FROM %I t WHERE ', c.table_name) ||
			CASE WHEN bool_or(c.column_name = 'company_id') THEN 'company_id = $1'
			ELSE 'user_id IN (SELECT id FROM users WHERE company_id = $1)' END
		FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.column_name IN ('company_id', 'user_id')
		GROUP BY c.table_name UNION ALL SELECT 'SELECT md5(t::text) FROM companies t WHERE id = $1'`)
	if err != nil {
		n.t.Fatal(err)
	}
	queries, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		n.t.Fatal(err)
	}
	if len(queries) < 10 {
		n.t.Fatalf("only %d tables have rows of companies", len(queries))
	}
	return "SELECT md5(concat_ws('|', (" + strings.Join(queries, "), (") + ")))"
}

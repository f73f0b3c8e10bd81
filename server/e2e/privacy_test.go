package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"outpost/server/training"
)

// about says what a route tells of.
type about int

const (
	fixed   about = iota + 1 // nothing: part of the build, whose examples have figures of their own
	nobody                   // the catalogue, the node
	oneself                  // whoever asks, and nobody else
	people                   // people of one's company, or whoever showed a certificate
	groups                   // people together, without a name
)

// answers say of every route that reads what it tells of. One that is missing here fails the test: say
// what it tells of. What it must not tell of is said by the test, of all alike.
func answers() map[string]about {
	return map[string]about{
		"live": nobody, "ready": nobody, "openapi": fixed, "docs": fixed, "docsFile": fixed, "jwks": nobody,
		"status": nobody, "statusStream": nobody, "statusHistory": nobody,
		"listCourses": nobody, "getCourse": nobody, "getCourseSource": nobody, "getLesson": nobody, "getQuiz": nobody,
		"me": oneself, "exportMe": oneself, "listMyEnrollments": oneself, "listMyCertificates": oneself, "listAttempts": oneself,
		"listUsers": people, "exportUsers": people, "getUser": people, "getEnrollment": people, "listEnrollments": people, "listInvitations": people,
		"listAuditLog": people, "listCompanies": groups, "getCompany": groups,
		"listAPIKeys": people, "verifyCertificate": people, "certificatePDF": people, "listAssignments": people, "getAssignment": people,
		"getAnalytics": people, "getUserRisk": people, "getMyRisk": oneself, "getDashboard": groups, "listFrameworks": nobody,
		"listPhishingCampaigns": groups, "getPhishingCampaign": groups,
		"listReports": oneself, "listReportSchedules": oneself, "getReportStatus": oneself, "getReport": oneself, // but for what documents asks
	}
}

// names stand for the parameters in paths.
func (s *secret) names(p *private) map[string]string {
	return map[string]string{
		"user": fmt.Sprint(s.id), "enrollment": fmt.Sprint(s.enrollment), "code": s.code, "quiz": fmt.Sprint(p.quiz),
		"course": "phishing", "lesson": "1", "file": "start.js", "assignment": "1", "campaign": fmt.Sprint(s.campaign), "company": fmt.Sprint(s.company), "report": fmt.Sprint(s.report),
	}
}

// told are things that an answer gives away of a secret.
type told struct {
	name, exact, whole, quiz, pseudonym, linked, behaviour, group bool
}

// TestPrivacy asks every route that reads for the figures of one person, as everybody: of a company of
// each privacy mode, and of one of so few that no figure may be shown. Whatever is answered shows nobody
// but that person more of them than the mode allows, and no group of fewer than five apart.
func TestPrivacy(t *testing.T) {
	p := newPrivate(t)
	seen := make(map[string]told)
	for _, s := range p.secrets {
		t.Run(s.title, func(t *testing.T) {
			p.t = t
			s.report = p.report(someone{name: "the person", role: training.Learner, email: s.email}, map[string]any{"report_type": "risk", "format": "json"})
			for _, who := range p.askers(s) {
				p.documents(s, who, seen)
				for _, o := range p.doc.operations {
					if !o.writes() {
						found := p.ask(s, who, &o)
						seen[strings.Join([]string{s.title, who.name, o.id()}, " ")] = found
					}
				}
			}
		})
	}
	p.t = t
	p.sees(seen)
}

// sees wants what may be seen to have been seen: that the test would notice it.
func (p *private) sees(seen map[string]told) {
	for what, want := range map[string]told{
		"aggregate the person listMyEnrollments":     {quiz: true},
		"aggregate the person listAttempts":          {quiz: true},
		"aggregate the person exportMe":              {name: true, quiz: true},
		"aggregate a manager listUsers":              {name: true},
		"aggregate a manager getAnalytics":           {name: true},
		"aggregate a manager getEnrollment":          {},
		"pseudonymous a manager getEnrollment":       {},
		"individual a manager getEnrollment":         {quiz: true},
		"pseudonymous a manager getAnalytics":        {name: true, pseudonym: true, whole: true},
		"pseudonymous a platform admin getAnalytics": {name: true, pseudonym: true, whole: true},
		"individual a manager getAnalytics":          {name: true, exact: true},
		"individual a key for figures getAnalytics":  {name: true, exact: true},
		"tiny a manager getAnalytics":                {name: true, exact: true},
	} {
		if got, asked := seen[what]; !asked || got != want {
			p.t.Errorf("%s: it tells %+v, want %+v (asked: %v)", what, got, want, asked)
		}
	}
}

// askers are all who may ask about a company's people.
func (p *private) askers(s *secret) []someone {
	list := []someone{
		{name: "nobody"},
		{name: "the person", role: training.Learner, email: s.email},
		{name: "a colleague", role: training.Learner, email: s.peer},
		{name: "a manager", role: training.Manager, email: s.manager},
		{name: "a platform admin", role: training.PlatformAdmin, email: "admin@example.com"},
	}
	if s.title == "tiny" {
		return list
	}
	list = append(list, someone{name: "an admin", role: training.Admin, email: s.admin})
	admin := &client{t: p.t, http: http.DefaultClient, token: p.tokens.token(p.t, s.admin)}
	for name, scopes := range map[string][]string{"everything": training.Scopes(), "figures": {"figures:read"}} {
		key, _ := admin.makeKey(p.w.api("fra"), scopes...)
		list = append(list, someone{name: "a key for " + name, role: training.Manager, email: s.admin, key: key.Key})
	}
	return list
}

// ask asks one route in all ways that make a difference, and says what the answers tell together.
func (p *private) ask(s *secret, who someone, o *operation) (all told) {
	p.t.Helper()
	kind, known := answers()[o.id()]
	if !known {
		p.t.Errorf("%s %s (%s) is not known: say in answers() in privacy_test.go what it tells of", o.method, o.path, o.id())
		return all
	}
	if kind == fixed {
		return all
	}
	queries := []url.Values{{}}
	if o.Parameters.GetByInAndName("query", "company_id") != nil {
		queries = append(queries, url.Values{"company_id": {fmt.Sprint(s.company)}})
	}
	for _, query := range queries {
		r := o.newRequest(p.t, p.w.api("fra"), s.names(p), "", nil)
		r.URL.RawQuery = query.Encode()
		switch {
		case who.key != "":
			r.Header.Set("Authorization", "Bearer "+who.key)
		case who.email != "":
			r.Header.Set("Authorization", "Bearer "+p.tokens.token(p.t, who.email))
		}
		a := r.send(p.t, http.DefaultTransport)
		name := fmt.Sprintf("%s asks %s?%s", who.name, o.path, r.URL.RawQuery)
		if a.status >= 500 && o.id() != "ready" {
			p.t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if a.status < 300 {
			found := s.look(a)
			p.judge(s, who, kind, name, found)
			all = all.and(found.told)
		}
	}
	return all
}

// documents asks for reports of every kind and judges them. What a format makes of the same content is
// tested in server/report.
func (p *private) documents(s *secret, who someone, seen map[string]told) {
	p.t.Helper()
	if who.email == "" || who.key != "" {
		return
	}
	for _, kind := range []training.ReportType{training.GDPR, training.LearningNow, training.RiskNow} {
		request := map[string]any{"report_type": kind, "format": "json"}
		tells := people
		if who.role == training.PlatformAdmin {
			request["company_id"] = s.company
		} else if who.role == training.Learner {
			tells = oneself
		}
		o := p.doc.find(p.t, "getReport")
		r := o.newRequest(p.t, p.w.api("fra"), map[string]string{"report": fmt.Sprint(p.report(who, request))}, "", nil)
		r.Header.Set("Authorization", "Bearer "+p.tokens.token(p.t, who.email))
		a := r.send(p.t, http.DefaultTransport)
		if a.status != http.StatusOK {
			p.t.Errorf("%s fetches a report on %s: %d %s", who.name, kind, a.status, a.body)
			continue
		}
		found := s.look(a)
		p.judge(s, who, tells, fmt.Sprintf("%s reads a report on %s", who.name, kind), found)
		seen[strings.Join([]string{s.title, who.name, string(kind)}, " ")] = found.told
	}
}

// report asks for a report and waits until it is made.
func (p *private) report(who someone, request map[string]any) (id int64) {
	p.t.Helper()
	c := &client{t: p.t, http: http.DefaultClient, token: p.tokens.token(p.t, who.email)}
	var made struct {
		ID     int64 `json:"report_id"`
		Status string
	}
	c.must(http.StatusAccepted, http.MethodPost, p.w.api("fra")+"/api/v1/reports/generate", request).into(p.t, &made)
	eventually(p.t, "a report is made", func() error {
		a, err := c.try(http.MethodGet, fmt.Sprintf("%s/api/v1/reports/%d/status", p.w.api("fra"), made.ID), nil)
		if err != nil || a.status != http.StatusOK { // the region need not know of it yet
			return fmt.Errorf("asking for the status gives %d: %s, %w", a.status, a.body, err)
		}
		if a.into(p.t, &made); made.Status != string(training.ReportCompleted) {
			return fmt.Errorf("it is %s", made.Status)
		}
		return nil
	})
	return made.ID
}

// judge says whether an answer may tell what it tells.
func (p *private) judge(s *secret, who someone, kind about, name string, found finding) {
	p.t.Helper()
	asker := training.Principal{Role: who.role, CompanyID: s.company, UserID: s.id + 1}
	if who.email == s.email {
		asker.UserID = s.id
	}
	sight := s.mode.Sees(asker, s.id, s.company)
	for what, wrong := range map[string]bool{
		"a score":                      found.exact && sight < training.ByName,
		"a rounded score":              found.whole && sight < training.ByPseudonym,
		"a quiz's result":              found.quiz && sight < training.ByName,
		"what was done in simulations": found.behaviour && sight < training.ByName,
		"a pseudonym":                  found.pseudonym && sight < training.ByPseudonym,
		"whose pseudonym it is":        found.linked && asker.UserID != s.id,
		"a group of fewer than five":   found.group && kind != nobody, // a node has rates of its own
		"somebody":                     found.name && asker.UserID != s.id && kind != people,
	} {
		if wrong {
			p.t.Errorf("%s and is told %s, of %s", name, what, strings.Join(found.at, ", "))
		}
	}
}

func (t told) and(o told) told {
	return told{
		t.name || o.name, t.exact || o.exact, t.whole || o.whole, t.quiz || o.quiz, t.pseudonym || o.pseudonym, t.linked || o.linked,
		t.behaviour || o.behaviour, t.group || o.group,
	}
}

// finding is what an answer tells, and which of its fields tell it, but for names.
type finding struct {
	told
	at []string // what, and the path of the field
}

// note says that something is told if it is.
func (f *finding) note(what *bool, name, path string, is bool) {
	if is {
		*what = true
		f.at = append(f.at, name+" at "+path)
	}
}

// look finds out what an answer tells.
func (s *secret) look(a answer) (found finding) {
	text := string(a.body)
	found.name = strings.Contains(text, s.name) || strings.Contains(text, s.email)
	found.pseudonym = strings.Contains(text, s.pseudonym)
	var body any
	if json.Unmarshal(a.body, &body) == nil {
		s.walk("", body, &found)
	} else {
		number := fmt.Sprintf("%.1f", s.score)
		found.exact = strings.Contains(text, number) || strings.Contains(text, strings.Replace(number, ".", ",", 1))
		found.linked = found.name && found.pseudonym
	}
	return found
}

func (s *secret) walk(path string, value any, found *finding) {
	switch v := value.(type) {
	case map[string]any:
		s.object(path, v, found)
		for key, inner := range v {
			s.walk(path+"."+key, inner, found)
		}
	case []any:
		for i, inner := range v {
			s.walk(fmt.Sprintf("%s[%d]", path, i), inner, found)
		}
	case float64:
		key := path[strings.LastIndexByte(path, '.')+1:]
		near := func(secret float64) bool { return math.Abs(v-secret) < 0.051 && v != math.Trunc(v) }
		close := func(secret float64) bool { return math.Abs(v-secret) < 0.00006 }
		at := fmt.Sprintf("%s: %v", path, v)
		found.note(&found.exact, "score", at, near(s.score) || slices.ContainsFunc(s.components, close))
		found.note(&found.whole, "rounded score", at, key == "score" && v == math.Round(s.score))
		found.note(&found.quiz, "quiz", at, v == secretQuiz && !numbered(key))
		found.note(&found.group, "group", at, near(s.groups[0]) || slices.ContainsFunc(s.groups[1:], close))
	}
}

// numbered says whether a number of that name only tells one thing from another.
func numbered(key string) bool {
	return key == "id" || strings.HasSuffix(key, "_id") || slices.Contains([]string{"version", "code"}, key)
}

// object looks at what stands together.
func (s *secret) object(path string, o map[string]any, found *finding) {
	is := func(key string, values ...any) bool { return slices.Contains(values, o[key]) }
	person := is("user_id", float64(s.id)) || is("id", float64(s.id)) && o["email"] != nil || is("full_name", s.name) || is("email", s.email)
	if is("pseudonym", s.pseudonym) && (person || o["department"] != nil) {
		found.linked = true
	}
	for key, value := range o {
		number, isNumber := value.(float64)
		figure := isNumber && key != "id" && !strings.HasSuffix(key, "_id")
		rate := figure && (strings.HasSuffix(key, "rate") || key == "score" || key == "p90")
		switch n, few := o["people"].(float64); {
		case person && slices.Contains([]string{"clicked", "submitted", "opened", "reported"}, key) && value != nil:
			found.note(&found.behaviour, "behaviour", path+"."+key, true)
		case figure && !person && o["email"] == nil && o["full_name"] == nil && (is("name", s.petite) || is("department", s.petite)):
			found.note(&found.group, "group", path+"."+key, true)
		case rate && few && n > 0 && n < training.MinGroup && !math.IsNaN(number):
			found.note(&found.group, "group", path+"."+key, true)
		}
	}
}

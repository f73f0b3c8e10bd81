package e2e

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/training"
)

// secretQuiz is the quiz result, in percent, of each person of whom nothing may come out.
const secretQuiz = 77

// secret is a company with a person of whom, and of whose department, nobody may be told more than the
// privacy mode says. Nobody else's figures are like theirs.
type secret struct {
	title   string
	mode    training.PrivacyMode
	company int64
	manager string // e-mail addresses
	admin   string
	peer    string

	id         int64
	name       string
	email      string
	pseudonym  string
	petite     string // the department, of four people
	late       int    // days; no two people's, so that no P90 of all companies is one's score
	enrollment int64
	campaign   int64
	report     int64  // their own
	code       string // of a certificate

	score      float64
	components []float64 // that are like nobody else's
	groups     []float64 // figures of fewer than five people, the score first
}

// private is a world in which all that there is to be told is secret, and nobody else is active.
type private struct {
	t       *testing.T
	w       *world
	doc     *document
	db      *pgx.Conn
	tokens  *minter
	secrets []*secret
	quiz    int64
}

func newPrivate(t *testing.T) *private {
	p := &private{t: t, doc: readDocument(t)}
	p.w = newWorld(t, []string{"fra"})
	p.db = pgtest.Connect(t, p.w.url)
	p.exec(`UPDATE users SET is_active = false WHERE email <> 'admin@example.com'`)
	// A rate of the demo's own simulations may happen to be that of a secret group.
	p.exec(`DELETE FROM phishing_events`)
	p.exec(`DELETE FROM phishing_campaigns`)
	p.scan(&p.quiz, `SELECT q.id FROM quizzes q JOIN courses c ON c.id = q.course_id WHERE c.slug = 'phishing'`)
	for _, mode := range []training.PrivacyMode{training.Aggregate, training.Pseudonymous, training.Individual} {
		p.secrets = append(p.secrets, p.plant(string(mode), mode, 12))
	}
	p.secrets = append(p.secrets, p.plant("tiny", training.Individual, 0))
	p.w.mail(t)
	p.w.startInside(nil)
	p.tokens = newMinter(t, p.w)
	return p
}

func (p *private) scan(into any, query string, args ...any) {
	p.t.Helper()
	if err := p.db.QueryRow(p.t.Context(), query, args...).Scan(into); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
}

func (p *private) exec(query string, args ...any) {
	p.t.Helper()
	if _, err := p.db.Exec(p.t.Context(), query, args...); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
}

// plant makes a company with a department of four, the first of whom is the one to be kept secret, a
// manager and an administrator, and so many others. Of a company without others all figures are made up
// by fewer than five.
func (p *private) plant(title string, mode training.PrivacyMode, others int) *secret {
	now := time.Now()
	s := &secret{
		title: title, mode: mode, late: 13 + 3*len(p.secrets), name: "Zaphod Privy " + title, petite: "Petite " + title, pseudonym: "P-SECRET-" + title,
		email: "zaphod@" + title + ".example", manager: "manager@" + title + ".example", admin: "admin@" + title + ".example", peer: "peer1@" + title + ".example",
	}
	p.scan(&s.company, `INSERT INTO companies (name, slug, country, locale, data_zone, privacy_mode) VALUES ($1, $1, 'DE', 'en', 'global', $2) RETURNING id`, title, string(mode))
	person := func(email, name, role, department, job string) (id int64) {
		p.scan(&id, `INSERT INTO users (company_id, data_zone, email, full_name, role, department, job_risk)
			VALUES ($1, 'global', $2, $3, $4, $5, $6) RETURNING id`, s.company, email, name, role, department, job)
		return id
	}
	s.id = person(s.email, s.name, "learner", s.petite, "high")
	p.exec(`UPDATE users SET pseudonym = $2 WHERE id = $1`, s.id, s.pseudonym)
	department := "Large"
	if others == 0 {
		department = s.petite
	} else {
		person("peer3@"+title+".example", "Peer 3", "learner", s.petite, "low")
	}
	person("peer2@"+title+".example", "Peer 2", "learner", s.petite, "low")
	person(s.peer, "Peer 1", "learner", s.petite, "low")
	person(s.manager, "Manager", "manager", department, "low")
	if others > 0 {
		person(s.admin, "Admin", "admin", department, "low")
	}
	if mode == training.Individual && others > 0 { // else a quarter of all companies' rest, as of a department
		person("solo@"+title+".example", "Solo", "learner", "Solo", "low")
	}
	for i := range others {
		person(fmt.Sprintf("other%d@%s.example", i, title), "Other", "learner", []string{"Large", ""}[i%2], "low")
	}
	p.teach(s, now)
	s.expect(now, p.phish(s, now))
	return s
}

// teach lets everybody have learned a course but the one person, who failed its quiz and is late.
func (p *private) teach(s *secret, now time.Time) {
	due := now.AddDate(0, 0, -s.late)
	p.exec(`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, due_at, started_at, completed_at, expires_at, score, created_at)
		SELECT $1, 'global', u.id, q.course_id, CASE WHEN u.id = $2 THEN 'in_progress' ELSE 'completed' END, $4, $4::timestamptz - interval '9 days',
			CASE WHEN u.id <> $2 THEN $4::timestamptz - interval '2 days' END, CASE WHEN u.id <> $2 THEN $4::timestamptz + interval '1 year' END,
			CASE WHEN u.id = $2 THEN $5::integer ELSE 100 END, $4::timestamptz - interval '20 days'
		FROM users u, quizzes q WHERE u.company_id = $1 AND q.id = $3`, s.company, s.id, p.quiz, due, secretQuiz)
	p.scan(&s.enrollment, `SELECT id FROM enrollments WHERE user_id = $1`, s.id)
	p.exec(`INSERT INTO quiz_attempts (company_id, data_zone, user_id, enrollment_id, quiz_id, number, score, passed, submitted_at)
		SELECT company_id, data_zone, user_id, id, $2, 1, score, score = 100, $3 FROM enrollments WHERE company_id = $1`, s.company, p.quiz, due)
	s.code = "secret-certificate-code-" + s.title
	p.exec(`WITH e AS (INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, completed_at, started_at)
			SELECT $1, 'global', $2, id, 'completed', now(), now() FROM courses WHERE slug = 'passwords-and-passkeys' RETURNING *)
		INSERT INTO certificates (company_id, data_zone, user_id, enrollment_id, course_id, code) SELECT company_id, data_zone, user_id, id, course_id, $3 FROM e`,
		s.company, s.id, s.code)
}

// phish lets the one person fall for simulations that everybody got.
func (p *private) phish(s *secret, now time.Time) (simulations []training.Simulation) {
	for i, ago := range []int{11, 47, 131} {
		sent, submits := now.AddDate(0, 0, -ago), i != 1
		p.scan(&s.campaign, `INSERT INTO phishing_campaigns (company_id, data_zone, name, template, started_at) VALUES ($1, 'global', $2, 'parcel', $3) RETURNING id`,
			s.company, fmt.Sprintf("Simulation %d", i), sent)
		p.exec(`INSERT INTO phishing_events (company_id, data_zone, user_id, campaign_id, kind, occurred_at)
			SELECT u.company_id, u.data_zone, u.id, $2, k, $3 FROM users u, unnest('{sent,opened,clicked,submitted}'::text[]) k
			WHERE u.company_id = $1 AND (k = 'sent' OR u.id = $4 AND (k <> 'submitted' OR $5))`, s.company, s.campaign, sent, s.id, submits)
		simulations = append(simulations, training.Simulation{SentAt: sent, Clicked: true, Submitted: submits})
	}
	return simulations
}

// expect works out the figures that must not come out.
func (s *secret) expect(now time.Time, simulations []training.Simulation) {
	due := now.AddDate(0, 0, -s.late)
	last, passed := secretQuiz, 100
	facts := training.RiskFacts{
		Simulations: simulations, JobRisk: "high", LastQuiz: &last, Duties: []training.Duty{{CourseID: 1, Open: true, DueAt: due}},
	}
	risk := facts.RiskAt(now)
	s.score, s.components = risk.Score, []float64{*risk.Phishing, *risk.Timeliness, *risk.Knowledge}
	safe := slices.Clone(simulations)
	for i := range safe {
		safe[i].Clicked, safe[i].Submitted = false, false
	}
	peer := training.RiskFacts{
		Simulations: safe, JobRisk: "low", LastQuiz: &passed,
		Duties: []training.Duty{{CourseID: 1, DueAt: due, CompletedAt: due.AddDate(0, 0, -2), ExpiresAt: due.AddDate(1, 0, 0)}},
	}
	// Of the department: the score, who fell for it, who is compliant, who was on time.
	s.groups = []float64{(s.score + 3*peer.RiskAt(now).Score) / 4, 1.0 / 4, 3.0 / 4}
	if frac := s.score - math.Floor(s.score); frac < 0.1 || frac > 0.9 {
		panic(fmt.Sprintf("the score %v cannot be told from a whole number: change the days in phish", s.score))
	}
}

package seed

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// rows are what is to be copied, by table.
type rows = map[string][][]any

// prepared is a demo without a database, whose numbered users have not come yet. Its first rows are still in
// it.
func prepared(t testing.TB, size Size) *world {
	t.Helper()
	c, err := Content()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(nil, c, Options{Size: size, Seed: 1, Now: today(), flushAt: math.MaxInt})
	if err := w.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// taken gives the rows made since it was last called. They are good until the next ones are made.
func (w *world) taken() rows {
	list := rows{}
	for table := range w.rows {
		list[table] = w.rows[table]
		w.rows[table] = w.rows[table][len(w.rows[table]):]
	}
	return list
}

// place of a column in a table's rows.
func at(of, name string) int {
	list := tables()
	i := slices.IndexFunc(list, func(t table) bool { return t.name == of })
	return slices.Index(strings.Fields(list[i].columns), name)
}

// TestKnownPeopleAreTheSameAtEverySize compares all that belongs to the first companies and users but for the
// keys.
func TestKnownPeopleAreTheSameAtEverySize(t *testing.T) {
	small := prepared(t, Small)
	others := []*world{prepared(t, Medium), prepared(t, Large)}
	compare := func(who string) {
		want := small.taken()
		for _, w := range others {
			got := w.taken()
			for table := range want {
				if known, other := ofKnown(table, want[table]), ofKnown(table, got[table]); !sameButForKeys(table, known, other) {
					t.Fatalf("%s of %s differ at %s: %.500v, want %.500v", table, who, w.size, other, known)
				}
			}
		}
	}
	compare("staff")
	for i, employer := range small.employers() {
		small.learner(i+1, small.companies[employer])
		for _, w := range others {
			w.learner(i+1, w.companies[employer])
		}
		compare(fmt.Sprint("user ", i+1))
	}
}

// ofKnown gives the rows that belong to the known companies, of tables that say so.
func ofKnown(table string, list [][]any) [][]any {
	company := at(table, "company_id")
	if table == "companies" {
		company = 0
	} else if company < 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(list), func(row []any) bool { return row[company].(int64) > knownCompanies })
}

func sameButForKeys(table string, a, b [][]any) bool {
	var keys []int
	for _, name := range strings.Fields("id user_id enrollment_id assignment_id created_by requested_by prefix") {
		keys = append(keys, at(table, name))
	}
	return slices.EqualFunc(a, b, func(a, b []any) bool {
		for i := range a {
			if a[i] != b[i] && !slices.Contains(keys, i) {
				return false
			}
		}
		return true
	})
}

// TestCompaniesOfALargeDemo looks at sizes, countries, zones and names.
func TestCompaniesOfALargeDemo(t *testing.T) {
	w := prepared(t, Large)
	var logs []float64
	people, countries, zones, clocks, names := 0, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range w.companies {
		people += c.size
		countries[c.country], zones[c.zone], clocks[c.clock], names[c.name] = true, true, true, true
		if c.id > knownCompanies {
			logs = append(logs, math.Log(float64(c.size)))
		}
		eu := strings.Contains("DE AT FR BE NL IT ES PT SE DK FI PL CZ HU GR IE", c.country)
		if c.id > knownCompanies && eu != (c.zone == "eu") || (c.locale == "de") != strings.Contains("DE AT CH", c.country) && c.id > 1 {
			t.Errorf("%s in %s has the zone %s and the language %s", c.name, c.country, c.zone, c.locale)
		}
	}
	if people != Large.Users() || len(w.companies) != 2000 || len(names) != 2000 {
		t.Errorf("%d people, %d companies, %d names", people, len(w.companies), len(names))
	}
	if len(countries) < 30 || len(zones) != 4 || len(clocks) < 40 {
		t.Errorf("%d countries, %d zones, %d time zones", len(countries), len(zones), len(clocks))
	}
	// Of a log-normal distribution a quantile's logarithm is the median's and sigma times that of the normal one. The
	// three people that every company has lift the smallest ones.
	slices.Sort(logs)
	quantile := func(q float64) float64 { return logs[int(q*float64(len(logs)))] }
	for q, z := range map[float64]float64{0.3: -0.5244, 0.7: 0.5244, 0.9: 1.2816, 0.99: 2.3263} {
		if sigma := (quantile(q) - quantile(0.5)) / z; math.Abs(sigma-1.3) > 0.12 {
			t.Errorf("the quantile %g of the companies' sizes speaks of sigma %.2f, want 1.3", q, sigma)
		}
	}
}

// TestNames looks at what people of a medium demo are called.
func TestNames(t *testing.T) {
	w := prepared(t, Medium)
	count, distinct, people, longest := map[string]int{}, map[string]bool{}, 20_000, 0
	employers := w.employers()
	for i := range people {
		rng := w.random("name", i)
		name := w.nameIn(rng, w.companies[employers[i]])
		distinct[name] = true
		length := utf8.RuneCountInString(name)
		longest = max(longest, length)
		for what, has := range map[string]bool{
			"umlaut": strings.ContainsAny(name, "äöüÄÖÜ"), "ß": strings.Contains(name, "ß"), "apostrophe": strings.Contains(name, "'"),
			"hyphen": strings.Contains(name, "-"), "single": !strings.Contains(name, " "), "long": length >= longName,
			"von": strings.Contains(name, " von "), "Greek": is(name, unicode.Greek), "Cyrillic": is(name, unicode.Cyrillic),
			"Vietnamese": strings.ContainsAny(name, "ễảịộươ"), "other": !is(name, unicode.Latin, unicode.Greek, unicode.Cyrillic),
		} {
			if has {
				count[what]++
			}
		}
	}
	if len(distinct) < people*8/10 || longest > 100 {
		t.Errorf("%d of %d names are distinct, the longest has %d letters", len(distinct), people, longest)
	}
	for what, least := range map[string]int{
		"umlaut": 1000, "ß": 50, "apostrophe": 50, "hyphen": 500, "single": 5, "long": people / longNames / 2, "von": 20, "Greek": 50,
		"Cyrillic": 50, "Vietnamese": 20,
	} {
		if count[what] < least {
			t.Errorf("%s: %d names of %d, want %d", what, count[what], people, least)
		}
	}
	if count["other"] > 0 {
		t.Errorf("%d names have letters that documents cannot show", count["other"])
	}
}

// is tells whether a name has a letter of one of the scripts.
func is(name string, scripts ...*unicode.RangeTable) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return unicode.In(r, scripts...) })
}

// TestSimulations shows a medium demo's people all simulations of their companies.
func TestSimulations(t *testing.T) {
	w := prepared(t, Medium)
	for _, c := range w.companies[1:] {
		if year := c.since.Before(w.ago(365)); year != (len(c.campaigns) == 10) || len(c.campaigns) < 3 {
			t.Errorf("%s, a customer since %v, had %d simulations", c.name, c.since, len(c.campaigns))
		}
	}
	ten, twice, clicked, submitted := 0.0, 0.0, 0.0, 0.0
	var sent, reported [10]float64
	caught, shown := map[string]float64{}, map[string]float64{}
	for i, employer := range w.employers() {
		p := w.hire(i+1, w.companies[employer])
		w.taken()
		failures, received := 0, 0
		for _, c := range p.company.campaigns {
			if c.started.Before(p.since) {
				continue
			}
			r, k := p.react(&c), int(math.Round(9*c.past))
			received, sent[k], shown[c.lure.template] = received+1, sent[k]+1, shown[c.lure.template]+1
			if r.reported {
				reported[k]++
			}
			if r.clicked {
				failures, clicked, caught[c.lure.template] = failures+1, clicked+1, caught[c.lure.template]+1
			}
			if r.submitted {
				submitted++
			}
		}
		if received == 10 {
			ten++
			if failures >= 2 {
				twice++
			}
		}
	}
	// Of 15,000 people a share of a quarter is known to 0.35 percent, of 17,000 messages a third to 0.36.
	rates := map[string][3]float64{
		"two failures or more, of all who received all": {twice / ten, 0.22, 0.28},
		"submissions of clicks":                         {submitted / clicked, 0.38, 0.42},
		"password lure":                                 {caught["password-expiry"] / shown["password-expiry"], 0.02, 0.05},
		"holiday policy":                                {caught["holiday-policy"] / shown["holiday-policy"], 0.31, 0.37},
		"reported at first":                             {reported[0] / sent[0], 0.17, 0.23},
		"reported at last":                              {reported[9] / sent[9], 0.32, 0.38},
	}
	for name, r := range rates {
		if !(r[0] >= r[1] && r[0] <= r[2]) {
			t.Errorf("%s: %.3f, want %g to %g", name, r[0], r[1], r[2])
		}
	}
	for _, l := range lures() {
		if rate := caught[l.template] / shown[l.template]; !(rate > 0.02 && rate < 0.37) {
			t.Errorf("%s catches %.3f", l.template, rate)
		}
	}
}

// TestLearning walks through every fifth person of a medium demo.
func TestLearning(t *testing.T) {
	w := prepared(t, Medium)
	w.taken()
	const every = 5
	people := float64(0)
	learned := newLearned(t)
	for i, employer := range w.employers() {
		if i%every != 0 {
			continue
		}
		people++
		c := w.companies[employer]
		p := w.hire(i+1, c)
		w.learn(p)
		learned.see(p, w.taken(), w.day)
	}
	for name, r := range map[string][3]float64{
		// Large is to have 24 million rows of progress; the few bad companies make the sample's share of overdue courses
		// uncertain by one percent.
		"enrollments a person":             {learned.enrollments / people, 16, 24},
		"rows of progress a person":        {learned.progress / people, 24e6 / 250e3 * 1.02, 115},
		"overdue of what is asked for now": {learned.overdue / learned.asked, 0.06, 0.10},
		"score of passed quizzes":          {learned.scores / learned.passed, 83, 87},
		"passed, of attempts":              {learned.passed / learned.attempts, 0.6, 0.9},
		"overdue of the careful":           {learned.late[1] / learned.of[1], 0, 0.03},
		"overdue of the careless":          {learned.late[0] / learned.of[0], 0.15, 0.4},
	} {
		if !(r[0] >= r[1] && r[0] <= r[2]) {
			t.Errorf("%s: %.3f, want %g to %g", name, r[0], r[1], r[2])
		}
	}
	for clock, hours := range learned.hours {
		all := hours.work + hours.evening + hours.weekend + hours.night
		if all < 2000 {
			continue
		}
		for name, r := range map[string][3]float64{
			"in the office": {hours.work / all, 0.84, 0.91}, "in the evening": {hours.evening / all, 0.06, 0.11},
			"at the weekend": {hours.weekend / all, 0.025, 0.06}, "at night": {hours.night / all, 0, 0.005},
		} {
			if !(r[0] >= r[1] && r[0] <= r[2]) {
				t.Errorf("%s, %s: %.3f of %.0f lessons, want %g to %g", clock, name, r[0], all, r[1], r[2])
			}
		}
	}
	if len(learned.hours) < 15 {
		t.Errorf("people learn in %d time zones, want 15", len(learned.hours))
	}
}

// learned is what TestLearning counts.
type learned struct {
	t                                                               *testing.T
	enrollments, progress, attempts, passed, scores, asked, overdue float64
	late, of                                                        [2]float64 // of the most careless and the most careful tenth
	hours                                                           map[string]*hours
	zones                                                           map[string]*time.Location
}

type hours struct{ work, evening, weekend, night float64 }

func newLearned(t *testing.T) *learned {
	return &learned{t: t, hours: map[string]*hours{}, zones: map[string]*time.Location{}}
}

func (l *learned) see(p *person, r rows, today time.Time) {
	c := p.company
	l.enrollments += float64(len(r["enrollments"]))
	l.progress += float64(len(r["lesson_progress"]))
	score, passed := at("quiz_attempts", "score"), at("quiz_attempts", "passed")
	for _, row := range r["quiz_attempts"] {
		l.attempts++
		if row[passed].(bool) {
			l.passed++
			l.scores += float64(row[score].(int))
		}
	}
	asked, overdue := current(r["enrollments"], today)
	l.asked, l.overdue = l.asked+asked, l.overdue+overdue
	for i, extreme := range []bool{p.care < -1.28, p.care > 1.28} {
		if extreme {
			l.of[i], l.late[i] = l.of[i]+asked, l.late[i]+overdue
		}
	}
	if l.zones[c.clock] == nil {
		zone, err := time.LoadLocation(c.clock)
		if err != nil {
			l.t.Fatal(err)
		}
		l.zones[c.clock], l.hours[c.clock] = zone, &hours{}
	}
	doneAt := at("lesson_progress", "done_at")
	for _, row := range r["lesson_progress"] {
		l.hours[c.clock].see(row[doneAt].(time.Time).In(l.zones[c.clock]))
	}
}

func (h *hours) see(at time.Time) {
	switch hour, day := at.Hour(), at.Weekday(); {
	case hour < 7 || hour == 23:
		h.night++
	case day == time.Saturday || day == time.Sunday:
		h.weekend++
	case hour >= 18:
		h.evening++
	default:
		h.work++
	}
}

// current counts, of one person, what assignments ask for at present, and how much of it is overdue.
func current(enrollments [][]any, today time.Time) (asked, overdue float64) {
	course, assignment, cycle := at("enrollments", "course_id"), at("enrollments", "assignment_id"), at("enrollments", "cycle")
	status, due := at("enrollments", "status"), at("enrollments", "due_at")
	for _, row := range enrollments {
		later := func(other []any) bool { return other[course] == row[course] && other[cycle].(int) > row[cycle].(int) }
		if row[assignment] == nil || slices.ContainsFunc(enrollments, later) {
			continue
		}
		asked++
		if s := row[status]; (s == "assigned" || s == "in_progress") && row[due].(time.Time).Before(today) {
			overdue++
		}
	}
	return asked, overdue
}

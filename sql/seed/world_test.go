package seed

import (
	"slices"
	"strings"
	"testing"
)

// fullCatalogue has all the courses that the demo is planned for: copies stand in for those that
// are not written yet.
func fullCatalogue(t testing.TB) Catalogue {
	t.Helper()
	c, err := Content()
	if err != nil {
		t.Fatal(err)
	}
	slugs := strings.Fields(`phishing passwords-and-passkeys spear-phishing-and-invoice-fraud mfa-fatigue phone-social-engineering
		deepfakes malware-and-ransomware removable-media safe-remote-work travel mobile-devices wi-fi cloud-sharing data-classification
		clean-desk gdpr-basics gdpr-in-hr-and-marketing nis2-for-management incident-reporting ai-tools-at-work supply-chain
		secure-development physical-security social-media`)
	model := c.Courses[slices.IndexFunc(c.Courses, func(c Course) bool { return c.Slug == "phishing" })]
	for i, slug := range slugs {
		if slices.ContainsFunc(c.Courses, func(c Course) bool { return c.Slug == slug }) {
			continue
		}
		course := model
		course.Slug, course.Level = slug, []string{"beginner", "intermediate", "advanced"}[i%3]
		if i%2 == 0 {
			course.Lessons = course.Lessons[1:]
		}
		c.Courses = append(c.Courses, course)
	}
	return c
}

// people walks through a demo without a database, and calls visit with the rows of each numbered user.
// Before, it does so with the rows of everything else, as those of user 0.
func people(t testing.TB, o Options, visit func(w *world, number int, rows map[string][][]any)) {
	t.Helper()
	o.Seed, o.Now = 1, today()
	w := newWorld(nil, fullCatalogue(t), o)
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	show := func(number int) {
		visit(w, number, w.rows)
		for table := range w.rows {
			w.rows[table] = w.rows[table][:0]
		}
	}
	show(0)
	for i, employer := range w.employers() {
		w.learner(i+1, w.companies[employer])
		show(i + 1)
	}
}

// column gives the place of a column in a table's rows.
func column(of, name string) int {
	list := tables()
	at := slices.IndexFunc(list, func(t table) bool { return t.name == of })
	return slices.Index(strings.Fields(list[at].columns), name)
}

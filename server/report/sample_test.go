package report

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"outpost/server/training"
)

var evaluated = time.Date(2026, 3, 9, 12, 30, 0, 0, time.UTC)

// requested is a report as somebody asks for it.
func requested(kind training.ReportType, locale string) training.Report {
	return training.Report{ID: 4711, CompanyID: 7, RequestedBy: 1001, SubjectID: 7, Type: kind, Locale: locale, Scope: training.CompanyReport}
}

func own(r training.Report) training.Report {
	r.Scope = training.OwnReport
	return r
}

// staff are the facts of a company of n people: two big departments, two of three people and one, and
// people of none.
func staff(n int, mode training.PrivacyMode, locale string) *facts {
	f := &facts{
		at:      evaluated,
		company: training.CompanyProfile{ID: 7, Name: "Müller & Söhne GmbH", Locale: locale, Privacy: mode, ActiveUsers: n},
		courses: map[int64]string{1: "Phishing erkennen", 2: "Passwörter und Passkeys", 3: "DSGVO-Grundlagen", 4: "Vorfälle melden", 5: "Sicher im Homeoffice", 6: "Lieferkette"},
	}
	f.framework = framework{"gdpr", "GDPR", "Regulation (EU) 2016/679, General Data Protection Regulation"}
	texts := []string{
		"Process personal data so that it stays secure, protected against unauthorised processing and against loss.",
		"Ensure the ongoing confidentiality, integrity, availability and resilience of the systems and services that process personal data.",
		"Take steps to ensure that people with access to personal data process it only on instructions.",
		"Recognise a breach of personal data and report it at once.",
	}
	if locale == "de" {
		f.framework = framework{"gdpr", "DSGVO", "Verordnung (EU) 2016/679, Datenschutz-Grundverordnung"}
		texts = []string{
			"Personenbezogene Daten so verarbeiten, dass sie sicher bleiben, geschützt vor unbefugter Verarbeitung und vor Verlust.",
			"Vertraulichkeit, Integrität, Verfügbarkeit und Belastbarkeit der Systeme und Dienste, die personenbezogene Daten verarbeiten, auf Dauer sicherstellen.",
			"Sicherstellen, dass Personen mit Zugang zu personenbezogenen Daten diese nur auf Anweisung verarbeiten.",
			"Eine Verletzung des Schutzes personenbezogener Daten erkennen und sofort melden.",
		}
	}
	for i, code := range []string{"Art. 5(1)(f)", "Art. 32(1)(b)", "Art. 32(4)", "Art. 33(1)"} {
		f.requirements = append(f.requirements, training.Requirement{
			ID: int64(i + 1), Framework: "gdpr", Code: code, Text: texts[i], Interval: 12,
			Courses: [][]int64{{1, 3}, {2}, {3}, {4, 6}}[i],
		})
	}
	for i := range n {
		f.people = append(f.people, *person(i))
	}
	return f
}

// person is somebody whose facts follow from a number.
func person(i int) *training.PersonFacts {
	p := &training.PersonFacts{
		UserID: int64(1001 + i), CompanyID: 7, FullName: fmt.Sprintf("Zoë Geheim-%04d", i), Email: fmt.Sprintf("geheim.%04d@mueller.example", i),
		Pseudonym: fmt.Sprintf("P-%08X%04d", uint32(i+1)*2654435761, i),
	}
	switch {
	case i < 3:
		p.Department = "Vorstand"
	case i == 3:
		p.Department = "Revision"
	case i%10 == 4:
	case i%2 == 0:
		p.Department = "Forschung & Entwicklung"
	default:
		p.Department = "Vertrieb"
	}
	p.JobRisk = []string{"low", "medium", "high"}[i%3]
	day := 24 * time.Hour
	for course := int64(1); course <= 5; course++ {
		if course == 5 && i >= 3 { // a course of three people
			continue
		}
		d := training.Duty{EnrollmentID: int64(i)*10 + course, CourseID: course, Cycle: 1, DueAt: evaluated.Add(-time.Duration(i%40) * day)}
		switch (i + int(course)) % 5 {
		case 0:
			d.Open = true
		case 1:
			d.Open, d.DueAt = true, evaluated.Add(20*day)
		case 2:
			d.CompletedAt, d.ExpiresAt = evaluated.Add(-400*day), evaluated.Add(-35*day)
		default:
			d.CompletedAt, d.ExpiresAt = d.DueAt.Add(-5*day), d.DueAt.Add(360*day)
		}
		p.Duties = append(p.Duties, d)
	}
	for s := range i % 4 {
		p.Simulations = append(p.Simulations, training.Simulation{
			SentAt: evaluated.Add(-time.Duration(30*(s+1)) * day), Clicked: (i+s)%3 == 0, Submitted: (i+s)%9 == 0, Reported: (i+s)%4 == 0,
		})
	}
	if i%5 != 0 {
		percent := 40 + i%60
		p.LastQuiz = &percent
	}
	return p
}

func worked(t testing.TB, r training.Report, f *facts) *Content {
	t.Helper()
	c, err := process(r, f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func written(t testing.TB, c *Content, format training.ReportFormat) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := writers()[format](c, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

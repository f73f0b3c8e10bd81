package mail

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// words are what templates are filled in with: nothing in them can become more than it is.
type words struct {
	Name, Company, Inviter, Token, Link string
	Overdue, Due                        []courseWords
	Document                            documentWords
}

type courseWords struct{ Title, Date string }

type documentWords struct {
	Name, Subject, Date string
	TooLarge            bool
	Megabytes           string
}

func wordsOf(language, link string, c Content) words {
	w := words{Name: oneLine(c.Name), Company: oneLine(c.Company), Inviter: oneLine(c.Inviter), Token: c.Token, Link: link}
	for _, course := range c.Courses {
		in := courseWords{oneLine(course.Title), day(language, course.DueOn)}
		if course.Overdue {
			w.Overdue = append(w.Overdue, in)
		} else {
			w.Due = append(w.Due, in)
		}
	}
	if d := c.Document; d != nil {
		w.Document = documentWords{
			Name: documentName(language, d.Type), Subject: oneLine(d.Subject), Date: day(language, d.MadeOn), TooLarge: d.TooLarge(),
			Megabytes: strconv.FormatInt((d.Bytes+1<<20-1)>>20, 10),
		}
	}
	return w
}

// day writes 2026-12-04 as people do: 4 December 2026, 4. Dezember 2026.
func day(language, date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return oneLine(date)
	}
	if language != "de" {
		return t.Format("2 January 2006")
	}
	months := strings.Fields("Januar Februar März April Mai Juni Juli August September Oktober November Dezember")
	return fmt.Sprintf("%d. %s %d", t.Day(), months[t.Month()-1], t.Year())
}

// documentName says what a report of a type is called.
func documentName(language, kind string) string {
	german := language == "de"
	name := map[string]string{"gdpr": "GDPR", "nis2": "NIS2", "iso27001": "ISO 27001", "pci_dss": "PCI DSS", "hipaa": "HIPAA"}[kind]
	switch {
	case kind == "training" && german:
		return "Lernstandsbericht"
	case kind == "training":
		return "Training report"
	case kind == "risk" && german:
		return "Risikobericht"
	case kind == "risk":
		return "Risk report"
	case german:
		if kind == "gdpr" {
			name = "DSGVO"
		}
		return strings.TrimSpace("Compliance-Bericht " + name)
	}
	return strings.TrimSpace("Compliance report " + name)
}

package report

import (
	"fmt"
	"time"
)

// words are a certificate's own in one language.
type words struct {
	locale    string
	title     string
	certifies string
	completed string
	issued    string
	until     string
	code      string
	verify    string
	date      func(time.Time) string
}

// wordsOf gives the words of a locale, English where there are none.
func wordsOf(locale string) words {
	if locale == "de" {
		return words{
			locale: "de", title: "Zertifikat", certifies: "Hiermit wird bestätigt, dass", completed: "den folgenden Kurs erfolgreich abgeschlossen hat:",
			issued: "Ausgestellt am", until: "gültig bis", code: "Zertifikatscode", verify: "Prüfen:", date: germanDate,
		}
	}
	return words{
		locale: "en", title: "Certificate", certifies: "This certifies that", completed: "has successfully completed the course",
		issued: "Issued on", until: "valid until", code: "Certificate code", verify: "Verify at", date: englishDate,
	}
}

// dates is the line of when the certificate was issued and how long it holds. Days are UTC's.
func (w words) dates(issued time.Time, expires *time.Time) string {
	line := w.issued + " " + w.date(issued.UTC())
	if expires != nil {
		line += ", " + w.until + " " + w.date(expires.UTC())
	}
	return line
}

func englishDate(t time.Time) string { return t.Format("2 January 2006") }

func germanDate(t time.Time) string {
	months := [...]string{
		"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember",
	}
	return fmt.Sprintf("%d. %s %d", t.Day(), months[t.Month()-1], t.Year())
}

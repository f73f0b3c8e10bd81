package mail

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/server/mail/mailtest"
)

// TestWhatAServerMayHaveTakenIsUncertainAndNothingElse has a server fail in every way at every step.
func TestWhatAServerMayHaveTakenIsUncertainAndNothingElse(t *testing.T) {
	for _, step := range mailtest.Steps() {
		for _, mood := range []string{mailtest.Close, mailtest.Hang, "421 4.3.2 leaving", "550 5.7.1 never trouble@example.com", "what?"} {
			if step == mailtest.Content && mood != mailtest.Close && mood != mailtest.Hang {
				continue // nobody has asked
			}
			t.Run(string(step)+" "+strings.ReplaceAll(mood, " ", "_"), func(t *testing.T) {
				t.Parallel()
				early := step == mailtest.Greeting || step == mailtest.Hello
				server := mailtest.StartMoody(t, "127.0.0.1:0", func(at mailtest.Step, to string) string {
					// MAIL does not say for whom: the first one is the trouble.
					if at == step && (early || to == "trouble@example.com" || at == mailtest.Mail && to == "") {
						return mood
					}
					return mailtest.Usual
				})
				got, begun := sendBegun(t.Context(), newSender(t, server.Addr()), letter(1, Invitation, "trouble@example.com", "en"), letter(2, Invitation, "fine@example.com", "en"))

				answered := mood[0] == '4' || mood[0] == '5'
				sent := step == mailtest.Dot || step == mailtest.Content // a short letter travels in one piece with its end
				want := Error{Permanent: mood[0] == '5' && !early, Uncertain: sent && !answered}
				var failed *Error
				if !errors.As(got[1], &failed) || failed.Permanent != want.Permanent || failed.Uncertain != want.Uncertain || strings.Contains(failed.Reason, "@") {
					t.Errorf("the letter: %+v, want %+v", failed, want)
				}
				var wholes []string
				if step == mailtest.Dot {
					wholes = append(wholes, "trouble@example.com")
				}
				switch {
				case !early && step != mailtest.Mail:
					wholes = append(wholes, "fine@example.com")
					if got[2] != nil {
						t.Errorf("the next letter: %v", got[2])
					}
				case got[2] == nil && early:
					t.Error("the next letter was sent by a server that takes none")
				}
				if whole := server.Whole(); step != mailtest.Mail && !slices.Equal(whole, wholes) {
					t.Errorf("whole were those to %v, want %v", whole, wholes)
				}
				if slices.Contains(begun, 1) != sent {
					t.Errorf("begun were %v", begun)
				}
			})
		}
	}
}

func TestALetterThatBreaksOffIsSentAgain(t *testing.T) {
	server := mailtest.StartMoody(t, "127.0.0.1:0", func(step mailtest.Step, _ string) string {
		if step == mailtest.Content {
			return mailtest.Close
		}
		return mailtest.Usual
	})
	l := letter(1, Report, "one@example.com", "de")
	l.Attachment = &Attachment{Load: func(context.Context) (File, error) { return File{"x", "text/csv", make([]byte, 24<<20)}, nil }}
	got, begun := sendBegun(t.Context(), newSender(t, server.Addr()), l)
	var failed *Error
	if !errors.As(got[1], &failed) || failed.Uncertain || failed.Permanent || len(begun) != 0 || len(server.Whole()) != 0 {
		t.Errorf("%v, begun %v, whole %v", got, begun, server.Whole())
	}
}

// sendBegun is send, with the letters that were begun.
func sendBegun(ctx context.Context, s *Sender, letters ...Letter) (results map[int64]error, begun []int64) {
	results = make(map[int64]error)
	s.Send(ctx, letters, func(l Letter) error {
		begun = append(begun, l.ID)
		return nil
	}, func(l Letter, err error) { results[l.ID] = err })
	return results, begun
}

func TestALetterThatIsNotBegunIsNotSentNorIsAnotherOne(t *testing.T) {
	server := mailtest.StartMoody(t, "127.0.0.1:0", func(mailtest.Step, string) string { return mailtest.Usual })
	asked := 0
	done := make(map[int64]error)
	newSender(t, server.Addr()).Send(t.Context(), []Letter{
		letter(1, Invitation, "one@example.com", "en"), letter(2, Invitation, "two@example.com", "en"), letter(3, Invitation, "three@example.com", "en"),
	}, func(l Letter) error {
		if asked++; l.ID == 2 {
			return errors.New("no")
		}
		return nil
	}, func(l Letter, err error) { done[l.ID] = err })
	if whole := server.Whole(); !slices.Equal(whole, []string{"one@example.com"}) || len(done) != 1 || asked != 2 {
		t.Errorf("sent to %v, told of %v, asked %d times", whole, done, asked)
	}
}

func TestALetterIsBegunBeforeTheServerHasAllOfIt(t *testing.T) {
	var mu sync.Mutex
	var order []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	server := mailtest.StartMoody(t, "127.0.0.1:0", func(step mailtest.Step, _ string) string {
		if step == mailtest.Dot {
			note("whole")
		}
		return mailtest.Usual
	})
	newSender(t, server.Addr()).Send(t.Context(), []Letter{letter(1, Invitation, "one@example.com", "en")},
		func(Letter) error { note("begun"); return nil }, func(Letter, error) { note("done") })
	if want := []string{"begun", "whole", "done"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

func TestWhatIsAttachedArrivesAndIsLoadedInTurn(t *testing.T) {
	server := mailtest.Start(t, "127.0.0.1:0", nil)
	loaded := 0
	document := func(content string, err error) *Attachment {
		return &Attachment{Load: func(context.Context) (File, error) {
			loaded++
			return File{"Bericht ä.pdf", "application/pdf", []byte(content)}, err
		}}
	}
	var letters []Letter
	for i, a := range []*Attachment{
		document("%PDF-1\r\n.\r\n\x00\xff", nil), document("", permanent("it is gone")), document("", errors.New("away")), document(strings.Repeat("x", 3<<20), nil),
	} {
		l := letter(int64(i+1), Report, "one@example.com", "de")
		l.Attachment = a
		letters = append(letters, l)
	}
	results := make(map[int64]error)
	newSender(t, server.Addr()).Send(t.Context(), letters, func(l Letter) error {
		if loaded != int(l.ID) {
			t.Errorf("%d were loaded when letter %d was sent", loaded, l.ID)
		}
		return nil
	}, func(l Letter, err error) { results[l.ID] = err })
	var gone, away *Error
	if results[1] != nil || !errors.As(results[2], &gone) || !gone.Permanent || !errors.As(results[3], &away) || away.Permanent || results[4] != nil {
		t.Errorf("%v", results)
	}
	messages := server.Messages("one@example.com")
	if len(messages) != 2 {
		t.Fatalf("%d arrived", len(messages))
	}
	for i, want := range []string{"%PDF-1\r\n.\r\n\x00\xff", strings.Repeat("x", 3<<20)} {
		got := messages[i].Attachments
		if len(got) != 1 || got[0].Name != "Bericht ä.pdf" || got[0].Type != "application/pdf" || string(got[0].Content) != want {
			t.Errorf("message %d came with %d attachments", i, len(got))
		}
	}
}

func TestReminderNamesWhatIsOverdueFirstAndDaysInWords(t *testing.T) {
	server := mailtest.Start(t, "127.0.0.1:0", nil)
	s := newSender(t, server.Addr())
	of := func(id int64, locale string, courses ...Course) Letter {
		return Letter{ID: id, Kind: Reminder, To: locale + "@example.com", Locale: locale, Written: time.Now(), Content: Content{Name: "Ada", Company: "Eins", Courses: courses}}
	}
	late, soon := Course{"Phishing", "2026-03-01", true}, Course{"Passwörter", "2026-12-24", false}
	for id, err := range send(t.Context(), s, of(1, "de", late, soon), of(2, "en", late, soon), of(3, "de", soon), of(4, "en", late, late)) {
		if err != nil {
			t.Errorf("letter %d: %v", id, err)
		}
	}
	for i, want := range []struct{ to, subject, text string }{
		{"de", "Erinnerung: Ihr Sicherheitstraining ist überfällig", "ab:\n\n- Phishing (fällig war der 1. März 2026)\n\nBald fällig ist außerdem:\n\n- Passwörter (fällig am 24. Dezember 2026)\n\nHier"},
		{"en", "Reminder: your security training is overdue", "can:\n\n- Phishing (was due on 1 March 2026)\n\nThese are due soon:\n\n- Passwörter (due on 24 December 2026)\n\nThis"},
		{"de", "Erinnerung: Ihr Sicherheitstraining ist bald fällig", "Eins:\n\n- Passwörter (fällig am 24. Dezember 2026)\n\nHier geht es weiter:\n\nhttps://training.example.com/courses\n"},
		{"en", "Reminder: your security training is overdue", "- Phishing (was due on 1 March 2026)\n- Phishing"},
	} {
		m := server.Messages("")[i]
		if m.Subject != want.subject || !strings.Contains(m.Text, want.text) || strings.Contains(m.Text, "\n\n\n") {
			t.Errorf("%s\n%s", m.Subject, m.Text)
		}
		if strings.Contains(m.HTML, "<p></p>") || !strings.Contains(m.HTML, `<a href="https://training.example.com/courses">`) {
			t.Error(m.HTML)
		}
	}
	if html := server.Messages("")[3].HTML; !strings.Contains(html, "2026)<br>\n- Phishing") {
		t.Error(html)
	}
}

func TestADocumentThatIsTooLargeIsSaidToBe(t *testing.T) {
	server := mailtest.Start(t, "127.0.0.1:0", nil)
	for i, locale := range languages() {
		l := letter(int64(i+1), Report, locale+"@example.com", locale)
		l.Document = &Document{Type: "gdpr", Subject: "Eins", MadeOn: "2026-12-24", Bytes: MaxAttachment + 1}
		if err := send(t.Context(), newSender(t, server.Addr()), l)[l.ID]; err != nil {
			t.Error(err)
		}
	}
	for locale, want := range map[string]string{"de": "Mit 11 MB ist das Dokument zu groß", "en": "At 11 MB the document is too large"} {
		if m := server.Messages(locale + "@example.com")[0]; !strings.Contains(m.Text, want) {
			t.Error(m.Text)
		}
	}
}

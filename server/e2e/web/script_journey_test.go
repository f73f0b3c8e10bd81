package web_test

import "testing"

// TestALearnerWithoutScript: who has scripts switched off gets from the mail to the certificate, too.
func TestALearnerWithoutScript(t *testing.T) {
	const slug, email, name = "wi-fi", "ida@example.com", "Ida Rhodes"
	b := newTab(t, shared.edge())
	if err := b.script(false); err != nil {
		t.Fatal(err)
	}
	token := inviteAs(t, individual, email, name)
	b.mustOpen(t, "/invitation")
	b.must(t, fill("#f-token", shared.primary()+"/invitation"+token)) // the page says to paste the whole link
	b.accept(t)
	b.takeUp(t, slug, "Wi-Fi")
	b.finishLessons(t, slug)
	right, _ := answersTo(t, slug)
	b.answer(t, right)
	b.shows(t, "#result", "This is your certificate")
	b.must(t, click(`#result a[href^="/verify/"]`))
	b.shows(t, ".verified.good", name)
	b.silent(t)
}

// TestAnAdminWithoutScript: the same for a list of people.
func TestAnAdminWithoutScript(t *testing.T) {
	b := newTab(t, shared.edge())
	if err := b.signIn(individual); err != nil {
		t.Fatal(err)
	}
	if err := b.script(false); err != nil {
		t.Fatal(err)
	}
	const department = "Day Shift"
	b.importGood(t, department, b.checkImport(t, department))
	b.silent(t)
}

package web_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"outpost/server/api/openapi"
)

// TestAnAdminImportsAssignsAndReports: 203 rows become 200 people, who get a course, of which a report tells.
func TestAnAdminImportsAssignsAndReports(t *testing.T) {
	const department = "Night Shift"
	b := newTab(t, shared.edge())
	if err := b.signIn(individual); err != nil {
		t.Fatal(err)
	}
	bad := b.checkImport(t, department)
	b.importGood(t, department, bad)
	b.assign(t, department, "deepfakes")
	b.silent(t)
	b.report(t)
}

// csvOf is a file with 200 good rows and three that are not: 50, 100 and 203.
func csvOf(department string) string {
	var csv strings.Builder
	host := hostOf(department)
	csv.WriteString("email,full_name,role,department\n")
	for row := 1; row <= 203; row++ {
		email, role := fmt.Sprintf("%d@%s", row, host), "learner"
		switch row {
		case 50:
			email = "50." + host
		case 100:
			email = "7@" + host
		case 203:
			role = "emperor"
		}
		fmt.Fprintf(&csv, "%s,Worker %d,%s,%s\n", email, row, role, department)
	}
	return csv.String()
}

// hostOf makes the addresses of departments different.
func hostOf(department string) string {
	return strings.ToLower(strings.ReplaceAll(department, " ", "-")) + ".example.com"
}

// rows reads the table of what is wrong: number, person and column of each.
const rows = `[...document.querySelectorAll("table.cards tbody tr")].map((r) => [...r.children].slice(0, 3).map((c) => c.innerText.trim()).join(" | "))`

// checkImport chooses the file and has it checked. It gives what the preview says of the bad rows.
func (b *tab) checkImport(t *testing.T, department string) (bad []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte(csvOf(department)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.mustOpen(t, "/people")
	b.must(t,
		click(`main a[href="/people/import"]`),
		chromedp.SetUploadFiles(chromedp.CSS("#f-file"), []string{file}),
		click(`button[value="check"]`),
	)
	b.shows(t, "#good", "200")
	b.shows(t, "#bad", "3")
	bad = mustAsk[[]string](t, b, rows)
	host := hostOf(department)
	if want := []string{"Row 50 | 50." + host + " | email", "Row 100 | 7@" + host + " | email", "Row 203 | 203@" + host + " | role"}; !slices.Equal(bad, want) {
		t.Errorf("the preview says %q, want %q", bad, want)
	}
	if n := countPeople(t, department); n != 0 {
		t.Errorf("the preview has created %d people", n)
	}
	return bad
}

// importGood imports the good rows of what was checked. The bad ones are told again.
func (b *tab) importGood(t *testing.T, department string, bad []string) {
	t.Helper()
	b.must(t, click(`button[value="import"]`))
	b.shows(t, "main .notice.good", "200 people were created.")
	if got := mustAsk[[]string](t, b, rows); !slices.Equal(got, bad) {
		t.Errorf("what was left out is told as %q, before as %q", got, bad)
	}
	if n := countPeople(t, department); n != 200 {
		t.Errorf("%d people were created", n)
	}
}

// countPeople is how many the API counts in a department.
func countPeople(t *testing.T, department string) int64 {
	t.Helper()
	var found openapi.PersonPage
	get(t, individual, "/users?size=1&department="+url.QueryEscape(department), &found)
	return found.Total
}

// assign gives a course to a department of 200 people, and waits until its page says that it has reached them.
func (b *tab) assign(t *testing.T, department, course string) {
	t.Helper()
	var c openapi.CourseDetail
	get(t, individual, "/courses/"+course, &c)
	b.mustOpen(t, "/assignments")
	b.must(t,
		click(`main a[href="/assignments/new"]`),
		choose("#f-course_id", fmt.Sprint(c.Id)),
		chromedp.Click(chromedp.CSS(`input[name="scope"][value="department"]`)),
		fill("#f-department", department),
		click("form.assign button.primary"),
	)
	if got := b.path(t); !strings.HasSuffix(got, "?done=assigned") {
		t.Fatalf("assigning leads to %s", got)
	}
	b.shows(t, "h1", c.Title)
	eventually(t, "all of the department have the course", func() error {
		if err := b.do(leave(chromedp.Reload())); err != nil {
			return err
		}
		shown, err := ask[string](b, `document.querySelector("main").innerText`)
		if err == nil && !strings.Contains(shown, "0 of 200") {
			err = fmt.Errorf("the page shows %s", shown)
		}
		return err
	})
}

// report asks for a report, watches it being made and downloads it as a file.
func (b *tab) report(t *testing.T) {
	t.Helper()
	const newest = `#reports tbody tr:first-child a[download]`
	const address = `document.querySelector('` + newest + `')?.href ?? ""`
	b.mustOpen(t, "/reports")
	before := mustAsk[string](t, b, address)
	b.must(t, choose("#f-format", "pdf"), click(`button[value="request"]`))
	b.shows(t, "main .notice.good", "")
	if _, err := poll(b, `(() => { const a = `+address+`; return a !== "" && a !== `+fmt.Sprintf("%q", before)+`; })()`); err != nil {
		t.Fatalf("waiting for the report: %v", err)
	}
	b.shows(t, "#reports tbody tr:first-child .badge.good", "")
	name, content := b.download(t, newest)
	if !strings.HasSuffix(name, ".pdf") || !strings.HasPrefix(string(content), "%PDF-") {
		t.Errorf("what is downloaded is called %s and begins with %.8q", name, content)
	}
	b.silent(t)
}

// poll waits until the page's script sees something.
func poll(b *tab, expression string) (bool, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingMutation(), chromedp.WithPollingTimeout(0)))
}

// download clicks a link and gives the file that the browser saves, and its name.
func (b *tab) download(t *testing.T, link string) (name string, content []byte) {
	t.Helper()
	folder, events := t.TempDir(), true
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID, DownloadPath: folder, EventsEnabled: &events,
	})
	if err != nil {
		t.Fatal(err)
	}
	saved := make(chan string, 1)
	err = chromedp.ListenBrowser(ctx, func(event any) {
		switch e := event.(type) {
		case *browser.EventDownloadWillBegin:
			name = e.SuggestedFilename
		case *browser.EventDownloadProgress:
			if e.State == browser.DownloadProgressStateCompleted {
				saved <- e.GUID
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.must(t, chromedp.Click(chromedp.CSS(link)))
	select {
	case guid := <-saved:
		content, err = os.ReadFile(filepath.Join(folder, guid))
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		t.Fatalf("downloading %s: %v", name, err)
	}
	return name, content
}

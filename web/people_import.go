package web

import (
	"crypto/rand"
	"net/http"
	"strconv"

	"outpost/server/api/openapi"
)

// importBody is what a form with the most CSV that the API takes comes to.
const importBody = 9 << 20

// Limits of what the preview shows, and of what can be corrected on the page.
const (
	shownRows   = 5
	correctable = 256 << 10
)

// imported is what a try or an import found out, for the page that is shown then.
type imported struct {
	Tried   bool // nobody was created yet
	CSV     string
	Key     string // makes the second click on "import" the same as the first
	Good    int
	Created int
	Failed  int
	Bad     []badRow
	Unsaid  int // bad rows that the API does not report on
	Table   peopleTable
	Correct bool // the CSV is small enough to be corrected on the page
}

// badRow is a row that is not imported, with what stands in it.
type badRow struct {
	Row    int
	Person string
	Errors []openapi.FieldError
}

func showImport(r *Request) (View, error) {
	found, _ := r.Found.(*imported)
	title := "people.import.title"
	switch {
	case found != nil && found.Tried:
		title = "people.import.check"
	case found != nil:
		title = "people.import.result"
	}
	return View{Template: "people-import", Title: r.T(title), Data: found}, nil
}

// importPeople tries the CSV, or imports its good rows.
func importPeople(r *Request) (string, error) {
	csv := r.Form.Get("csv")
	if file := r.Files["file"]; len(file.Content) > 0 {
		csv = string(file.Content)
	}
	if csv == "" {
		return "", Invalid("file", r.T("people.import.nothing"))
	}
	query := r.companyQuery()
	header := http.Header{"Content-Type": {"text/csv; charset=utf-8"}}
	tried := r.Form.Get("action") != "import"
	if tried {
		query.Set("dry_run", "true")
	} else {
		query.Set("partial", "true")
		if key := r.Form.Get("key"); key != "" {
			header.Set("Idempotency-Key", key)
		}
	}
	var out openapi.BulkOutcome
	if _, err := r.send(http.MethodPost, "/users/bulk?"+query.Encode(), header, []byte(csv), &out); err != nil {
		return "", err
	}
	found := newImported(&out, csv)
	if found.Tried = tried; tried {
		found.Key = rand.Text()
	}
	r.Found = found
	return "", ErrAgain
}

func newImported(out *openapi.BulkOutcome, csv string) *imported {
	i := &imported{CSV: csv, Created: out.Created, Failed: out.Failed, Table: readTable(csv), Correct: len(csv) <= correctable}
	for _, row := range out.Rows {
		if row.Errors == nil {
			i.Good++
			continue
		}
		i.Bad = append(i.Bad, badRow{row.Row, i.Table.name(row.Row), *row.Errors})
	}
	i.Unsaid = out.Failed - len(i.Bad)
	return i
}

func personPath(id int64) string { return "/people/" + strconv.FormatInt(id, 10) }

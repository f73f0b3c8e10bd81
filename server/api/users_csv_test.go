package api

import (
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"

	"outpost/server/training"
)

func TestCSVIsReadAsSpreadsheetsWriteIt(t *testing.T) {
	ada := training.NewPerson{Email: "ada@example.com", FullName: "Ada, Countess", Department: "R;D"}
	for name, text := range map[string]string{
		"RFC 4180":          "email,full_name,department\r\nada@example.com,\"Ada, Countess\",R;D\r\n",
		"no last line end":  "email,full_name,department\nada@example.com,\"Ada, Countess\",R;D",
		"a byte order mark": "\ufeffemail,full_name,department\r\nada@example.com,\"Ada, Countess\",R;D\r\n",
		"German Excel":      "\ufeffemail;full_name;department\r\nada@example.com;Ada, Countess;\"R;D\"\r\n",
		"tabs":              "email\tfull_name\tdepartment\nada@example.com\tAda, Countess\tR;D\n",
		"sep=":              "sep=;\r\nemail;full_name;department\r\nada@example.com;Ada, Countess;\"R;D\"\r\n",
		"quoted header":     "\"Email\";\" FULL_NAME \";\"department\"\nada@example.com;\"Ada, Countess\";\"R;D\"\n",
		"another order":     "department,email,full_name\n R;D ,ada@example.com,\"Ada, Countess\"\n\n",
	} {
		rows, err := readPeople([]byte(text))
		if err != nil || len(rows) != 1 || rows[0].NewPerson != ada || len(rows[0].Errors) > 0 {
			t.Errorf("%s: %+v, %v", name, rows, err)
		}
	}
	rows, err := readPeople([]byte("email,full_name\n\"a\nb\",\"say \"\"hi\"\"\"\nonly one\n"))
	if err != nil || len(rows) != 2 || rows[0].Email != "a\nb" || rows[0].FullName != `say "hi"` || len(rows[1].Errors) != 1 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestCSVThatIsNoneSaysWhy(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "empty",
		"\ufeff":                       "empty",
		"email,full_name\n\"a,b":       "line 2",
		"email,full_name\na\"b,c\n":    "line 2",
		"email,full_name\nM\xfcller,x": "UTF-8",
		"\xff\xfee\x00m\x00":           "UTF-8",
		"name,email\n":                 "lacks the column full_name",
		"email,full_name,email\n":      "twice",
		"email,full_name,password\n":   `"password"`,
	} {
		_, err := readPeople([]byte(text))
		if err == nil {
			t.Errorf("%q is taken", text)
			continue
		}
		says := err.Error()
		var e *training.Error
		if errors.As(err, &e) {
			for _, f := range e.Fields {
				says += " " + f.Message
			}
		}
		if !strings.Contains(says, want) {
			t.Errorf("%q: %s", text, says)
		}
	}
	if rows, err := readPeople([]byte("email,full_name\n" + strings.Repeat("a,b\n", 20_000))); err != nil || len(rows) != training.MaxBulk+1 {
		t.Errorf("%d rows are read: %v", len(rows), err)
	}
}

func FuzzReadPeople(f *testing.F) {
	for _, seed := range []string{"email,full_name\na,b\n", "sep=;\nemail;full_name\n\"a\";b", "\ufeffemail\tfull_name\n", "\"", "email,full_name\r\r\n\x00", "sep=\"\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := readPeople(body)
		if code := training.CodeOf(err); err != nil && code != training.Invalid && problemOf(err).status != 400 {
			t.Errorf("%q: %v", body, err)
		}
		for _, r := range rows {
			if strings.ContainsRune(r.Email+r.FullName+r.Department, 0) || err != nil {
				t.Errorf("%q: %+v, %v", body, r, err)
			}
		}
	})
}

// TestABulkOfNothingCostsLittle reads bodies that are as large as they may be and hold nothing but the
// shortest rows and cells there are.
func TestABulkOfNothingCostsLittle(t *testing.T) {
	for name, read := range map[string]func() error{
		"JSON": func() error {
			var body struct{ Users bulkRows }
			return json.Unmarshal([]byte(`{"users":[`+strings.Repeat("1,", maxBulkBody/2-10)+`1]}`), &body)
		},
		"CSV": func() error {
			_, err := readPeople([]byte("email,full_name\n" + strings.Repeat(",", maxBulkBody-100)))
			if err == nil {
				return errors.New("it is taken")
			}
			return nil
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if cost := after.TotalAlloc - before.TotalAlloc; cost > 8*maxBulkBody {
			t.Errorf("%s: %d MB were allocated for %d", name, cost>>20, maxBulkBody>>20)
		}
	}
}

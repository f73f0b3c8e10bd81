package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/server/training"
)

func TestEveryLanguageHasEveryText(t *testing.T) {
	en, de := english(), german()
	if a, b := slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(de)); !slices.Equal(a, b) {
		t.Errorf("English has %v\nGerman has %v", a, b)
	}
	verbs := regexp.MustCompile(`%[sd]`)
	for name, text := range en {
		if !slices.Equal(verbs.FindAllString(text, -1), verbs.FindAllString(de[name], -1)) {
			t.Errorf("%s: %q and %q ask for different things", name, text, de[name])
		}
	}
}

func TestTheSameContentIsTheSameBytes(t *testing.T) {
	for _, kind := range []training.ReportType{training.GDPR, training.LearningNow, training.RiskNow} {
		for _, format := range training.ReportFormats() {
			made := func(bend func(*facts)) []byte {
				f := staff(63, training.Individual, "de")
				bend(f)
				return written(t, worked(t, requested(kind, "de"), f), format)
			}
			first := made(func(*facts) {})
			for range 3 {
				if !bytes.Equal(made(func(*facts) {}), first) {
					t.Fatalf("%s as %s: the bytes differ", kind, format)
				}
			}
			later := made(func(f *facts) { f.at = f.at.Add(time.Second) })
			if bytes.Equal(later, first) != (format == training.CSV) { // which does not say when it was
				t.Errorf("%s as %s a second later: the same is %v", kind, format, bytes.Equal(later, first))
			}
		}
	}
}

func TestTheHashIsThatOfTheContentAsItStandsInTheJSON(t *testing.T) {
	content := worked(t, requested(training.GDPR, "de"), staff(63, training.Individual, "de"))
	var document struct {
		SHA256  string
		Content json.RawMessage
	}
	if err := json.Unmarshal(written(t, content, training.JSON), &document); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(document.Content)
	if got := hex.EncodeToString(sum[:]); got != document.SHA256 || got != content.hash() {
		t.Errorf("the content's hash is %s, it says %s", got, document.SHA256)
	}
	if !bytes.Contains(written(t, content, training.PDF), []byte("/EmbeddedFile")) {
		t.Error("the content is not attached to the PDF")
	}
}

func TestTheFontHasEveryText(t *testing.T) {
	covers, err := coverage()
	if err != nil {
		t.Fatal(err)
	}
	for _, texts := range []map[string]string{english(), german()} {
		for name, text := range texts {
			if !covers(text) {
				t.Errorf("%s: the font lacks a sign of %q", name, text)
			}
		}
	}
}

func TestTheCSVIsOneTable(t *testing.T) {
	f := staff(63, training.Individual, "en")
	f.people[0].FullName, f.people[1].Department = `=HYPERLINK("http://x")`, "\u200b+cmd"
	b := written(t, worked(t, requested(training.GDPR, "en"), f), training.CSV)
	if !bytes.HasSuffix(b, []byte("\r\n")) || bytes.Contains(bytes.ReplaceAll(b, []byte("\r\n"), nil), []byte("\n")) {
		t.Error("its lines do not end as RFC 4180 has it")
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll() // of one width, or it fails
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, row := range rows[1:] {
		kinds[row[0]]++
		for _, cell := range row {
			if strings.HasPrefix(cell, "=") || strings.HasPrefix(cell, "\u200b+") {
				t.Errorf("a formula: %q", cell)
			}
		}
	}
	want := map[string]int{"total": 1, "requirements": 4, "departments": 3, "people": 63}
	if !maps.Equal(kinds, want) {
		t.Errorf("its rows are %v, want %v", kinds, want)
	}
}

// Nothing that somebody is called breaks a document.
func TestNamesOfAnyCharactersMakeDocuments(t *testing.T) {
	for _, name := range []string{"", "王小明", "\xff\xfe", "a\nb\x00c", "🙂", "</title><script>alert(1)</script>", strings.Repeat("字", 500), strings.Repeat("Rainer Maria ", 40), "(\\)", pagesAlias, "{{.}}"} {
		for _, kind := range []training.ReportType{training.GDPR, training.LearningNow, training.RiskNow} {
			f := staff(12, training.Individual, "de")
			f.company.Name = name
			f.people[7].FullName, f.people[7].Department = name, name
			f.courses[2] = name
			content := worked(t, requested(kind, "de"), f)
			text := strings.Join(pagesOf(t, written(t, content, training.PDF)), "\n")
			if !strings.Contains(text, "geheim.0007@mueller.example") {
				t.Errorf("%q: somebody is missing", name)
			}
			if page := string(written(t, content, training.HTML)); strings.Contains(page, "<script") || strings.Count(page, "</html>") != 1 {
				t.Errorf("%q: the page is broken", name)
			}
			if b := written(t, content, training.JSON); !json.Valid(b) {
				t.Errorf("%q: the JSON is broken", name)
			}
			written(t, content, training.CSV)
		}
	}
	f := staff(12, training.Individual, "de")
	f.people[7].FullName = "王小明"
	text := strings.Join(pagesOf(t, written(t, worked(t, requested(training.GDPR, "de"), f), training.PDF)), "\n")
	if strings.Contains(text, "王小明") || !strings.Contains(text, "durch die E-Mail-Adresse ersetzt") {
		t.Error("a name that the font lacks is not replaced")
	}
}

func TestACompanyOfNobodyAndAFrameworkOfNothingMakeDocuments(t *testing.T) {
	for _, kind := range []training.ReportType{training.GDPR, training.LearningNow, training.RiskNow} {
		f := staff(0, training.Individual, "en")
		f.requirements = nil
		content := worked(t, requested(kind, "en"), f)
		for _, format := range training.ReportFormats() {
			written(t, content, format)
		}
		if kind != training.GDPR {
			continue
		}
		if text := readable(t, content, training.PDF); !strings.Contains(text, "no obligations") || strings.Contains(text, "100%.") != strings.Contains(text, "not 100%.") {
			t.Errorf("without an obligation it says\n%s", text)
		}
		if !bytes.Contains(written(t, content, training.JSON), []byte(`"rate":null`)) {
			t.Error("without an obligation there is a rate")
		}
	}
}

// The bounds are wide, for slow machines and the race detector; -v says how much it is.
func TestTenThousandPeopleFitIntoOneReport(t *testing.T) {
	f := staff(10_000, training.Individual, "de")
	base := heap()
	for _, format := range training.ReportFormats() {
		began, peak, stop := time.Now(), uint64(0), make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					peak = max(peak, heap())
				}
			}
		}()
		content := worked(t, requested(training.RiskNow, "de"), f)
		var size counter
		if err := writers()[format](content, &size); err != nil {
			t.Fatal(err)
		}
		close(stop)
		<-done
		took := time.Since(began)
		t.Logf("%s: %d kB in %v, %d MB more memory at most", format, size/1000, took.Round(time.Millisecond), (max(peak, base)-base)>>20)
		if took > time.Minute || peak > base+400<<20 {
			t.Errorf("%s took %v and %d MB", format, took, (peak-base)>>20)
		}
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// heap is how many bytes objects have, those included that nobody needs any more.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

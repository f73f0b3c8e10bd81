package api

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// answerTypes are what a body is made of.
func answerTypes() []any {
	return []any{
		openapi.APIKey{},
		openapi.Accepted{},
		openapi.Analytics{},
		openapi.Assignment{},
		openapi.AttemptResult{},
		openapi.Attempts{},
		openapi.BulkOutcome{},
		openapi.Certificate{},
		openapi.CertificateVerification{},
		openapi.Course{},
		openapi.CourseDetail{},
		openapi.CreatedAPIKey{},
		openapi.Dashboard{},
		openapi.Enrollment{},
		openapi.EnrollmentSummary{},
		openapi.Frameworks{},
		openapi.Health{},
		openapi.Invitation{},
		openapi.KeySet{},
		openapi.Lesson{},
		openapi.Person{},
		openapi.PersonDetail{},
		openapi.PersonRisk{},
		openapi.PhishingCampaign{},
		openapi.PhishingCampaignDetail{},
		openapi.PhishingEvent{},
		openapi.Problem{},
		openapi.QuizDetail{},
		openapi.QuizStart{},
		openapi.Report{},
		openapi.ReportSchedule{},
		openapi.Tokens{},
		openapi.User{},
		map[string]any{},
		[]any{},
		json.RawMessage{},
	}
}

// TestJSONIsTheStandardLibrarys fills every type that is answered with whatever is hard to write.
func TestJSONIsTheStandardLibrarys(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	for _, of := range answerTypes() {
		kind := reflect.TypeOf(of)
		for range 200 {
			v := reflect.New(kind)
			scribble(v.Elem(), random, 0)
			for _, value := range []any{v.Interface(), v.Elem().Interface()} {
				got, err := encodeJSON(value)
				want, wantErr := standardJSON(value)
				if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) {
					t.Fatalf("%v:\n%s, %v\nencoding/json gives\n%s, %v", kind, got, err, want, wantErr)
				}
			}
		}
	}
}

func standardJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}

var hardTexts = []string{
	"", "plain", `"\/`, "<b>&amp;</b>", "Üta ß 日本 🙂", "\u2028\u2029", "\x00\x01\b\f\n\r\t\x1f\x7f", "\xff\xc0\xed\xa0\x80 broken", "\ufffd", "0", "null",
}

// scribble fills v at random.
func scribble(v reflect.Value, random *rand.Rand, depth int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		nanoseconds := []int64{0, 120_000_000, 123_456_000, 1}[random.IntN(4)]
		v.Set(reflect.ValueOf(time.Unix(random.Int64N(4e9), nanoseconds).UTC()))
		return
	}
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes([]byte([]string{`{"a":"<&>","b":[1,2.50,null]}`, `"x"`, `null`}[random.IntN(3)]))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(hardTexts[random.IntN(len(hardTexts))])
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt([]int64{0, -1, 7, 1<<31 - 1, -1 << 31}[random.IntN(5)])
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 0.1, -2.5, 1e-7, 1e21, 100, 1.0 / 3}[random.IntN(7)])
	case reflect.Pointer:
		if random.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			scribble(v.Elem(), random, depth+1)
		}
	case reflect.Slice:
		if n := random.IntN(4); n > 0 && depth < 6 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n-1)) // empty is not nil
			for i := range v.Len() {
				scribble(v.Index(i), random, depth+1)
			}
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range hardTexts[:random.IntN(4)] {
			value := reflect.New(v.Type().Elem()).Elem()
			scribble(value, random, depth+1)
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), value)
		}
	case reflect.Interface:
		if of := answerTypes(); random.IntN(4) > 0 && depth < 3 {
			value := reflect.New(reflect.TypeOf(of[random.IntN(len(of))])).Elem()
			scribble(value, random, depth+1)
			v.Set(value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			scribble(v.Field(i), random, depth+1)
		}
	default:
		panic("nothing is answered with a " + v.Kind().String())
	}
}

// TestAPageIsTheSameInOnePieceAndInParts holds the two ways in which newPage makes its items.
func TestAPageIsTheSameInOnePieceAndInParts(t *testing.T) {
	found := training.Page[training.Course]{Page: 1, Size: 2, Total: 3, NextAfter: "x"}
	for _, text := range append(hardTexts, "<Ü>") {
		found.Items = append(found.Items, training.Course{ID: 1, Title: text, Category: text, ValidityDays: len(text), CreatedAt: day, UpdatedAt: day})
	}
	var all fieldMask = 1<<len(courseFields.names) - 1
	for _, p := range []training.Page[training.Course]{found, {Page: 1, Size: 2}} {
		var bodies [2][]byte
		for i, mask := range []fieldMask{0, all} {
			made, err := newPage(p, training.Paging{}, courseBody, courseFields, mask)
			if err != nil {
				t.Fatal(err)
			}
			if bodies[i], err = encodeJSON(made); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(bodies[0], bodies[1]) {
			t.Errorf("whole:\n%s\nby field:\n%s", bodies[0], bodies[1])
		}
	}
}

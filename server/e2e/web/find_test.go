package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"outpost/sql/seed"
)

// found is where an id of a path is found: in an answer that the API gives to whoever looks at the page.
type found struct {
	target string
	at     string // the way there in the JSON, such as items.0.id
}

// finders are by the name that a path has for the id.
func finders() map[string]found {
	return map[string]found{
		"course":      {"/courses?size=1", "items.0.slug"},
		"my-course":   {"/me/enrollments?size=1", "items.0.course_slug"},
		"my-quiz":     {"/me/enrollments?size=1", "items.0.lesson_count"}, // a course ends with one
		"lesson":      {"/courses/phishing/source", "lessons.0.id"},
		"quiz-lesson": {"/courses/phishing/source", "lessons.5.id"},
		"question":    {"/courses/phishing/source", "lessons.5.quiz.questions.0.id"},
		"user":        {"/users?size=1&role=learner", "items.0.id"},
		"assignment":  {"/assignments?size=1", "items.0.id"},
		"campaign":    {"/phishing/campaigns?size=1", "items.0.id"},
		"company":     {"/companies?size=1", "items.0.id"},
		"certificate": {"/me/certificates?size=1", "items.0.code"},
	}
}

var blank = regexp.MustCompile(`\{([a-z-]+)\}`)

// fill gives where a page is, for who looks at it.
func (l listed) fill() (string, error) {
	path := l.path
	if path == "" {
		path = l.page
	}
	var failed error
	filled := blank.ReplaceAllStringFunc(path, func(name string) string {
		id, err := find(l.as, strings.Trim(name, "{}"))
		if err != nil {
			failed = fmt.Errorf("%s: finding %s: %w", l.name, name, err)
		}
		return id
	})
	return filled, failed
}

func find(as, name string) (string, error) {
	where, ok := finders()[name]
	if !ok {
		return "", fmt.Errorf("nothing says where to find it")
	}
	token, err := tokenOf(as)
	if err != nil {
		return "", err
	}
	var answer any
	if err := api(http.MethodGet, shared.primary()+"/api/v1"+where.target, token, nil, &answer); err != nil {
		return "", err
	}
	for _, step := range strings.Split(where.at, ".") {
		switch in := answer.(type) {
		case map[string]any:
			answer = in[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(in) {
				return "", fmt.Errorf("%s has no %s", where.target, where.at)
			}
			answer = in[n]
		}
	}
	switch id := answer.(type) {
	case string:
		return id, nil
	case json.Number:
		return id.String(), nil
	}
	return "", fmt.Errorf("%s has no %s", where.target, where.at)
}

// tokenOf signs somebody in at the API.
func tokenOf(email string) (string, error) {
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	err := api(http.MethodPost, shared.primary()+"/api/v1/auth/login", "", map[string]string{"email": email, "password": seed.Password}, &tokens)
	return tokens.AccessToken, err
}

// api asks the API.
func api(method, url, token string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 400 {
		return fmt.Errorf("%s %s is answered with %d: %s", method, url, response.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber() // an id is not a float
	return decoder.Decode(out)
}

package e2e

import (
	"cmp"
	"context"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	api "outpost/server/e2e/client"
)

// generated is the client that was generated from openapi.yaml, as one person uses it at one region: with
// their token, and with the newest position that they have seen.
type generated struct {
	*api.ClientWithResponses
	token    string
	position string
}

func newGenerated(t *testing.T, url string) *generated {
	t.Helper()
	g := new(generated)
	var err error
	g.ClientWithResponses, err = api.NewClientWithResponses(url, api.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		if g.token != "" {
			r.Header.Set("Authorization", "Bearer "+g.token)
		}
		if g.position != "" {
			r.Header.Set("Outpost-Position", g.position)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// sent wants a request to have been answered.
func sent(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got takes what an operation answered: a body of the kind that the document promises.
func got[T any](t *testing.T, g *generated, body *T, response *http.Response, raw []byte) T {
	t.Helper()
	if body == nil {
		t.Fatalf("%s %s answers %d: %s", response.Request.Method, response.Request.URL.Path, response.StatusCode, raw)
	}
	g.position = response.Header.Get("Outpost-Position")
	return *body
}

// TestAGeneratedClientLearnsACourse signs up by invitation, learns a course to its certificate at one
// edge, and verifies the certificate at another, knowing of the API what the document says.
func TestAGeneratedClientLearnsACourse(t *testing.T) {
	w := newWorld(t, []string{"fra", "iad", "syd"})
	e := &examples{t: t, w: w, mails: w.mail(t)}
	w.startInside(nil)
	ctx := t.Context()

	admin := newGenerated(t, w.api("syd"))
	boss, email := "manager@example.com", "generated@example.org"
	login, err := admin.LoginWithResponse(ctx, nil, api.LoginRequest{Email: &boss, Password: password})
	sent(t, err)
	admin.token = got(t, admin, login.JSON200, login.HTTPResponse, login.Body).AccessToken
	invited, err := admin.CreateInvitationWithResponse(ctx, nil, api.InvitationRequest{Email: email})
	sent(t, err)
	got(t, admin, invited.JSON201, invited.HTTPResponse, invited.Body)

	learner, name := newGenerated(t, w.api("iad")), "Grace Hopper"
	accepted, err := learner.AcceptInvitationWithResponse(ctx, nil, api.AcceptRequest{
		Token: e.mailed(email), Password: "harbour lantern mosaic", FullName: &name,
	})
	sent(t, err)
	learner.token = got(t, learner, accepted.JSON201, accepted.HTTPResponse, accepted.Body).AccessToken

	found, err := learner.GetCourseWithResponse(ctx, "phishing", nil)
	sent(t, err)
	course := got(t, learner, found.JSON200, found.HTTPResponse, found.Body)
	enrolled, err := learner.EnrollWithResponse(ctx, nil, api.EnrollRequest{CourseId: course.Id})
	sent(t, err)
	// 200 when the course was assigned to everybody in the company.
	enrollment := got(t, learner, cmp.Or(enrolled.JSON201, enrolled.JSON200), enrolled.HTTPResponse, enrolled.Body)
	var certificate *api.Certificate
	for _, l := range course.Lessons {
		opened, err := learner.GetLessonWithResponse(ctx, course.Slug, l.Position, nil)
		sent(t, err)
		lesson := got(t, learner, opened.JSON200, opened.HTTPResponse, opened.Body)
		if lesson.Quiz == nil {
			done, err := learner.RecordProgressWithResponse(ctx, enrollment.Id, l.Position, nil, api.ProgressRequest{Seconds: 60})
			sent(t, err)
			got(t, learner, done.JSON200, done.HTTPResponse, done.Body)
			continue
		}
		certificate = learner.pass(t, w, lesson.Quiz.Id)
	}
	if certificate == nil {
		t.Fatal("all lessons are done, and there is no certificate")
	}

	stranger := newGenerated(t, w.api("syd"))
	stranger.position = learner.position
	verified, err := stranger.VerifyCertificateWithResponse(ctx, certificate.Code, nil)
	sent(t, err)
	shown := got(t, stranger, verified.JSON200, verified.HTTPResponse, verified.Body)
	if !shown.Valid || shown.FullName != name {
		t.Errorf("the certificate is verified as %+v", shown)
	}
	if region := verified.HTTPResponse.Header.Get("Outpost-Region"); region != "syd" {
		t.Errorf("the certificate is verified in %s", region)
	}
}

// pass answers a quiz as somebody does who knows what is right, which only Postgres tells.
func (g *generated) pass(t *testing.T, w *world, id int64) *api.Certificate {
	t.Helper()
	asked, err := g.GetQuizWithResponse(t.Context(), id, nil)
	sent(t, err)
	quiz := got(t, g, asked.JSON200, asked.HTTPResponse, asked.Body)
	conn := pgtest.Connect(t, w.url)
	var answers []api.Answer
	for _, question := range quiz.Questions {
		rows, err := conn.Query(t.Context(), `SELECT option_id FROM question_keys WHERE question_id = $1`, question.Id)
		if err != nil {
			t.Fatal(err)
		}
		right, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, api.Answer{QuestionId: question.Id, OptionIds: right})
	}
	graded, err := g.SubmitAttemptWithResponse(t.Context(), id, nil, api.AttemptRequest{Answers: answers})
	sent(t, err)
	result := got(t, g, graded.JSON201, graded.HTTPResponse, graded.Body)
	if !result.Passed {
		t.Fatalf("the quiz is not passed: %+v", result)
	}
	return result.Certificate
}

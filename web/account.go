package web

import (
	"strings"

	"outpost/server/api/openapi"
)

func accountPages() []Page {
	return []Page{
		{Path: "/sign-in", Show: showSignIn, Do: signIn},
		{Path: "/sign-out", Show: showSignIn, Do: signOut},
		{Path: "/password/forgot", Show: showForgot, Do: forgot},
		{Path: "/password", Show: tokenPage("account.reset"), Do: resetPassword},
		{Path: "/invitation", Show: tokenPage("account.invitation"), Do: acceptInvitation},
	}
}

func showSignIn(r *Request) (View, error) {
	return View{Template: "sign-in", Title: r.T("account.signin")}, nil
}

func signIn(r *Request) (string, error) {
	email := strings.TrimSpace(r.Form.Get("email"))
	var tokens openapi.Tokens
	if err := r.Post("/auth/login", openapi.LoginRequest{Email: &email, Password: r.Form.Get("password")}, &tokens); err != nil {
		if p, ok := asProblem(err); ok && p.Status == 401 {
			return "", &Problem{Status: 422, Detail: r.T("account.signin.wrong")}
		}
		return "", err
	}
	r.Keep(&tokens)
	return or(r.Form.Get("next"), "/"), nil
}

// signOut ends the session. Of one that has ended already there is nothing left to end.
func signOut(r *Request) (string, error) {
	if r.Viewer != nil {
		if err := r.Post("/auth/logout", nil, nil); err != nil {
			if p, ok := asProblem(err); !ok || p.Status != 401 {
				return "", err
			}
		}
	}
	r.Keep(nil)
	return "/sign-in?done=signedout", nil
}

func showForgot(r *Request) (View, error) {
	return View{Template: "forgot", Title: r.T("account.forgot")}, nil
}

func forgot(r *Request) (string, error) {
	if err := r.Post("/auth/password/forgot", openapi.ForgotRequest{Email: strings.TrimSpace(r.Form.Get("email"))}, nil); err != nil {
		return "", err
	}
	return "/password/forgot?done=forgot", nil
}

// tokenPage takes a token from a mail. What it is for is the beginning of its texts' names.
func tokenPage(what string) func(*Request) (View, error) {
	return func(r *Request) (View, error) {
		return View{Template: "new-password", Title: r.T(what), Data: what, Scripts: []string{"token.js"}}, nil
	}
}

// token takes one that was pasted with the link around it.
func (r *Request) token() string {
	given := strings.TrimSpace(r.Form.Get("token"))
	if _, after, ok := strings.Cut(given, "token="); ok {
		return after
	}
	return given
}

func resetPassword(r *Request) (string, error) {
	err := r.Post("/auth/password/reset", openapi.ResetRequest{Token: r.token(), Password: r.Form.Get("password")}, nil)
	if err != nil {
		return "", err
	}
	return "/sign-in?done=password", nil
}

func acceptInvitation(r *Request) (string, error) {
	in := openapi.AcceptRequest{Token: r.token(), Password: r.Form.Get("password")}
	if name := strings.TrimSpace(r.Form.Get("full_name")); name != "" {
		in.FullName = &name
	}
	var tokens openapi.Tokens
	if err := r.Post("/invitations/accept", in, &tokens); err != nil {
		return "", err
	}
	r.Keep(&tokens)
	return "/learn?done=welcome", nil
}

package web

import (
	"outpost/server/api/openapi"
	"outpost/server/training"
)

// profilePages show one's own account.
func profilePages() []Page {
	return []Page{{Path: "/profile", Role: training.Learner, Show: showProfile, Do: changePassword}}
}

func showProfile(r *Request) (View, error) {
	risk := new(openapi.PersonRisk)
	if err := r.Get("/me/risk", risk); err != nil {
		return View{}, err
	}
	return View{Template: "profile", Title: r.T("profile.title"), Data: risk}, nil
}

func changePassword(r *Request) (string, error) {
	in := openapi.PasswordRequest{CurrentPassword: r.Form.Get("current_password"), NewPassword: r.Form.Get("new_password")}
	if err := r.Post("/auth/password", in, nil); err != nil {
		return "", err
	}
	return "/profile?done=newpassword", nil
}

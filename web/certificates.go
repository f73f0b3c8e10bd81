package web

import (
	"net/http"
	"net/url"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// certificatePages show one's own certificates, and whether somebody else's holds.
func certificatePages() []Page {
	return []Page{
		{Path: "/certificates", Role: training.Learner, Show: showCertificates},
		{Path: "/verify", Show: showVerify, Do: verify},
		{Path: "/verify/:code", Show: showVerification},
	}
}

func showCertificates(r *Request) (View, error) {
	list, err := r.certificates()
	return View{Template: "certificates", Title: r.T("certificates.title"), Data: list}, err
}

func (r *Request) certificates() ([]openapi.Certificate, error) {
	return all(r, "/me/certificates?size=100", func(p *openapi.CertificatePage) ([]openapi.Certificate, *string) {
		return p.Items, p.NextAfter
	})
}

// certificate is the one that an enrollment of one's own ended in; nil: none.
func (r *Request) certificate(enrollment int64) (*openapi.Certificate, error) {
	list, err := r.certificates()
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.EnrollmentId == enrollment {
			return &c, nil
		}
	}
	return nil, nil
}

func showVerify(r *Request) (View, error) {
	return View{Template: "verify", Title: r.T("verify.title")}, nil
}

// verify goes to the page of the code, which can be kept and sent on.
func verify(r *Request) (string, error) {
	code := strings.TrimSpace(r.Form.Get("code"))
	// A link to the page will do as well.
	if _, after, ok := strings.Cut(code, "/verify/"); ok {
		code = after
	}
	code = strings.Join(strings.Fields(code), "")
	if code == "" {
		return "", Invalid("code", r.T("verify.empty"))
	}
	return "/verify/" + url.PathEscape(code), nil
}

// verification is what is known of a code.
type verification struct {
	Code  string
	Found *openapi.CertificateVerification // nil: nothing
}

func showVerification(r *Request) (View, error) {
	v := verification{Code: r.Params["code"], Found: new(openapi.CertificateVerification)}
	view := View{Template: "verification", Title: r.T("verify.title")}
	err := r.Get("/certificates/"+r.Param("code"), v.Found)
	if p, ok := asProblem(err); ok && (p.Status == http.StatusNotFound || p.Status == http.StatusUnprocessableEntity || p.Status == http.StatusBadRequest) {
		v.Found, view.Status, err = nil, http.StatusNotFound, nil
	}
	view.Data = v
	return view, err
}

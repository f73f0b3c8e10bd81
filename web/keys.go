package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// keyPages show the API keys of the company.
func keyPages() []Page {
	return []Page{{Path: "/api-keys", Role: training.Admin, Show: showKeys, Do: changeKeys}}
}

type keyList struct {
	openapi.APIKeyPage
	Items  []apiKey
	Scopes []string
	Ticked []string
	Etag   string // of the list: with what was filled in, it says which key is meant
}

// apiKey is one with who made it.
type apiKey struct {
	openapi.APIKey
	Maker *openapi.Person // nil when there is nobody any more
}

func showKeys(r *Request) (View, error) {
	ask := r.asked("page")
	ask.Set("sort", "-created_at")
	data := keyList{Scopes: training.Scopes(), Ticked: r.Form["scopes"]}
	var err error
	if data.Etag, err = r.GetVersion("/api-keys?"+ask.Encode(), &data.APIKeyPage); err != nil {
		return View{}, err
	}
	for _, k := range data.APIKeyPage.Items {
		shown := apiKey{APIKey: k}
		if shown.Maker, err = r.person(k.UserId); err != nil {
			return View{}, err
		}
		data.Items = append(data.Items, shown)
	}
	return View{Template: "keys", Title: r.T("keys.title"), Data: data}, nil
}

func changeKeys(r *Request) (string, error) {
	if r.Form.Get("action") == "revoke" {
		if err := r.Write(http.MethodDelete, "/api-keys/"+url.PathEscape(r.Form.Get("key")), nil, nil); err != nil {
			return "", err
		}
		return r.Path + "?done=key.revoked", nil
	}
	in := openapi.CreateAPIKeyRequest{Name: r.Form.Get("name")}
	for _, s := range r.Form["scopes"] {
		in.Scopes = append(in.Scopes, openapi.Scope(s))
	}
	if len(in.Scopes) == 0 {
		return "", Invalid("scopes", r.T("keys.scopes.missing"))
	}
	if day := r.written("expires_at"); day != nil {
		end := dayEnd(*day)
		in.ExpiresAt = &end
	}
	// The answer is the key itself. A browser that is told to load it again sends the form again, and that
	// must make no second one.
	sum := sha256.Sum256([]byte(r.Form.Encode()))
	var made openapi.CreatedAPIKey
	if err := r.Once("page-"+hex.EncodeToString(sum[:16]), "/api-keys", in, &made); err != nil {
		return "", err
	}
	r.Answer = &View{Template: "key-made", Title: r.T("keys.made"), Data: made, Scripts: []string{"copy.js"}}
	return r.Path, nil
}

package web

import "outpost/server/training"

func frontPages() []Page {
	return []Page{
		{Path: "/", Show: showHome},
		{Path: "/demo", Show: showDemo},
		{Path: "/language", Show: showLanguage, Do: changeLanguage},
	}
}

// showHome leads to where one's work begins, and who is new to a demo, to what there is to see.
func showHome(r *Request) (View, error) {
	switch {
	case r.Is(training.Manager):
		return View{Next: "/dashboard"}, nil
	case r.Viewer != nil:
		return View{Next: "/learn"}, nil
	case r.Site.Demo != nil:
		return View{Next: "/demo"}, nil
	}
	return View{Next: "/sign-in"}, nil
}

// showDemo is the first page of `outpost dev`.
func showDemo(r *Request) (View, error) {
	if r.Site.Demo == nil {
		return View{}, NotFound()
	}
	return View{Template: "demo", Title: r.T("demo.title")}, nil
}

// showLanguage is where the language can be chosen; the foot of each page leads there, too.
func showLanguage(r *Request) (View, error) {
	return View{Template: "language", Title: r.T("language.title")}, nil
}

// changeLanguage remembers the language for the browser and, of somebody who has signed in, for the mail
// they get as well.
func changeLanguage(r *Request) (string, error) {
	locale := r.Form.Get("locale")
	if !supported(locale) {
		return "", Invalid("locale", r.T("language.unknown"))
	}
	r.Speak(locale)
	if r.Viewer != nil {
		if err := r.Write("PATCH", "/me", map[string]string{"locale": locale}, nil); err != nil {
			return "", err
		}
	}
	return or(r.Form.Get("next"), "/"), nil
}

func supported(locale string) bool {
	for _, l := range training.Locales() {
		if l == locale {
			return true
		}
	}
	return false
}

// or is s, or fallback where that is empty.
func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

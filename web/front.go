package web

import "outpost/server/training"

func frontPages() []Page {
	return []Page{
		{Path: "/", Show: showFront},
		{Path: "/language", Show: showLanguage, Do: changeLanguage},
	}
}

// showFront is the first page: of a demo, what there is to see; else where one's work begins.
func showFront(r *Request) (View, error) {
	return View{Template: "front", Title: r.T("front.title")}, nil
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

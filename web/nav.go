package web

import (
	"strings"

	"outpost/server/training"
)

// navItem is an entry of the menu.
type navItem struct {
	Path  string
	Text  string // its name among the texts
	Icon  string
	Here  bool
	Group string // entries of one group stand together
}

// menu is everything that there is, with who may see it.
func menu() []struct {
	navItem
	role training.Role
} {
	type entry = struct {
		navItem
		role training.Role
	}
	return []entry{
		{navItem{Path: "/learn", Text: "nav.learn", Icon: "book", Group: "learn"}, training.Learner},
		{navItem{Path: "/catalogue", Text: "nav.catalogue", Icon: "grid", Group: "learn"}, training.Learner},
		{navItem{Path: "/certificates", Text: "nav.certificates", Icon: "award", Group: "learn"}, training.Learner},
		{navItem{Path: "/dashboard", Text: "nav.dashboard", Icon: "chart", Group: "company"}, training.Manager},
		{navItem{Path: "/people", Text: "nav.people", Icon: "people", Group: "company"}, training.Manager},
		{navItem{Path: "/assignments", Text: "nav.assignments", Icon: "clipboard", Group: "company"}, training.Manager},
		{navItem{Path: "/overdue", Text: "nav.overdue", Icon: "clock", Group: "company"}, training.Manager},
		{navItem{Path: "/phishing", Text: "nav.phishing", Icon: "hook", Group: "company"}, training.Manager},
		{navItem{Path: "/reports", Text: "nav.reports", Icon: "file", Group: "company"}, training.Manager},
		{navItem{Path: "/company", Text: "nav.company", Icon: "building", Group: "settings"}, training.Admin},
		{navItem{Path: "/api-keys", Text: "nav.keys", Icon: "key", Group: "settings"}, training.Admin},
		{navItem{Path: "/audit", Text: "nav.audit", Icon: "list", Group: "settings"}, training.Admin},
		{navItem{Path: "/companies", Text: "nav.companies", Icon: "globe", Group: "platform"}, training.PlatformAdmin},
		{navItem{Path: "/courses", Text: "nav.courses", Icon: "pen", Group: "platform"}, training.PlatformAdmin},
	}
}

// navOf is the menu for who asks.
func navOf(r *Request) []navItem {
	var items []navItem
	for _, e := range menu() {
		if r.Is(e.role) {
			e.Here = r.Path == e.Path || strings.HasPrefix(r.Path, e.Path+"/")
			items = append(items, e.navItem)
		}
	}
	return items
}

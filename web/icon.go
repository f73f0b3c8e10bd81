package web

import (
	"fmt"
	"html/template"
)

// icons are drawn in a square of 24, with lines that take the colour of the text around them.
var icons = map[string]string{
	"logo":      `<path d="M12 2.5 4 6v6c0 4.7 3.3 8 8 9.5 4.7-1.5 8-4.8 8-9.5V6z"/><path d="M12 8v8M8.5 11.5 12 8l3.5 3.5"/>`,
	"menu":      `<path d="M4 7h16M4 12h16M4 17h16"/>`,
	"book":      `<path d="M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3z"/><path d="M5 17a3 3 0 0 1 3-3h11"/>`,
	"grid":      `<path d="M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z"/>`,
	"award":     `<circle cx="12" cy="9" r="5.5"/><path d="m8.5 13.5-1.5 7 5-2.5 5 2.5-1.5-7"/>`,
	"chart":     `<path d="M4 20V10M10 20V4M16 20v-7M21 20H3"/>`,
	"people":    `<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5"/>`,
	"clipboard": `<path d="M8 4h8v3H8zM8 5.5H5V21h14V5.5h-3M8.5 12h7M8.5 16h5"/>`,
	"clock":     `<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>`,
	"hook":      `<path d="M14 3v11a4.5 4.5 0 1 1-9 0l2.5 2M14 3a2 2 0 1 0 .01 0"/>`,
	"file":      `<path d="M6 3h8l5 5v13H6zM14 3v5h5M9 13h7M9 17h7"/>`,
	"building":  `<path d="M4 21V4h10v17M14 9h6v12M2 21h20M8 8h2M8 12h2M8 16h2M17 13h.01M17 17h.01"/>`,
	"key":       `<circle cx="8" cy="15" r="4.5"/><path d="m11.5 11.5 8-8M16 7l3 3M13.5 9.5l2 2"/>`,
	"list":      `<path d="M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01"/>`,
	"globe":     `<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c5 5.5 5 12.500 0 18-5-5.500-5-12.500 0-18"/>`,
	"pen":       `<path d="m4 20 1-5L16.500 3.500l4 4L9 19z"/>`,
	"alert":     `<path d="M12 3.500 22 20.500H2zM12 10v4.500M12 17.500h.01"/>`,
	"check":     `<circle cx="12" cy="12" r="9"/><path d="m8 12.500 2.800 2.800L16.500 9.500"/>`,
	"tick":      `<path d="m5 12.500 4.500 4.500L19 7.500"/>`,
	"cross":     `<path d="M6 6l12 12M18 6 6 18"/>`,
	"info":      `<circle cx="12" cy="12" r="9"/><path d="M12 11v5.500M12 7.500h.01"/>`,
	"mail":      `<path d="M3 5.500h18v13H3zM3 6.500l9 7 9-7"/>`,
	"compass":   `<circle cx="12" cy="12" r="9"/><path d="m15.500 8.500-2 5-5 2 2-5z"/>`,
	"calendar":  `<path d="M4 5.500h16V20H4zM4 10h16M8 3v4M16 3v4"/>`,
	"search":    `<circle cx="11" cy="11" r="6.500"/><path d="m16 16 4.500 4.500"/>`,
	"download":  `<path d="M12 4v11M7.500 11l4.500 4.500L16.500 11M4 20h16"/>`,
	"upload":    `<path d="M12 16V5M7.500 9 12 4.500 16.500 9M4 20h16"/>`,
	"plus":      `<path d="M12 5v14M5 12h14"/>`,
	"lock":      `<path d="M5 11h14v10H5zM8 11V7.500a4 4 0 0 1 8 0V11"/>`,
	"eye":       `<path d="M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z"/><circle cx="12" cy="12" r="3"/>`,
	"play":      `<circle cx="12" cy="12" r="9"/><path d="m10 8.500 5.500 3.500-5.500 3.500z"/>`,
	"quiz":      `<circle cx="12" cy="12" r="9"/><path d="M9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.700.300-1 .800-1 1.700M12 16.500h.01"/>`,
	"user":      `<circle cx="12" cy="8" r="4"/><path d="M4 21a8 8 0 0 1 16 0"/>`,
	"bell":      `<path d="M6 10a6 6 0 0 1 12 0c0 5 2 6.500 2 6.500H4S6 15 6 10M10 20a2 2 0 0 0 4 0"/>`,
	"pulse":     `<path d="M2.500 12h4.500l2.500-7 5 14 2.500-7h4.500"/>`,
	"arrow":     `<path d="M5 12h14M13 6l6 6-6 6"/>`,
}

// icon is a drawing that says nothing to who does not see it: there is a text beside it.
func icon(name string) (template.HTML, error) {
	drawing, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("there is no icon %s", name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + drawing + `</svg>`), nil //nolint:gosec // ours
}

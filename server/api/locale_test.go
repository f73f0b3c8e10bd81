package api

import (
	"fmt"
	"strings"
	"testing"

	"outpost/server/training"
)

func TestWishesAreRememberedWhateverOthersSend(t *testing.T) {
	var l locales
	knows := func(w training.LocaleWishes) bool {
		known := l.known.Load()
		if known == nil {
			return false
		}
		if len(*known) > maxWishes {
			t.Fatalf("%d are remembered", len(*known))
		}
		_, ok := (*known)[w]
		return ok
	}
	for i := range 3*maxWishes + 1 {
		l.choose(training.LocaleWishes{AcceptLanguage: fmt.Sprintf("de;q=0.%d", i)})
	}
	browser := training.LocaleWishes{AcceptLanguage: "de-AT,de;q=0.9,en;q=0.8"}
	if got := l.choose(browser); got != "de" || !knows(browser) {
		t.Errorf("%q, remembered: %v", got, knows(browser))
	}
	requested, long := browser, training.LocaleWishes{AcceptLanguage: strings.Repeat("x", maxWish) + ", de"}
	requested.Requested = "en"
	if got := l.choose(requested); got != "en" || knows(requested) {
		t.Errorf("by the query: %q, remembered: %v", got, knows(requested))
	}
	if l.choose(long); knows(long) {
		t.Error("a long one is remembered")
	}
}

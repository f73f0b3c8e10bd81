package api

import (
	"maps"
	"strings"
	"sync/atomic"

	"github.com/gofiber/fiber/v2"

	"outpost/server/training"
)

const maxLocale = 35

// locale is the language of the answer.
func (k *call) locale() (string, error) {
	requested := k.c.Query("locale")
	if len(requested) > maxLocale {
		return "", training.InvalidField("locale", "must be at most %d characters long", maxLocale)
	}
	return k.api.locales.choose(training.LocaleWishes{
		Requested: requested, User: k.principal.Locale, AcceptLanguage: k.c.Get(fiber.HeaderAcceptLanguage), Company: k.principal.CompanyLocale,
	}), nil
}

// locales remembers what wishes came to. To read a browser's Accept-Language takes long, and there
// are few different ones: what is known is read without a lock, from a
// map that is never changed but replaced.
type locales struct {
	known atomic.Pointer[map[training.LocaleWishes]string]
}

// How much is remembered: whoever sends ever new wishes has them read each time.
const (
	maxWishes = 512
	maxWish   = 128 // bytes of an Accept-Language
)

func (l *locales) choose(w training.LocaleWishes) string {
	known := l.known.Load()
	if known != nil {
		if locale, ok := (*known)[w]; ok {
			return locale
		}
	}
	chosen := training.ChooseLocale(w)
	if len(w.AcceptLanguage) > maxWish || known != nil && len(*known) >= maxWishes {
		return chosen
	}
	more := make(map[training.LocaleWishes]string)
	if known != nil {
		maps.Copy(more, *known)
	}
	w.Requested, w.AcceptLanguage = strings.Clone(w.Requested), strings.Clone(w.AcceptLanguage) // Fiber's
	more[w] = chosen
	l.known.CompareAndSwap(known, &more) // another who was faster has something to remember, too
	return chosen
}

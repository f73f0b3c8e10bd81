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

// locales remembers what wishes came to, but for those that name one in the query, which decide without
// it. To read a browser's Accept-Language takes long, and there are few different ones: what is known is read
// without a lock, from a map that is never changed but replaced.
type locales struct {
	known atomic.Pointer[map[training.LocaleWishes]string]
}

// How much is remembered. When it is full it begins anew, so that whoever sends ever new wishes keeps
// those of others out for no longer than it takes to read them once more.
const (
	maxWishes = 512
	maxWish   = 128 // bytes of an Accept-Language
)

func (l *locales) choose(w training.LocaleWishes) string {
	if w.Requested != "" {
		return training.ChooseLocale(w)
	}
	known := l.known.Load()
	if known != nil {
		if locale, ok := (*known)[w]; ok {
			return locale
		}
	}
	chosen := training.ChooseLocale(w)
	if len(w.AcceptLanguage) > maxWish {
		return chosen
	}
	more := make(map[training.LocaleWishes]string)
	if known != nil && len(*known) < maxWishes {
		maps.Copy(more, *known)
	}
	w.AcceptLanguage = strings.Clone(w.AcceptLanguage) // Fiber's
	more[w] = chosen
	l.known.CompareAndSwap(known, &more) // another who was faster has something to remember, too
	return chosen
}

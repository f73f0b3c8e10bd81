package seed

import "strings"

// place is a country as its companies are: where in it, in which legal form, and who works there.
type place struct {
	country, zone string
	companies     int      // of about two hundred
	languages     []string // of people's names, as often as each stands there
	clocks        []string // IANA time zones, as often as each stands there
	forms         []string // legal forms
	style         string   // of companies' names
}

// locale is the language in which a company of the place uses the product.
func (p *place) locale() string {
	switch p.country {
	case "DE", "AT", "CH":
		return "de"
	}
	return "en"
}

// inEurope tells whether the law there is the European Union's, or much like it.
func (p *place) inEurope() bool {
	switch p.country {
	case "CH", "GB", "NO":
		return true
	}
	return p.zone == "eu"
}

func places() []*place {
	list := []*place{}
	in := func(zone, country string, companies int, languages, clocks, forms, style string) {
		list = append(list, &place{country, zone, companies, strings.Fields(languages), strings.Fields(clocks), parts(forms), style})
	}
	const eu, us, apac, global = "eu", "us", "apac", "global"
	in(eu, "DE", 40, "de de de de de de tr pl", "Europe/Berlin", "GmbH GmbH GmbH AG SE KG GmbH_&_Co._KG", "de")
	in(eu, "AT", 10, "de de de de hu", "Europe/Vienna", "GmbH GmbH AG KG", "de")
	in(global, "CH", 10, "de de de fr it", "Europe/Zurich", "AG AG GmbH SA", "de")
	in(eu, "FR", 16, "fr fr fr fr ar", "Europe/Paris", "SAS SAS SA SARL", "fr")
	in(eu, "BE", 4, "nl nl fr", "Europe/Brussels", "NV BV SA", "nl")
	in(eu, "NL", 10, "nl", "Europe/Amsterdam", "B.V. B.V. N.V.", "nl")
	in(eu, "IT", 10, "it", "Europe/Rome", "S.p.A. S.r.l. S.r.l.", "it")
	in(eu, "ES", 10, "es", "Europe/Madrid Europe/Madrid Europe/Madrid Europe/Madrid Atlantic/Canary", "S.A. S.L. S.L.", "es")
	in(eu, "PT", 4, "pt", "Europe/Lisbon", "S.A. Lda.", "pt")
	in(eu, "SE", 6, "sv sv sv sv fi", "Europe/Stockholm", "AB", "sv")
	in(eu, "DK", 4, "sv", "Europe/Copenhagen", "A/S ApS", "sv")
	in(global, "NO", 3, "sv", "Europe/Oslo", "AS ASA", "sv")
	in(eu, "FI", 3, "fi fi fi sv", "Europe/Helsinki", "Oy Oyj", "fi")
	in(eu, "PL", 8, "pl pl pl pl uk", "Europe/Warsaw", "sp._z_o.o. sp._z_o.o. S.A.", "pl")
	in(eu, "CZ", 4, "cs", "Europe/Prague", "s.r.o. a.s.", "pl")
	in(eu, "HU", 2, "hu", "Europe/Budapest", "Kft. Zrt.", "hu")
	in(eu, "GR", 2, "el", "Europe/Athens", "A.E. E.P.E.", "el")
	in(eu, "IE", 3, "en", "Europe/Dublin", "Ltd DAC plc", "en")
	in(global, "GB", 14, "en en en hi", "Europe/London", "Ltd Ltd plc", "en")
	in(global, "UA", 2, "uk", "Europe/Kyiv", "LLC", "pl")
	in(global, "TR", 2, "tr", "Europe/Istanbul", "A.Ş. Ltd._Şti.", "tr")
	in(global, "AE", 2, "ar ar hi", "Asia/Dubai", "LLC FZCO", "ar")
	in(global, "ZA", 2, "af af en", "Africa/Johannesburg", "(Pty)_Ltd", "en")
	in(global, "KE", 1, "af", "Africa/Nairobi", "Ltd", "en")
	in(us, "US", 24, "en en en en es", "America/New_York America/New_York America/New_York America/New_York America/Chicago "+
		"America/Chicago America/Chicago America/Denver America/Phoenix America/Los_Angeles America/Los_Angeles", "Inc. Inc. LLC Corp.", "en")
	in(global, "CA", 4, "en en fr", "America/Toronto America/Toronto America/Vancouver America/Halifax", "Inc. Ltd.", "en")
	in(global, "BR", 4, "pt", "America/Sao_Paulo America/Sao_Paulo America/Sao_Paulo America/Manaus America/Recife", "S.A. Ltda.", "pt")
	in(global, "MX", 2, "es", "America/Mexico_City America/Mexico_City America/Tijuana", "S.A._de_C.V.", "es")
	in(apac, "AU", 6, "en en en vi zh", "Australia/Sydney Australia/Sydney Australia/Melbourne Australia/Brisbane Australia/Adelaide "+
		"Australia/Perth", "Pty_Ltd Pty_Ltd Ltd", "en")
	in(apac, "JP", 4, "ja", "Asia/Tokyo", "K.K. G.K.", "ja")
	in(apac, "SG", 2, "zh zh hi en", "Asia/Singapore", "Pte._Ltd.", "en")
	in(apac, "IN", 6, "hi", "Asia/Kolkata", "Pvt._Ltd. Ltd LLP", "hi")
	in(apac, "VN", 2, "vi", "Asia/Ho_Chi_Minh", "JSC Co.,_Ltd.", "vi")
	return list
}

package seed

import (
	"math/rand/v2"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// brand is a company as it is called, and where it is.
type brand struct {
	name, slug, country, privacy string
	locale, zone, clock          string // if other than the place's
}

// known are the companies that every size has. The last is tiny, so that groups too small to be shown
// exist.
func known() []brand {
	return []brand{
		{"Outpost", "outpost", "DE", "individual", "en", "global", ""},
		{"Nordwind Logistik GmbH", "nordwind-logistik", "DE", "individual", "", "global", ""},
		{"Alpenblick Versicherung AG", "alpenblick-versicherung", "AT", "aggregate", "", "global", ""},
		{"Harbour & Pine Ltd", "harbour-and-pine", "GB", "pseudonymous", "", "global", ""},
		{"Cascade Health Inc.", "cascade-health", "US", "individual", "", "", "America/Los_Angeles"},
		{"Südkreuz Maschinenbau SE", "suedkreuz-maschinenbau", "DE", "aggregate", "", "", ""},
		{"Lakeside Retail Group", "lakeside-retail", "US", "pseudonymous", "", "global", "America/Chicago"},
		{"Edelweiß Privatbank AG", "edelweiss-privatbank", "CH", "aggregate", "", "global", ""},
		{"Wattle Energy Pty Ltd", "wattle-energy", "AU", "individual", "", "", "Australia/Sydney"},
		{"Kanzlei Brandt & Kolleginnen", "kanzlei-brandt", "DE", "aggregate", "", "global", ""},
	}
}

// style is how companies are called: made of a beginning and an end that no company has put together,
// as far as we know, and of what it does.
type style struct {
	begin, end, trades []string
	tradeFirst         bool
}

func (s style) name(rng *rand.Rand) string {
	name, trade := choose(rng, s.begin)+choose(rng, s.end), choose(rng, s.trades)
	if s.tradeFirst {
		return trade + " " + name
	}
	return name + " " + trade
}

func styles() map[string]style {
	english := parts(`Foods Consulting Instruments Media Mobility Textiles Software Insurance Steel Analytics Packaging Freight Robotics
		Optics Diagnostics Hotels Publishing Ceramics Timber Marine`)
	return map[string]style{
		"de": {
			begin: parts(`Kiefern Eichen Birken Silber Nebel Falken Hirsch Mond Heide Moor Granit Buchen Reiher Ginster Quarz Dachs`),
			end:   parts(`grund tal brück hain au horst kamp quell wald stieg furt ried klamm`),
			trades: parts(`Werkzeugbau Logistik Pharma Textil Software Feinmechanik Energie Verlag Lebensmittel Optik Verpackungen Medizintechnik
				Bauelemente Versicherung Beratung Anlagenbau Kunststoffe Elektronik Papier Messtechnik`),
		},
		"en": {
			begin:  parts(`Ash Copper Raven Heron Thistle Bramble Fern Slate Otter Juniper Flint Lark Sedge Tamarack Willow Quill`),
			end:    parts(`bridge ridge gate well mere holt wick combe stead fall cross`),
			trades: english,
		},
		"fr": {
			begin: parts(`Clair Mont Bel Val Roche Font Aigue Sauve Gris Chante Noir`), end: parts(`mirande rivette lorieux combelle sonnay bruyère
				vernet gentil oisel pommeraie`),
			trades:     parts(`Ateliers Logistique Assurances Laboratoires Éditions Transports Optique Textiles Conseil Énergies Boissons Papeteries`),
			tradeFirst: true,
		},
		"it": {
			begin: parts(`Val Monte Fonte Rocca Campo Pietra Serra Torre`), end: parts(`dorina chiaretta verdana brunella vento lunara fiorenza mirta`),
			trades:     parts(`Officine Tessuti Logistica Ceramiche Farmaceutici Assicurazioni Alimentari Meccanica Editrice Vetrerie`),
			tradeFirst: true,
		},
		"es": {
			begin: parts(`Peña Valde Monte Fuente Riba Alta Villa Roble`), end: parts(`lunilla moral clareda rubiera secana vientos olmar nogal`),
			trades:     parts(`Talleres Logística Conservas Seguros Textiles Laboratorios Consultores Energías Cerámicas Editorial`),
			tradeFirst: true,
		},
		"pt": {
			begin: parts(`Serra Ribeira Monte Casal Vila Fonte`), end: parts(`lva marinho verdeal solinda loureiro pinhal`),
			trades:     parts(`Indústrias Logística Cerâmicas Conservas Seguros Têxteis Farmacêutica Consultoria`),
			tradeFirst: true,
		},
		"nl": {
			begin: parts(`Water Duin Berken Zilver Meeuw Heide Riet Klaver`), end: parts(`linde kamp veen dijk hof burgh waard horst`),
			trades: parts(`Logistiek Verzekeringen Zuivel Techniek Software Bouw Verpakkingen Advies Optiek Uitgevers`),
		},
		"sv": {
			begin: parts(`Björk Fjäll Silver Gran Vinter Havs Älv Lärk Tall`), end: parts(`vika dalen borg sunda holma lida åsen näset`),
			trades: parts(`Logistik Energi Teknik Försäkring Möbler Livs Medicin Papper Mekanik Rederi`),
		},
		"fi": {
			begin: parts(`Koivu Lumi Kuusi Hopea Tuuli Hauki`), end: parts(`ranta mäki lahti niemi saari kallio`),
			trades: parts(`Logistiikka Energia Tekniikka Vakuutus Puu Elintarvike`),
		},
		"pl": {
			begin: parts(`Brzo Lipo Dębo Jasno Kalino Orlo Sosno Wierzbo`), end: parts(`wita polna gródek borza stoka łąka`),
			trades: parts(`Logistyka Energia Tekstyl Pharma Software Meble Mechanika Transport`),
		},
		"hu": {
			begin: parts(`Nyír Tölgy Szél Hold Fény`), end: parts(`hát várad hegyes liget kerti`),
			trades: parts(`Logisztika Energia Textil Gépgyár Szoftver Élelmiszer`),
		},
		"el": {
			begin: parts(`Helio Anemo Kymo Litho Dendro Chryso Argyro`), end: parts(`topos dromos thea kinesis fos`),
			trades: parts(`Shipping Foods Textiles Pharma Energy Software`),
		},
		"tr": {
			begin: parts(`Akça Kara Gök Yel Taşlı Gümüş`), end: parts(`pınar ova tepe kayalı dere`),
			trades: parts(`Lojistik Tekstil Gıda Makina Sigorta Yazılım`),
		},
		"ar": {
			begin: parts(`Al_Bahr Al_Qamar Al_Rimal Al_Nakheel Al_Sahab Al_Lulu`), end: parts(`_Gate _Crescent _Harbour _Star _Bay`),
			trades: parts(`Trading Logistics Contracting Software Hotels`),
		},
		"ja": {
			begin: parts(`Aka Kuro Shira Mido Haru Yuki Hoshi Tsuki`), end: parts(`mine hara zuka nami kaze gawa`),
			trades: parts(`Seiki Shoji Denki Kagaku Butsuryu Shokuhin`),
		},
		"hi": {
			begin: parts(`Surya Chandra Vana Megha Neel Swarna Hima Sagar`), end: parts(`giri vati deep tara lok kosh`),
			trades: english,
		},
		"vi": {
			begin: parts(`Lá Suối Đồi Trăng Mây`), end: parts(`_Biếc _Vàng _Sớm _Xa`), trades: english[:12],
		},
	}
}

// invent gives a company of a place a name whose slug nobody has yet.
func (w *world) invent(rng *rand.Rand, p *place) brand {
	b := brand{country: p.country, privacy: choose(rng, []string{"aggregate", "aggregate", "aggregate", "pseudonymous", "individual"})}
	for b.slug == "" || w.slugs[b.slug] {
		b.name = w.styles[p.style].name(rng)
		b.slug = slugOf(b.name)
	}
	b.name += " " + choose(rng, p.forms)
	return b
}

// slugOf gives a name in a-z, 0-9 and hyphens.
func slugOf(name string) string {
	spelled := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "ø", "oe", "æ", "ae", "å", "aa", "ł", "l", "ı", "i", "đ", "d").
		Replace(strings.ToLower(name))
	var b strings.Builder
	for _, r := range norm.NFD.String(spelled) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == ' ' || r == '-':
			b.WriteByte('-')
		case !unicode.Is(unicode.Mn, r):
			return "" // a letter that has no place in an address: another name
		}
	}
	return b.String()
}

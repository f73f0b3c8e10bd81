package seed

import (
	"math/rand/v2"
	"strings"
)

// department is where somebody works, and how exposed that is.
type department struct {
	en, de, risk string
	share        int // of a hundred people
}

func departments() []department {
	return []department{
		{"Finance", "Finanzen", "high", 10},
		{"Human Resources", "Personal", "high", 6},
		{"IT", "IT", "high", 9},
		{"Sales", "Vertrieb", "medium", 20},
		{"Customer Service", "Kundenservice", "medium", 17},
		{"Marketing", "Marketing", "medium", 8},
		{"Operations", "Betrieb", "low", 18},
		{"Logistics", "Logistik", "low", 12},
	}
}

func (d department) name(locale string) string {
	if locale == "de" {
		return d.de
	}
	return d.en
}

// names are the parts that people's names are made of.
type names struct{ first, last []string }

func newNames() map[string]names {
	return map[string]names{
		"de": {
			first: []string{
				"Anna", "Lukas", "Jürgen", "Zoë", "Mehmet", "Katharina", "Jonas", "Ayşe", "Sören", "Emilia",
				"Björn", "Franziska", "Günther", "Leonie", "Piotr", "Hannah", "Matthias", "Žana", "Felix", "Renate",
				"Thomas", "Ömer", "Clara", "Stefan", "Nina", "Käthe", "Paul", "Miriam", "Tobias", "Yusuf",
			},
			last: []string{
				"Müller", "Schmidt", "Großmann", "Yılmaz", "Weber", "Schäfer", "Wagner", "Köhler", "Hoffmann", "Kowalski",
				"Strauß", "Bauer", "Özdemir", "Lehmann", "Krüger", "Hartmann", "Nowak", "Jäger", "Vogel", "Böhm",
				"Weiß", "Dreßler", "Petrović", "Lange", "Fuchs", "Brandt", "Kühn", "Sauer", "Arndt", "von der Heyde",
			},
		},
		"en": {
			first: []string{
				"Olivia", "James", "Aisha", "Liam", "Chloe", "Mateo", "Grace", "Noah", "Priya", "Ethan",
				"Siobhán", "Daniel", "Mei", "Oscar", "Fatima", "Henry", "Zoe", "Kwame", "Amelia", "Lucas",
				"Hana", "William", "Ingrid", "Samuel", "Renée", "Jack", "Nia", "Thomas", "Leila", "Owen",
			},
			last: []string{
				"Smith", "O'Connor", "Patel", "Williams", "Nguyen", "Taylor", "García", "Brown", "Okafor", "Wilson",
				"Kim", "Evans", "MacLeod", "Johnson", "Singh", "Walker", "Åkesson", "Roberts", "Chen", "Murphy",
				"Clarke", "Silva", "Cooper", "Haddad", "Bennett", "Novak", "Hughes", "Fraser", "Martin", "Lindqvist",
			},
		},
	}
}

func (n names) pick(rng *rand.Rand) string {
	return n.first[rng.IntN(len(n.first))] + " " + n.last[rng.IntN(len(n.last))]
}

// brand is a company as it is called, and where it is.
type brand struct{ name, slug, country, locale, privacy string }

// brands gives n companies: the operator of the platform, those written by hand, and made-up
// ones after them. The last is tiny, so that groups too small to be shown exist.
func brands(n int) []brand {
	list := []brand{
		{"Outpost", "outpost", "DE", "en", "individual"},
		{"Nordwind Logistik GmbH", "nordwind-logistik", "DE", "de", "individual"},
		{"Alpenblick Versicherung AG", "alpenblick-versicherung", "AT", "de", "aggregate"},
		{"Harbour & Pine Ltd", "harbour-and-pine", "GB", "en", "pseudonymous"},
		{"Cascade Health Inc.", "cascade-health", "US", "en", "individual"},
		{"Südkreuz Maschinenbau SE", "suedkreuz-maschinenbau", "DE", "de", "aggregate"},
		{"Lakeside Retail Group", "lakeside-retail", "US", "en", "pseudonymous"},
		{"Edelweiß Privatbank AG", "edelweiss-privatbank", "CH", "de", "aggregate"},
		{"Wattle Energy Pty Ltd", "wattle-energy", "AU", "en", "individual"},
	}
	tiny := brand{"Kanzlei Brandt & Kolleginnen", "kanzlei-brandt", "DE", "de", "aggregate"}
	words := []string{
		"Aurora", "Basalt", "Cobalt", "Delta", "Falken", "Granit", "Helix", "Isar", "Juniper", "Kompass",
		"Linden", "Meridian", "Nova", "Orion", "Polar", "Quarz", "Rubin", "Sequoia", "Tundra", "Vega",
	}
	trades := []string{"Energy", "Foods", "Consulting", "Pharma", "Media", "Mobility", "Textiles", "Software", "Insurance", "Steel"}
	for i := 0; len(list) < n-1; i++ {
		word, trade := words[i%len(words)], trades[(i/len(words)+i)%len(trades)]
		b := brand{word + " " + trade, strings.ToLower(word + "-" + trade), "US", "en", "aggregate"}
		switch i % 3 {
		case 0:
			b.name, b.country, b.locale = b.name+" GmbH", "DE", "de"
		case 1:
			b.name, b.country, b.privacy = b.name+" plc", "GB", "pseudonymous"
		default:
			b.name, b.privacy = b.name+" Inc.", "individual"
		}
		list = append(list, b)
	}
	return append(list, tiny)
}

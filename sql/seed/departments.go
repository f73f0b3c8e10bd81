package seed

import "math/rand/v2"

// department is where somebody works, and how exposed that is.
type department struct {
	en, de, risk string
	share        int // of about a hundred people
}

// largeCompany is from how many people on a company has departments that smaller ones do without.
const largeCompany = 200

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

// more are the departments that large companies have besides.
func more() []department {
	return []department{
		{"Legal", "Recht", "high", 3},
		{"Procurement", "Einkauf", "high", 5},
		{"R&D", "Forschung und Entwicklung", "medium", 11},
		{"Quality", "Qualität", "low", 5},
		{"Production", "Fertigung", "low", 21},
		{"Facilities", "Gebäude", "low", 4},
	}
}

func (d department) name(locale string) string {
	if locale == "de" {
		return d.de
	}
	return d.en
}

// pickDepartment gives the place of a department in a list.
func pickDepartment(rng *rand.Rand, list []department) int {
	sum := 0
	for _, d := range list {
		sum += d.share
	}
	n := rng.IntN(sum)
	for i, d := range list {
		if n -= d.share; n < 0 {
			return i
		}
	}
	return 0
}

// jobRisk is a person's exposure: mostly the department's.
func (d department) jobRisk(rng *rand.Rand) string {
	if chance(rng, 15) {
		return choose(rng, []string{"low", "medium", "high"})
	}
	return d.risk
}

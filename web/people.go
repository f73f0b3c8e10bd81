package web

// peoplePages show a company's people.
func peoplePages() []Page {
	return nil
}

package web

// assignmentPages show who has to learn what, by when.
func assignmentPages() []Page {
	return nil
}

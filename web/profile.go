package web

// profilePages show one's own account.
func profilePages() []Page {
	return nil
}

package web

// certificatePages show one's own certificates, and whether somebody else's holds.
func certificatePages() []Page {
	return nil
}

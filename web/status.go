package web

// statusPages show the regions.
func statusPages() []Page {
	return nil
}

package web

// companyPages show the companies of the platform, and one's own.
func companyPages() []Page {
	return nil
}

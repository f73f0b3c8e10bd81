package web

// phishingPages show simulations of phishing.
func phishingPages() []Page {
	return nil
}

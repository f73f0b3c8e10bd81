package web

// reportPages show reports and their schedules.
func reportPages() []Page {
	return nil
}

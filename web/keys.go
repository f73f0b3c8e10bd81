package web

// keyPages show API keys.
func keyPages() []Page {
	return nil
}

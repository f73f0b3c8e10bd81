package web

// auditPages show who changed what.
func auditPages() []Page {
	return nil
}

package web

import "slices"

// Pages are all there are. Each subject lists its own; each has templates/ and texts of its name.
func Pages() []Page {
	return slices.Concat(
		frontPages(),
		accountPages(),
		learnPages(),
		certificatePages(),
		profilePages(),
		dashboardPages(),
		peoplePages(),
		assignmentPages(),
		overduePages(),
		phishingPages(),
		reportPages(),
		keyPages(),
		auditPages(),
		companyPages(),
		coursePages(),
		statusPages(),
	)
}

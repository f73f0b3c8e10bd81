package report

// english are the texts of reports in English.
func english() map[string]string {
	return map[string]string{
		"title compliance": "Compliance report: %s",
		"title training":   "Training report",
		"title risk":       "Risk report",

		"company": "Company", "person": "Person", "framework": "Framework", "evaluated at": "Evaluated at", "report": "Report no.",
		"privacy": "Privacy mode", "page": "Page %s of %s", "hash": "Content hash (SHA-256)",
		"scope": "Scope", "method": "Method", "figures": "Figures", "check": "Checking this report",
		"privacy short aggregate": "groups only", "privacy short pseudonymous": "people without names", "privacy short individual": "people by name",

		"covers company":       "All active people of %s: %s.",
		"covers own":           "This report is about %s at %s and nobody else.",
		"privacy aggregate":    "Privacy mode “groups only”: no figure of any one person is shown, and no name.",
		"privacy pseudonymous": "Privacy mode “people without names”: no name, address or department of any one person is shown.",
		"privacy individual":   "Privacy mode “people by name”: people are listed with their names.",
		"five":                 "A figure that one to four people make up is withheld, and departments that are too small are put together with others. What is withheld is marked as such; it is not 0.",

		"evaluated":               "Everything is evaluated for one instant: %s. Days are days of UTC.",
		"method obligation":       "An obligation is one active person and one requirement, from when a course that satisfies the requirement was due or was completed. Who has not been due yet has no obligation.",
		"method satisfied":        "It is satisfied while the person holds a passed completion of such a course: from its completion until it expires. A completion expires at the earlier of the course's validity and the requirement's interval.",
		"method rate":             "Compliance rate = satisfied obligations / all obligations. Where there is no obligation there is no rate: it is not 100 %.",
		"method on time":          "On-time rate = courses that were completed by their due date / courses that were due.",
		"method compliant":        "Fully compliant are people with an obligation who satisfy all of theirs.",
		"method learning":         "A participation is one active person and one course that was assigned to or taken up by them. It is overdue when a due date has passed, else completed while a passed completion has not expired, else open, else expired.",
		"method learning rate":    "Completion rate = completed participations / all participations.",
		"method risk":             "Risk score = 100 × (0.35·P + 0.20·R + 0.20·T + 0.15·K + 0.10·E), from 0 to 100; higher is worse. A component without data drops out, and the weights of the others are scaled up.",
		"method simulations":      "P, phishing: (4·0.2 + Σ w·s) / (4 + Σ w) over simulations; s is 0.6 for a click and 1 for a submission, w halves every 90 days. R, reporting: 1 − (4·0.3 + reported) / (4 + simulations).",
		"method other components": "T, timeliness: mean of min(1, days overdue / 30) over dated courses. K, knowledge: 1 − result of the last quiz. E, exposure of the job: low 0.2, medium 0.5, high 0.8.",
		"method bands":            "Bands: low below 25, moderate from 25, high from 50, critical from 75.",
		"method group risk":       "A group's score is the mean of its people's. P90 is the score that nine of ten do not exceed. Click rate, submission rate and reporting rate are shares of all simulations that reached somebody.",

		"table requirements": "Requirements", "table departments": "Departments", "table people": "People", "table courses": "Courses",
		"table completions": "Completions", "table components": "Components of the score", "table simulations": "Simulations",
		"chart requirements": "Compliance rate by requirement", "chart courses": "Completion rate by course",
		"chart departments": "Mean risk score by department; the mark is P90", "chart components": "Components of the score (1 is worst)",
		"chart first": "Only the first ones are drawn.",

		"column code": "Requirement", "column text": "What it asks for", "column courses": "Satisfied by any of", "column obligations": "Obligations",
		"column satisfied": "Satisfied", "column rate": "Compliance rate", "column on_time_rate": "On-time rate", "column people": "People",
		"column compliant": "Fully compliant", "column department": "Department", "column name": "Name", "column email": "E-mail",
		"column person": "Person", "column pseudonym": "Pseudonym", "column state": "State", "column due_on": "Due", "column completed": "Completed",
		"column expires_on": "Expires", "column completed_on": "Completed", "column course": "Course", "column no": "No.", "column participations": "Participations",
		"column open": "Open", "column overdue": "Overdue", "column expired": "Expired", "column completion_rate": "Completion rate",
		"column people_overdue": "People with overdue courses", "column courses_completed": "Completed", "column courses_open": "Open",
		"column courses_overdue": "Overdue", "column courses_expired": "Expired", "column scored": "People", "column score": "Risk score",
		"column p90": "P90", "column band": "Band", "column simulations": "Simulations", "column click_rate": "Click rate",
		"column submit_rate": "Submission rate", "column report_rate": "Reporting rate", "column component": "Component", "column meaning": "What it measures",
		"column weight": "Weight", "column mean": "Mean", "column value": "Value", "column phishing": "Phishing", "column reporting": "Reporting",
		"column timeliness": "Timeliness", "column knowledge": "Knowledge", "column exposure": "Exposure", "column sent": "Sent",
		"column behaviour": "What happened", "column reported": "Reported",

		"meaning phishing": "Simulated attacks that succeeded", "meaning reporting": "Simulated attacks that were not reported",
		"meaning timeliness": "Overdue courses", "meaning knowledge": "Wrong answers in the last quiz", "meaning exposure": "How exposed the job is",

		"word satisfied": "met", "word open": "open", "word not_due": "not due", "word valid": "valid", "word expired": "expired",
		"word overdue": "overdue", "word completed": "completed", "word low": "low", "word moderate": "moderate", "word high": "high",
		"word critical": "critical", "word resisted": "not deceived", "word clicked": "clicked", "word submitted": "data submitted",
		"word yes": "yes", "word no": "no",

		"withheld": "withheld", "withheld figure": "withheld: fewer than five people", "none": "none", "none obligations": "no obligations", "empty": "There is nothing to list.",
		"withheld note":        "withheld: made up by fewer than five people, or could be used to work out such a figure.",
		"departments withheld": "Not shown: no department could be shown apart, because fewer than five people make it up.",
		"departments note":     "Departments of fewer than five people are not shown apart; they are put together in the last row.",
		"no department":        "(no department)", "other departments": "Other departments together",
		"people note":      "met: satisfied at the time of evaluation; open: due or once done, and not satisfied; not due: no obligation yet.",
		"course numbers":   "Courses are named by their numbers in the table of courses.",
		"pseudonyms note":  "Scores are rounded to whole numbers. Pseudonyms stay the same from report to report.",
		"person n":         "Person %d",
		"unprintable note": "A name that cannot be printed with this document's fonts is replaced by the e-mail address.",
		"check pdf":        "The file content.json is attached to this document and says the same. The SHA-256 of that file is the content hash: for example, pdfdetach -saveall report.pdf; sha256sum content.json",
		"check html":       "The file content.json, which can be saved here, says the same. The SHA-256 of that file is the content hash: for example, sha256sum content.json",
		"save content":     "Save content.json",
	}
}

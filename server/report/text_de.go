package report

// german are the texts of reports in German.
func german() map[string]string {
	return map[string]string{
		"title compliance": "Compliance-Bericht: %s",
		"title training":   "Schulungsbericht",
		"title risk":       "Risikobericht",

		"company": "Unternehmen", "person": "Person", "framework": "Regelwerk", "evaluated at": "Stand", "report": "Bericht Nr.",
		"privacy": "Datenschutzstufe", "page": "Seite %s von %s", "hash": "Prüfsumme des Inhalts (SHA-256)",
		"scope": "Umfang", "method": "Methode", "figures": "Kennzahlen", "check": "Diesen Bericht prüfen",
		"privacy short aggregate": "nur Gruppen", "privacy short pseudonymous": "Personen ohne Namen", "privacy short individual": "Personen mit Namen",

		"covers company":       "Alle aktiven Personen von %s: %s.",
		"covers own":           "Dieser Bericht betrifft %s bei %s und sonst niemanden.",
		"privacy aggregate":    "Datenschutzstufe „nur Gruppen“: Keine Kennzahl einer einzelnen Person wird gezeigt, und kein Name.",
		"privacy pseudonymous": "Datenschutzstufe „Personen ohne Namen“: Von einzelnen Personen werden weder Name noch Adresse noch Abteilung gezeigt.",
		"privacy individual":   "Datenschutzstufe „Personen mit Namen“: Personen werden mit ihren Namen aufgeführt.",
		"five":                 "Eine Kennzahl, die auf ein bis vier Personen beruht, wird nicht gezeigt, und zu kleine Abteilungen werden mit anderen zusammengefasst. Nicht Gezeigtes ist als solches bezeichnet; es ist nicht 0.",

		"evaluated":               "Alles gilt für einen Zeitpunkt: %s. Tage sind Tage nach UTC.",
		"method obligation":       "Eine Verpflichtung ist eine aktive Person und eine Anforderung, sobald ein Kurs, der die Anforderung erfüllt, fällig war oder abgeschlossen wurde. Wer noch keinen Termin erreicht hat, hat keine Verpflichtung.",
		"method satisfied":        "Sie ist erfüllt, solange die Person einen bestandenen Abschluss eines solchen Kurses hat: vom Abschluss bis zu seinem Ablauf. Ein Abschluss läuft mit der Gültigkeit des Kurses oder dem Intervall der Anforderung ab, je nachdem, was früher ist.",
		"method rate":             "Erfüllungsquote = erfüllte Verpflichtungen / alle Verpflichtungen. Wo es keine Verpflichtung gibt, gibt es keine Quote: Sie ist nicht 100 %.",
		"method on time":          "Termintreue = bis zum Termin abgeschlossene Kurse / fällig gewordene Kurse.",
		"method compliant":        "Vollständig erfüllt haben Personen mit Verpflichtungen, die alle ihre Verpflichtungen erfüllen.",
		"method learning":         "Eine Teilnahme ist eine aktive Person und ein Kurs, der ihr zugewiesen oder von ihr begonnen wurde. Sie ist überfällig, wenn ein Termin verstrichen ist, sonst abgeschlossen, solange ein bestandener Abschluss nicht abgelaufen ist, sonst offen, sonst abgelaufen.",
		"method learning rate":    "Abschlussquote = abgeschlossene Teilnahmen / alle Teilnahmen.",
		"method risk":             "Risikowert = 100 × (0,35·P + 0,20·R + 0,20·T + 0,15·K + 0,10·E), von 0 bis 100; höher ist schlechter. Ein Bestandteil ohne Daten entfällt, die Gewichte der anderen werden entsprechend erhöht.",
		"method simulations":      "P, Phishing: (4·0,2 + Σ w·s) / (4 + Σ w) über die Simulationen; s ist 0,6 für einen Klick und 1 für eine Dateneingabe, w halbiert sich alle 90 Tage. R, Melden: 1 − (4·0,3 + gemeldet) / (4 + Simulationen).",
		"method other components": "T, Termintreue: Mittel von min(1, Tage überfällig / 30) über Kurse mit Termin. K, Wissen: 1 − Ergebnis des letzten Tests. E, Exposition der Tätigkeit: niedrig 0,2, mittel 0,5, hoch 0,8.",
		"method bands":            "Stufen: niedrig unter 25, mäßig ab 25, hoch ab 50, kritisch ab 75.",
		"method group risk":       "Der Wert einer Gruppe ist das Mittel ihrer Personen. P90 ist der Wert, den neun von zehn nicht überschreiten. Klickquote, Eingabequote und Meldequote sind Anteile an allen zugestellten Simulationen.",

		"table requirements": "Anforderungen", "table departments": "Abteilungen", "table people": "Personen", "table courses": "Kurse",
		"table completions": "Abschlüsse", "table components": "Bestandteile des Risikowerts", "table simulations": "Simulationen",
		"chart requirements": "Erfüllungsquote je Anforderung", "chart courses": "Abschlussquote je Kurs",
		"chart departments": "Mittlerer Risikowert je Abteilung; die Marke ist P90", "chart components": "Bestandteile des Risikowerts (1 ist am schlechtesten)",
		"chart first": "Dargestellt sind nur die ersten.",

		"column code": "Anforderung", "column text": "Was sie verlangt", "column courses": "Erfüllt durch einen von", "column obligations": "Verpflichtungen",
		"column satisfied": "Erfüllt", "column rate": "Erfüllungsquote", "column on_time_rate": "Termintreue", "column people": "Personen",
		"column compliant": "Vollständig erfüllt", "column department": "Abteilung", "column name": "Name", "column email": "E-Mail",
		"column person": "Person", "column pseudonym": "Pseudonym", "column state": "Stand", "column due_on": "Fällig", "column completed": "Abgeschlossen",
		"column expires_on": "Läuft ab", "column completed_on": "Abgeschlossen", "column course": "Kurs", "column no": "Nr.", "column participations": "Teilnahmen",
		"column open": "Offen", "column overdue": "Überfällig", "column expired": "Abgelaufen", "column completion_rate": "Abschlussquote",
		"column people_overdue": "Personen mit Überfälligem", "column courses_completed": "Abgeschlossen", "column courses_open": "Offen",
		"column courses_overdue": "Überfällig", "column courses_expired": "Abgelaufen", "column scored": "Personen", "column score": "Risikowert",
		"column p90": "P90", "column band": "Stufe", "column simulations": "Simulationen", "column click_rate": "Klickquote",
		"column submit_rate": "Eingabequote", "column report_rate": "Meldequote", "column component": "Bestandteil", "column meaning": "Was er misst",
		"column weight": "Gewicht", "column mean": "Mittel", "column value": "Wert", "column phishing": "Phishing", "column reporting": "Melden",
		"column timeliness": "Termintreue", "column knowledge": "Wissen", "column exposure": "Exposition", "column sent": "Gesendet",
		"column behaviour": "Was geschah", "column reported": "Gemeldet",

		"meaning phishing": "Simulierte Angriffe, die gelangen", "meaning reporting": "Simulierte Angriffe, die nicht gemeldet wurden",
		"meaning timeliness": "Überfällige Kurse", "meaning knowledge": "Falsche Antworten im letzten Test", "meaning exposure": "Wie exponiert die Tätigkeit ist",

		"word satisfied": "erfüllt", "word open": "offen", "word not_due": "nicht fällig", "word valid": "gültig", "word expired": "abgelaufen",
		"word overdue": "überfällig", "word completed": "abgeschlossen", "word low": "niedrig", "word moderate": "mäßig", "word high": "hoch",
		"word critical": "kritisch", "word resisted": "nicht getäuscht", "word clicked": "geklickt", "word submitted": "Daten eingegeben",
		"word yes": "ja", "word no": "nein",

		"withheld": "verdeckt", "withheld figure": "verdeckt: weniger als fünf Personen", "none": "keine", "none obligations": "keine Verpflichtungen", "empty": "Es gibt nichts aufzuführen.",
		"withheld note":        "verdeckt: beruht auf weniger als fünf Personen, oder eine solche Zahl ließe sich damit berechnen.",
		"departments withheld": "Nicht gezeigt: Keine Abteilung kann einzeln gezeigt werden, weil weniger als fünf Personen beitragen.",
		"departments note":     "Abteilungen mit weniger als fünf Personen werden nicht einzeln gezeigt; sie sind in der letzten Zeile zusammengefasst.",
		"no department":        "(ohne Abteilung)", "other departments": "Übrige Abteilungen zusammen",
		"people note":      "erfüllt: zum Stand erfüllt; offen: fällig oder früher abgeschlossen, und nicht erfüllt; nicht fällig: noch keine Verpflichtung.",
		"course numbers":   "Kurse sind mit ihren Nummern aus der Tabelle der Kurse genannt.",
		"pseudonyms note":  "Werte sind auf ganze Zahlen gerundet. Pseudonyme bleiben von Bericht zu Bericht gleich.",
		"person n":         "Person %d",
		"unprintable note": "Ein Name, den die Schriften dieses Dokuments nicht darstellen können, ist durch die E-Mail-Adresse ersetzt.",
		"check pdf":        "Die Datei content.json ist diesem Dokument angehängt und sagt dasselbe. Die SHA-256 dieser Datei ist die Prüfsumme, zum Beispiel: pdfdetach -saveall bericht.pdf; sha256sum content.json",
		"check html":       "Die Datei content.json, die hier gespeichert werden kann, sagt dasselbe. Die SHA-256 dieser Datei ist die Prüfsumme, zum Beispiel: sha256sum content.json",
		"save content":     "content.json speichern",
	}
}

// Package report makes documents of what the domain knows: the PDF of a certificate, and reports.
//
// A report is made in three steps. The facts are read in one transaction, which is over before the
// next begins. From them its Content is worked out, by the domain's own formulas, so that a report and
// the dashboard say the same of the same instant; what a company's privacy mode or the rule of five
// people hides is not in it. The content is then written as PDF, CSV, JSON or HTML, which all say the
// same and carry the hash of the same canonical JSON (CSV, which is a bare table, carries none).
//
// The same input makes the same bytes, on every node and at any time, so that a document's hash is
// a good ETag. The package must not know HTTP, a database or the clock: it is given what to read
// through, and the time.
package report

package web

import (
	"net/url"
	"slices"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

func dashboardPages() []Page {
	return []Page{
		{Path: "/dashboard", Role: training.Manager, Show: showDashboard},
	}
}

// trendDays are how far back the trends can go. The first is what is shown when nothing is chosen.
var trendDays = []string{"30", "90", "365"}

// shownCourses is how many courses are shown before one asks for all.
const shownCourses = 8

// dashboard is what the page shows.
type dashboard struct {
	Board   openapi.Dashboard
	Figures openapi.Analytics
	Company string // its name; empty: of all companies, or another than one's own
	Other   string // the number of the company that a platform administrator looks at
	Days    string
	Choices []string
	Courses []openapi.AnalyticsCourse
	More    []openapi.AnalyticsCourse // behind "all courses"
	Rated   bool                      // some day has a compliance rate
	Parts   []riskPart
}

// riskPart is a component of the risk score, with its share of it.
type riskPart struct {
	Name  openapi.RiskComponentName
	Share float64
}

// riskParts are those of the formula: see training.
var riskParts = []riskPart{{"phishing", 0.35}, {"reporting", 0.20}, {"timeliness", 0.20}, {"knowledge", 0.15}, {"exposure", 0.10}}

// showDashboard is how a company stands: compliance and risk, what is overdue, how it came to this.
func showDashboard(r *Request) (View, error) {
	data := dashboard{Days: trendDays[0], Choices: trendDays, Parts: riskParts}
	if days := r.Query.Get("days"); slices.Contains(trendDays, days) {
		data.Days = days
	}
	query := r.companyQuery()
	if err := r.Get("/dashboard?"+query.Encode(), &data.Board); err != nil {
		return View{}, err
	}
	data.Other = query.Get("company_id")
	query.Set("days", data.Days)
	if err := r.Get("/admin/analytics?"+query.Encode(), &data.Figures); err != nil {
		return View{}, err
	}
	if !r.Is(training.PlatformAdmin) {
		me, err := r.Me()
		if err != nil {
			return View{}, err
		}
		data.Company = me.Company.Name
	}
	cut := min(shownCourses, len(data.Figures.Courses))
	data.Courses, data.More = data.Figures.Courses[:cut], data.Figures.Courses[cut:]
	data.Rated = slices.ContainsFunc(data.Figures.Trends, func(d openapi.AnalyticsDay) bool { return d.ComplianceRate != nil })
	return View{Template: "dashboard", Title: r.T("dashboard.title"), Data: data, Charts: true}, nil
}

// companyQuery asks for the company that a platform administrator has chosen. Of everybody else it is their own.
func (r *Request) companyQuery() url.Values {
	query := url.Values{}
	if id := r.Query.Get("company_id"); id != "" && r.Is(training.PlatformAdmin) {
		query.Set("company_id", id)
	}
	return query
}

// Missing says why a part of the dashboard is null: as the end of a text's name.
func (d dashboard) Missing(part string) string {
	p := openapi.DashboardPart(part)
	switch {
	case slices.Contains(d.Board.Degraded, p):
		return "degraded"
	case slices.Contains(d.Board.Withheld, p):
		return "withheld"
	}
	return "none"
}

// Withheld says whether something of a part of the analysis is left out since too few people make it up.
func (d dashboard) Withheld(part string) bool { return slices.Contains(d.Figures.Withheld, part) }

// Driver is the component that adds most to a person's score; empty: none has data.
func (d dashboard) Driver(p openapi.AnalyticsPerson) openapi.RiskComponentName {
	if p.Components == nil {
		return ""
	}
	values := []*float64{p.Components.Phishing, p.Components.Reporting, p.Components.Timeliness, p.Components.Knowledge, p.Components.Exposure}
	most, name := 0.0, openapi.RiskComponentName("")
	for i, v := range values {
		if v != nil && *v*riskParts[i].Share > most {
			most, name = *v*riskParts[i].Share, riskParts[i].Name
		}
	}
	return name
}

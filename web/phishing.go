package web

import (
	"fmt"
	"net/http"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// maxEvents bounds a form with a file of events: the API takes as much, and a form has a little around it.
const maxEvents = 8<<20 + 64<<10

// phishingPages show simulations.
func phishingPages() []Page {
	return []Page{
		{Path: "/phishing", Role: training.Manager, Show: showCampaigns},
		{Path: "/phishing/new", Role: training.Admin, Show: showNewCampaign, Do: makeCampaign},
		{Path: "/phishing/:campaign", Role: training.Manager, Show: showCampaign, Do: changeCampaign, Body: maxEvents},
	}
}

type campaignList struct {
	openapi.PhishingCampaignPage
	States   []choice
	Filtered bool
}

func showCampaigns(r *Request) (View, error) {
	ask := r.asked("active", "page")
	data := campaignList{Filtered: ask.Has("active")}
	err := r.filtered("/phishing/campaigns?"+ask.Encode(), &data.PhishingCampaignPage)
	data.States = []choice{{"", r.T("phishing.states")}, {"true", r.T("phishing.active")}, {"false", r.T("phishing.inactive")}}
	return View{Template: "phishing", Title: r.T("phishing.title"), Data: data}, err
}

type campaign struct {
	openapi.PhishingCampaignDetail
	Etag    string
	Outcome *openapi.PhishingOutcome // of the events that were just sent
}

func showCampaign(r *Request) (View, error) {
	var data campaign
	var err error
	data.Etag, err = r.GetVersion("/phishing/campaigns/"+r.Param("campaign"), &data.PhishingCampaignDetail)
	return View{Template: "campaign", Title: data.Name, Data: data}, err
}

func showNewCampaign(r *Request) (View, error) {
	return View{Template: "campaign-new", Title: r.T("phishing.new")}, nil
}

func makeCampaign(r *Request) (string, error) {
	in := openapi.NewPhishingCampaign{Name: r.Form.Get("name"), Template: r.written("template")}
	if day := r.written("started_at"); day != nil {
		at := dayStart(*day)
		in.StartedAt = &at
	}
	if day := r.written("ended_at"); day != nil {
		at := dayEnd(*day)
		in.EndedAt = &at
	}
	var made openapi.PhishingCampaign
	if err := r.Post("/phishing/campaigns", in, &made); err != nil {
		return "", err
	}
	return fmt.Sprintf("/phishing/%d?done=campaign.made", made.Id), nil
}

func changeCampaign(r *Request) (string, error) {
	if r.Form.Get("action") == "events" {
		return "", sendEvents(r)
	}
	var in openapi.PhishingCampaignPatch
	done := "campaign.renamed"
	if r.Form.Get("action") == "end" {
		now := time.Now().UTC().Format(time.RFC3339Nano)
		in.EndedAt, done = &now, "campaign.ended"
	} else {
		name := r.Form.Get("name")
		in.Name = &name
	}
	if err := r.Change(http.MethodPatch, "/phishing/campaigns/"+r.Param("campaign"), in, nil); err != nil {
		return "", err
	}
	return r.Path + "?done=" + done, nil
}

// sendEvents shows what became of each: events that come again are known, so that the form may, too.
func sendEvents(r *Request) error {
	file, ok := r.Files["events"]
	if !ok || len(file.Content) == 0 {
		return Invalid("events", r.T("phishing.events.missing"))
	}
	var out openapi.PhishingOutcome
	if err := r.Raw(http.MethodPost, "/phishing/events", "application/json", file.Content, &out); err != nil {
		return err
	}
	view, err := showCampaign(r)
	if err != nil {
		return err
	}
	shown := view.Data.(campaign)
	shown.Outcome = &out
	view.Data = shown
	r.Answer = &view
	return nil
}

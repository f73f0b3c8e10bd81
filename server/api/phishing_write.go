package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// campaignChange reads a merge patch: ended_at null means that the campaign runs on.
func (k *call) campaignChange() (c training.PhishingCampaignChange, err error) {
	var in map[string]json.RawMessage
	if err := k.decode(&in); err != nil {
		return c, err
	}
	var errs []training.FieldError
	if raw, ok := in["name"]; ok {
		switch {
		case string(raw) == "null":
			errs = append(errs, training.FieldError{Field: "name", Message: "must not be null"})
		case json.Unmarshal(raw, &c.Name) != nil:
			errs = append(errs, training.FieldError{Field: "name", Message: "must be a text"})
		default:
			*c.Name = strings.TrimSpace(*c.Name)
		}
	}
	if raw, ok := in["ended_at"]; ok {
		var at *string
		if json.Unmarshal(raw, &at) != nil {
			errs = append(errs, training.FieldError{Field: "ended_at", Message: "must be a text"})
		}
		c.EndedAt, c.Endless = instant(&errs, "ended_at", at), string(raw) == "null"
	}
	return c, invalid(errs...)
}

func (a *API) recordPhishing(k *call) error {
	events, err := k.phishingEvents()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	out, lsn, err := a.Writer.RecordPhishing(ctx, k.principal, events)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.json(http.StatusOK, openapi.PhishingOutcome{
		Recorded: out.Recorded, Earlier: out.Earlier, Duplicates: out.Duplicates, Refused: out.Refused, Errors: fieldErrors(out.Errors),
	})
}

// phishingEvents reads a batch. Of each event only what is named here is read: whatever else is sent with
// it, such as what somebody typed, goes no further.
func (k *call) phishingEvents() ([]training.PhishingEvent, error) {
	var body struct {
		Events bulkRows `json:"events"`
	}
	if err := k.decode(&body, "events"); err != nil {
		return nil, err
	}
	switch {
	case len(body.Events) == 0:
		return nil, training.InvalidField("events", "must have at least one row")
	case len(body.Events) > training.MaxPhishingEvents:
		return nil, training.InvalidField("events", "must have at most %d rows", training.MaxPhishingEvents)
	}
	events := make([]training.PhishingEvent, len(body.Events))
	for i, raw := range body.Events {
		var in openapi.PhishingEvent
		var wrong *json.UnmarshalTypeError
		e := &events[i]
		switch err := json.Unmarshal(raw, &in); {
		case errors.As(err, &wrong) && wrong.Field != "":
			e.Errors = []training.FieldError{{Field: wrong.Field, Message: "must be " + kindName(wrong.Type.Kind().String())}}
		case err != nil || string(raw) == "null":
			e.Errors = []training.FieldError{{Field: "events", Message: "must be an object"}}
		default:
			*e = phishingEvent(in)
		}
		e.Row = i + 1
	}
	return events, nil
}

func phishingEvent(in openapi.PhishingEvent) training.PhishingEvent {
	e := training.PhishingEvent{CampaignID: in.CampaignId, Kind: string(in.Kind)}
	if in.UserId != nil {
		if e.UserID = *in.UserId; e.UserID == 0 {
			e.UserID = -1 // there, and nobody's
		}
	}
	if in.Email != nil {
		e.Email = strings.TrimSpace(*in.Email)
	}
	if in.OccurredAt != "" {
		if at := instant(&e.Errors, "occurred_at", &in.OccurredAt); at != nil {
			e.OccurredAt = *at
		}
	}
	return e
}

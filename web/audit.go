package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// auditPages show who changed what.
func auditPages() []Page {
	return []Page{{Path: "/audit", Role: training.Admin, Show: showAudit}}
}

type auditList struct {
	Entries  []auditEntry
	Next     *string
	Filtered bool
	// Those on the page, for the filters to offer.
	Actions, Subjects []string
}

// auditEntry is an entry with its details made readable.
type auditEntry struct {
	openapi.AuditEntry
	Changes []auditChange
}

// auditChange is a column: what it is now, what it was, or both.
type auditChange struct {
	Name     string
	Was, Is  string
	Had, Has bool
}

func showAudit(r *Request) (View, error) {
	ask := r.asked("action", "subject", "actor_id", "from", "to", "after")
	data := auditList{Filtered: len(ask) > 1 || len(ask) == 1 && !ask.Has("after")}
	if ask.Has("from") {
		ask.Set("from", dayStart(ask.Get("from")))
	}
	if ask.Has("to") {
		ask.Set("to", dayAfter(ask.Get("to"))) // the last day is meant to be in it
	}
	ask.Set("size", "50")
	var found openapi.AuditLogPage
	if err := r.filtered("/audit-log?"+ask.Encode(), &found); err != nil {
		return View{}, err
	}
	for _, e := range found.Items {
		changes, err := auditChanges(e.Details)
		if err != nil {
			return View{}, fmt.Errorf("reading the details of the audit log's entry %d: %w", e.Id, err)
		}
		data.Entries = append(data.Entries, auditEntry{e, changes})
		data.Actions, data.Subjects = append(data.Actions, e.Action), append(data.Subjects, e.Subject)
	}
	data.Actions, data.Subjects = slices.Compact(slices.Sorted(slices.Values(data.Actions))), slices.Compact(slices.Sorted(slices.Values(data.Subjects)))
	data.Next = found.NextAfter
	return View{Template: "audit", Title: r.T("audit.title"), Data: data}, nil
}

// auditChanges reads details: a row under insert or delete, columns under update with what they were and became,
// and whatever else an operation wrote beside them.
func auditChanges(details json.RawMessage) ([]auditChange, error) {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(details, &parts); err != nil {
		return nil, err
	}
	var changes []auditChange
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		var columns map[string]json.RawMessage
		if !slices.Contains([]string{"insert", "delete", "update"}, part) || json.Unmarshal(parts[part], &columns) != nil {
			changes = append(changes, auditChange{Name: part, Is: plain(parts[part]), Has: true})
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(columns)) {
			change := auditChange{Name: name}
			var pair []json.RawMessage
			switch {
			case part == "insert":
				change.Is, change.Has = plain(columns[name]), true
			case part == "delete":
				change.Was, change.Had = plain(columns[name]), true
			case json.Unmarshal(columns[name], &pair) == nil && len(pair) == 2:
				change = auditChange{name, plain(pair[0]), plain(pair[1]), true, true}
			default:
				change.Is, change.Has = plain(columns[name]), true
			}
			changes = append(changes, change)
		}
	}
	return changes, nil
}

// plain is a value of JSON as people write it: a text without its quotes, a dash for nothing.
func plain(raw json.RawMessage) string {
	var text string
	switch {
	case string(raw) == "null":
		return "–"
	case json.Unmarshal(raw, &text) == nil:
		return text
	}
	var short bytes.Buffer
	if json.Compact(&short, raw) != nil {
		return string(raw)
	}
	return strings.TrimSpace(short.String())
}

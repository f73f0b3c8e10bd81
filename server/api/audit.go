package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// The audit log is read as invitations are (see accounts.go): by the primary, since it is in no replica.

func auditRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/audit-log", handle: (*API).listAuditLog, role: training.Admin, scope: "audit:read", write: true},
	}
}

type auditor interface {
	AuditLog(ctx context.Context, p training.Principal, f training.AuditFilter) (training.AuditLog, error)
}

var auditFields = newProjection[openapi.AuditEntry]()

func (a *API) listAuditLog(k *call) error {
	f, err := k.auditFilter()
	if err != nil {
		return err
	}
	mask, err := auditFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	ctx, cancel := k.context()
	defer cancel()
	found, err := a.Writer.AuditLog(ctx, k.principal, f)
	if err != nil {
		return err
	}
	items, err := appendItems(found.Entries, auditEntryBody, auditFields, mask)
	if err != nil {
		return err
	}
	return k.json(http.StatusOK, auditPage{Items: items, Size: f.Size, HasNext: found.NextAfter != "", NextAfter: text(found.NextAfter)})
}

// auditPage is openapi.AuditLogPage with its items written already.
type auditPage struct {
	Items     json.RawMessage `json:"items"`
	Size      int             `json:"size"`
	HasNext   bool            `json:"has_next"`
	NextAfter *string         `json:"next_after"`
}

// auditFilter reads the parameters. Its strings are copied.
func (k *call) auditFilter() (f training.AuditFilter, err error) {
	for _, name := range []string{"page", "sort"} {
		if k.c.Query(name) != "" {
			return f, training.InvalidField(name, "is not offered: the newest come first, and after continues")
		}
	}
	if f.Size, err = k.intQuery("size", training.DefaultSize); err != nil {
		return f, err
	}
	if f.CompanyID, err = k.companyQuery(); err != nil {
		return f, err
	}
	f.Action, f.Subject, f.After = strings.Clone(k.c.Query("action")), strings.Clone(k.c.Query("subject")), strings.Clone(k.c.Query("after"))
	var errs []training.FieldError
	if s := k.c.Query("actor_id"); s != "" {
		if f.ActorID, err = strconv.ParseInt(s, 10, 64); err != nil || f.ActorID < 1 {
			errs = append(errs, training.FieldError{Field: "actor_id", Message: "must be a whole number above zero"})
		}
	}
	if len(f.After) > maxAfter {
		errs = append(errs, training.FieldError{Field: "after", Message: "must be what next_after said"})
	}
	f.From, errs = k.timeQuery("from", errs)
	f.To, errs = k.timeQuery("to", errs)
	return f, invalid(append(errs, f.Validate()...)...)
}

func auditEntryBody(e training.AuditEntry) openapi.AuditEntry {
	return openapi.AuditEntry{
		Id: e.ID, CreatedAt: e.CreatedAt.UTC(), CompanyId: e.CompanyID, ActorId: e.ActorID, ActorName: e.ActorName, ActorEmail: e.ActorEmail,
		Action: e.Action, Subject: e.Subject, SubjectId: e.SubjectID, Ip: e.IP, Details: e.Details,
	}
}

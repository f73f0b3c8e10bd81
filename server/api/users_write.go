package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

func (a *API) createUser(k *call) error {
	var in openapi.NewPerson
	if err := k.decode(&in, "email", "full_name"); err != nil {
		return err
	}
	n := newPerson(openapi.BulkPerson{
		Email: in.Email, FullName: in.FullName, Role: in.Role, Department: in.Department, JobRisk: in.JobRisk, Locale: in.Locale,
	})
	company, errs := int64(0), n.Validate(k.principal)
	if in.CompanyId != nil {
		if company = *in.CompanyId; company < 1 {
			errs = append(errs, training.FieldError{Field: "company_id", Message: "must be at least 1"})
		}
	}
	if err := invalid(errs...); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	d, lsn, err := a.Writer.CreatePerson(ctx, k.principal, company, n)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Location("/api/v1/users/" + strconv.FormatInt(d.ID, 10))
	return k.resource(http.StatusCreated, d.Version, personDetailBody(d))
}

// newPerson takes what was sent out of Fiber's hands: strings of decoded JSON are its own.
func newPerson(in openapi.BulkPerson) training.NewPerson {
	n := training.NewPerson{Email: in.Email, FullName: in.FullName}
	if in.Role != nil {
		n.Role = training.Role(*in.Role)
	}
	for _, f := range []struct{ from, to *string }{{in.Department, &n.Department}, {in.JobRisk, &n.JobRisk}, {in.Locale, &n.Locale}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return n.Complete()
}

func (a *API) updateUser(k *call) error {
	id, err := k.idParam("user", 64)
	if err != nil {
		return err
	}
	version, err := k.ifMatch()
	if err != nil {
		return err
	}
	change, err := k.personChange()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	d, lsn, err := a.Writer.ChangePerson(ctx, k.principal, id, version, change)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.resource(http.StatusOK, d.Version, personDetailBody(d))
}

// personChange reads a merge patch: null is what a new person has, where that is anything. own are the
// fields that may be named; none: all.
func (k *call) personChange(own ...string) (training.PersonChange, error) {
	var in map[string]json.RawMessage
	if err := k.decode(&in); err != nil {
		return training.PersonChange{}, err
	}
	var c training.PersonChange
	var errs []training.FieldError
	for _, f := range []struct {
		name  string
		to    any
		empty string // as JSON; none: null is refused
		kind  string
	}{
		{"email", &c.Email, "", "a text"},
		{"full_name", &c.FullName, "", "a text"},
		{"role", &c.Role, "", "a text"},
		{"department", &c.Department, `""`, "a text"},
		{"job_risk", &c.JobRisk, `"medium"`, "a text"},
		{"locale", &c.Locale, `""`, "a text"},
		{"is_active", &c.IsActive, "", "true or false"},
	} {
		raw, ok := in[f.name]
		switch {
		case !ok:
			continue
		case len(own) > 0 && !slices.Contains(own, f.name):
			errs = append(errs, training.FieldError{Field: f.name, Message: "is not one's own to change. Ask an administrator"})
			continue
		case string(raw) != "null":
		case f.empty == "":
			errs = append(errs, training.FieldError{Field: f.name, Message: "must not be null"})
			continue
		default:
			raw = json.RawMessage(f.empty)
		}
		if json.Unmarshal(raw, f.to) != nil {
			errs = append(errs, training.FieldError{Field: f.name, Message: "must be " + f.kind})
		}
	}
	if len(errs) == 0 {
		c = c.Trim()
		errs = c.Validate(k.principal)
	}
	return c, invalid(errs...)
}

func (a *API) deactivateUser(k *call) error {
	id, err := k.idParam("user", 64)
	if err != nil {
		return err
	}
	version, err := k.ifMatch()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.DeactivatePerson(ctx, k.principal, id, version)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().Header.Del(fiber.HeaderContentType)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

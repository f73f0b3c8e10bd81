package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/auth"
	"outpost/server/training"
)

func (a *API) createInvitation(k *call) error {
	var in openapi.InvitationRequest
	if err := k.decode(&in, "email"); err != nil {
		return err
	}
	i := training.Invitation{
		Email: strings.TrimSpace(in.Email), FullName: given(in.FullName), Role: training.Role(given(in.Role)),
		Department: given(in.Department), Locale: given(in.Locale),
	}
	if i.Role == "" {
		i.Role = training.Learner
	}
	errs := i.Validate(k.principal)
	if in.CompanyId != nil {
		if i.CompanyID = *in.CompanyId; i.CompanyID < 1 {
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
	made, lsn, err := a.Writer.Invite(ctx, k.principal, i)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.json(http.StatusCreated, invitationBody(made, a.Now()))
}

var invitationFields = newProjection[openapi.Invitation]()

func (a *API) listInvitations(k *call) error {
	if k.c.Query("sort") != "" {
		return training.InvalidField("sort", "is not offered: open ones come first, and of each kind the newest")
	}
	paging, err := k.paging([]string{"created_at"})
	if err != nil {
		return err
	}
	mask, err := invitationFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	company, err := k.companyQuery()
	if err != nil {
		return err
	}
	if company == 0 { // of all there is no list
		company = k.principal.CompanyID
	}
	paging = clonePaging(paging)
	ctx, cancel := k.context()
	defer cancel()
	found, err := a.Writer.Invitations(ctx, company, paging)
	if err != nil {
		return err
	}
	at := a.Now()
	body, err := newPage(found, paging, func(i training.Invitation) openapi.Invitation { return invitationBody(i, at) }, invitationFields, mask)
	if err != nil {
		return err
	}
	return k.json(http.StatusOK, body)
}

func (a *API) withdrawInvitation(k *call) error {
	id, err := k.idParam("invitation", 64)
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.WithdrawInvitation(ctx, k.principal, id)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

func (a *API) acceptInvitation(k *call) error {
	var in openapi.AcceptRequest
	if err := k.decode(&in, "token", "password"); err != nil {
		return err
	}
	accepted := training.Acceptance{
		Token: strings.TrimSpace(in.Token), Password: in.Password, FullName: given(in.FullName), IP: k.ip(), UserAgent: k.userAgent(), Source: k.source(),
	}
	errs := checkText(nil, "token", accepted.Token, maxMailedToken)
	errs = checkPassword(errs, "password", in.Password)
	errs = append(errs, accepted.Validate()...)
	if err := invalid(errs...); err != nil {
		return err
	}
	if err := k.slow(""); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	session, lsn, err := a.Writer.AcceptInvitation(ctx, accepted)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	if err := a.tokens(k, session); err != nil {
		return err
	}
	k.c.Response().SetStatusCode(http.StatusCreated)
	return nil
}

func (a *API) inviteUser(k *call) error {
	id, err := k.idParam("user", 64)
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.InviteUser(ctx, k.principal, id)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.json(http.StatusAccepted, openapi.Accepted{Message: "The mail is on its way."})
}

// checkPassword collects what can be said of a new password before it is known whose it is.
func checkPassword(errs []training.FieldError, field, value string) []training.FieldError {
	if len(value) < auth.MinPassword || len(value) > auth.MaxPassword {
		return append(errs, training.FieldError{
			Field: field, Message: fmt.Sprintf("must be from %d to %d bytes long; several words that do not belong together make a good one", auth.MinPassword, auth.MaxPassword),
		})
	}
	return errs
}

func invitationBody(i training.Invitation, at time.Time) openapi.Invitation {
	body := openapi.Invitation{
		Id: i.ID, Email: i.Email, FullName: i.FullName, Role: openapi.InvitationRole(i.Role), Department: i.Department, Locale: i.Locale,
		Status: openapi.InvitationStatus(i.StatusAt(at)), CreatedAt: i.CreatedAt.UTC(), ExpiresAt: i.ExpiresAt.UTC(), AcceptedAt: utc(i.AcceptedAt),
	}
	if i.InvitedBy != 0 {
		body.InvitedBy = &i.InvitedBy
	}
	return body
}

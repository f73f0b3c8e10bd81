package api

import (
	"net/http"
	"strconv"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/auth"
	"outpost/server/training"
)

// forgotPassword answers the same for every address, after the same work: whether it is anybody's
// stands only in the mail.
func (a *API) forgotPassword(k *call) error {
	var in openapi.ForgotRequest
	if err := k.decode(&in, "email"); err != nil {
		return err
	}
	email := strings.TrimSpace(in.Email)
	if err := invalid(checkText(nil, "email", email, maxLogin)...); err != nil {
		return err
	}
	if err := k.slow(strings.ToLower(email)); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.ForgotPassword(ctx, email)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.json(http.StatusAccepted, openapi.Accepted{Message: "If there is an account of this address, a mail is on its way."})
}

func (a *API) resetPassword(k *call) error {
	var in openapi.ResetRequest
	if err := k.decode(&in, "token", "password"); err != nil {
		return err
	}
	token := strings.TrimSpace(in.Token)
	errs := checkText(nil, "token", token, maxMailedToken)
	if err := invalid(checkPassword(errs, "password", in.Password)...); err != nil {
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
	lsn, err := a.Writer.ResetPassword(ctx, token, in.Password)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

func (a *API) changePassword(k *call) error {
	var in openapi.PasswordRequest
	if err := k.decode(&in, "current_password", "new_password"); err != nil {
		return err
	}
	errs := checkPassword(nil, "new_password", in.NewPassword)
	if in.CurrentPassword == "" || len(in.CurrentPassword) > auth.MaxPassword {
		errs = append(errs, training.FieldError{Field: "current_password", Message: "is wrong"})
	}
	if err := invalid(errs...); err != nil {
		return err
	}
	if err := k.slow("user " + strconv.FormatInt(k.principal.UserID, 10)); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.ChangePassword(ctx, k.principal, training.PasswordChange{
		Current: in.CurrentPassword, New: in.NewPassword, IP: k.ip(), UserAgent: k.userAgent(),
	})
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

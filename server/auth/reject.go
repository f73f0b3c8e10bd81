package auth

import (
	"outpost/server/training"
)

// Reason says why a credential is not good.
type Reason string

// The reasons.
const (
	Malformed   Reason = "malformed"
	Expired     Reason = "expired"
	UnknownKey  Reason = "unknown_key" // or one that has not arrived here yet
	Forged      Reason = "forged"
	UnknownUser Reason = "unknown_user"
	Inactive    Reason = "inactive"
	Revoked     Reason = "revoked"
	Voided      Reason = "voided" // by a revocation, as far as can be told without its session
	Moved       Reason = "moved"  // to another company since

	UnknownAPIKey Reason = "unknown_api_key"   // the primary has said so
	UnarrivedKey  Reason = "unarrived_api_key" // the primary knows it, this replica does not yet
	Unasked       Reason = "unasked_api_key"   // not known here, and the primary was not asked, or not heard
)

// Rejection is the cause inside the training.Error that a refused token gets: the Error's
// message is for the one who sent it, this is for the log.
type Rejection struct {
	Reason Reason
	Err    error // may be nil
}

// Error gives the reason and its cause.
func (r *Rejection) Error() string {
	if r.Err != nil {
		return "credential " + string(r.Reason) + ": " + r.Err.Error()
	}
	return "credential " + string(r.Reason)
}

// Unwrap gives the cause.
func (r *Rejection) Unwrap() error { return r.Err }

func reject(reason Reason, err error) error {
	message := "The access token is not valid."
	switch reason {
	case Expired:
		message = "The access token has expired."
	case Inactive:
		message = "The account is not active."
	case Revoked, Voided:
		message = "The session has ended."
	}
	return &training.Error{Code: training.Unauthorized, Message: message, Err: &Rejection{Reason: reason, Err: err}}
}

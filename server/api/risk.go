package api

import (
	"context"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func (a *API) myRisk(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	return a.risk(k, k.principal.UserID)
}

func (a *API) userRisk(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	id, err := k.idParam("user", 64)
	if err != nil {
		return err
	}
	return a.risk(k, id)
}

// risk answers with a person's score.
func (a *API) risk(k *call, id int64) error {
	k.key = newKey(k.key, "risk").person(k).number(id)
	if done, err := a.hit(k); done {
		return err
	}
	p, now := k.principal, a.Now
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		at := now()
		company, risk, err := training.PersonRisk(ctx, q, p, id, at)
		if err != nil {
			return answer{}, err
		}
		until := training.NextDay(at)
		body := openapi.PersonRisk{UserId: id, Score: *score(&risk.Score), Band: openapi.RiskBand(training.BandOf(risk.Score)), ValidUntil: until}
		for _, c := range risk.Components() {
			body.Components = append(body.Components, openapi.RiskComponent{
				Name: openapi.RiskComponentName(c.Name), Weight: c.Weight, Value: ratio(c.Value),
			})
		}
		return answer{value: body, validUntil: until, tags: []cache.Tag{
			cache.Row("users", id), cache.Row("companies", company), cache.Ref("enrollments", "user_id", id),
			cache.Ref("phishing_events", "user_id", id), cache.Ref("quiz_attempts", "user_id", id),
		}}, nil
	})
}

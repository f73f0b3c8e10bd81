package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// maxBulkBody bounds the body that creates many people: 10,000 of the longest that are likely.
const maxBulkBody = 8 << 20

// bulk is what a request to create many people asks for.
type bulk struct {
	rows    []training.BulkPerson
	partial bool
	dry     bool // nobody is to be created
	company int64
}

func (a *API) createUsers(k *call) error {
	in, err := k.bulk()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	if in.dry {
		out, err := a.Writer.TryPeople(ctx, k.principal, in.company, in.rows)
		if err != nil {
			return err
		}
		return k.json(http.StatusOK, bulkBody(out))
	}
	out, lsn, err := a.Writer.CreatePeople(ctx, k.principal, in.company, in.rows, in.partial)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	status := http.StatusOK
	if out.Created > 0 {
		status = http.StatusCreated
	}
	return k.json(status, bulkBody(out))
}

// bulk reads the query and the body, whichever of its forms it has.
func (k *call) bulk() (in bulk, err error) {
	for _, f := range []struct {
		name string
		to   *bool
	}{{"partial", &in.partial}, {"dry_run", &in.dry}} {
		if text := k.c.Query(f.name); text != "" {
			if *f.to, err = strconv.ParseBool(text); err != nil {
				return in, training.InvalidField(f.name, "must be true or false")
			}
		}
	}
	if text := k.c.Query("company_id"); text != "" {
		if in.company, err = strconv.ParseInt(text, 10, 64); err != nil || in.company < 1 {
			return in, training.InvalidField("company_id", "must be a whole number above zero")
		}
	}
	if kind := k.c.Get(fiber.HeaderContentType); isType(kind, "text/csv") {
		err = k.bulkCSV(kind, &in)
	} else {
		err = k.bulkJSON(&in)
	}
	switch {
	case err != nil:
		return in, err
	case len(in.rows) == 0:
		return in, training.InvalidField("users", "must have at least one row")
	case len(in.rows) > training.MaxBulk:
		return in, training.InvalidField("users", "must have at most %d rows", training.MaxBulk)
	}
	for i := range in.rows {
		r := &in.rows[i]
		r.Row = i + 1
		r.NewPerson = r.Complete()
		if len(r.Errors) == 0 {
			r.Errors = r.Validate(k.principal)
		}
	}
	return in, nil
}

func (k *call) bulkCSV(kind string, in *bulk) (err error) {
	switch {
	case k.c.Get(fiber.HeaderContentEncoding) != "":
		return &problem{status: http.StatusUnsupportedMediaType, detail: "The body must not be compressed."}
	case !utf8Charset(kind):
		return &problem{status: http.StatusUnsupportedMediaType, detail: "The CSV must be UTF-8."}
	}
	in.rows, err = readPeople(k.c.BodyRaw())
	return err
}

// bulkRows are the rows as they were sent, no more than tell that they are too many: millions that
// are next to nothing fit into a body, and each would cost a hundred times what it costs there.
type bulkRows []json.RawMessage

// UnmarshalJSON reads an array.
func (b *bulkRows) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('[') {
		return &json.UnmarshalTypeError{Type: reflect.TypeFor[bulkRows]()}
	}
	*b = nil
	for d.More() && len(*b) <= training.MaxBulk {
		var row json.RawMessage
		if err := d.Decode(&row); err != nil {
			return err
		}
		*b = append(*b, row)
	}
	return nil
}

func (k *call) bulkJSON(in *bulk) error {
	var body struct {
		Users     bulkRows `json:"users"`
		Partial   *bool    `json:"partial"`
		DryRun    *bool    `json:"dry_run"`
		CompanyID *int64   `json:"company_id"`
	}
	if err := k.decode(&body, "users"); err != nil {
		return err
	}
	if body.Partial != nil {
		in.partial = *body.Partial
	}
	if body.DryRun != nil {
		in.dry = *body.DryRun
	}
	if body.CompanyID != nil {
		if in.company = *body.CompanyID; in.company < 1 {
			return training.InvalidField("company_id", "must be at least 1")
		}
	}
	in.rows = make([]training.BulkPerson, len(body.Users))
	for i, raw := range body.Users {
		var person openapi.BulkPerson
		var wrong *json.UnmarshalTypeError
		switch err := json.Unmarshal(raw, &person); {
		case errors.As(err, &wrong) && wrong.Field != "":
			in.rows[i].Errors = []training.FieldError{{Field: wrong.Field, Message: "must be " + kindName(wrong.Type.Kind().String())}}
		case err != nil || string(raw) == "null":
			in.rows[i].Errors = []training.FieldError{{Field: "users", Message: "must be an object"}}
		default:
			in.rows[i].NewPerson = newPerson(person)
		}
	}
	return nil
}

func bulkBody(out training.BulkOutcome) openapi.BulkOutcome {
	body := openapi.BulkOutcome{Created: out.Created, Failed: out.Failed, Rows: make([]openapi.BulkRow, len(out.Rows))}
	for i, r := range out.Rows {
		body.Rows[i] = openapi.BulkRow{Row: r.Row, Errors: fieldErrors(r.Errors)}
		if r.ID != 0 {
			body.Rows[i].Id = &r.ID
		}
	}
	return body
}

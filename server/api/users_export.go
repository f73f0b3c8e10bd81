package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/training"
)

// exportChunk is how many people are read, and held in memory, at once.
const exportChunk = 1000

// exportUsers streams a company's people as CSV. Only this region can: another's answer would have
// to be held here as a whole. So it waits for the request's position, and does no more about it.
func (a *API) exportUsers(k *call) error {
	if err := a.reachHere(k); err != nil {
		return err
	}
	company, err := k.companyQuery()
	if err != nil {
		return err
	}
	e := &export{api: a, who: k.principal, company: company}
	at, err := e.fill()
	if err != nil {
		return err
	}
	k.position = at
	r := k.c.Response()
	r.Header.SetContentType("text/csv; charset=utf-8; header=present")
	r.Header.Set(fiber.HeaderContentDisposition, `attachment; filename="users_export.csv"`)
	r.Header.Set(fiber.HeaderCacheControl, "no-store")
	r.SetStatusCode(http.StatusOK)
	if k.c.Method() == http.MethodHead {
		r.SkipBody = true
		return nil
	}
	r.SetBodyStream(e, -1)
	return nil
}

// reachHere is reach where no other node can answer.
func (a *API) reachHere(k *call) error {
	published := a.Published().Position
	if k.asked.Generation > published.Generation && a.primary() && !published.IsZero() {
		return a.behind(k) // nobody's: generations begin here
	}
	if k.asked.Generation == published.Generation && k.asked.Compare(published) > 0 || k.asked.Generation > published.Generation {
		ctx, cancel := context.WithTimeout(a.base, a.Limits.Wait)
		defer cancel()
		began := a.Now()
		err := a.Wait(ctx, k.asked)
		k.waitTook = a.Now().Sub(began)
		if err != nil {
			return unavailable("The state that you have seen has not arrived here yet.", err)
		}
	}
	return a.arrived(k)
}

// export is the body while it is being sent. The server asks it for more when the client has taken
// what there was: each chunk is a read of its own that is over before anything of it is written, so
// that a slow client holds no state of the replica. A read that fails breaks the transfer off, which
// by its chunks tells the client that it is not whole.
type export struct {
	api     *API
	who     training.Principal
	company int64
	last    int64 // id
	done    bool
	began   bool
	text    bytes.Buffer // of the chunk
}

// Read gives what is left of the chunk, or of the next one.
func (e *export) Read(p []byte) (int, error) {
	if e.text.Len() == 0 && !e.done {
		if _, err := e.fill(); err != nil {
			e.api.Log.Warn("an export was broken off", "user", e.who.UserID, "behind", e.last, "error", err)
			return 0, err
		}
	}
	return e.text.Read(p) // io.EOF when there is no more
}

// fill reads the next chunk and says which state it was.
func (e *export) fill() (change.Position, error) {
	ctx, cancel := context.WithTimeout(e.api.base, e.api.Limits.Request)
	defer cancel()
	var people []training.ExportedPerson
	at, err := e.api.Read(ctx, func(q training.Queries) (err error) {
		people, err = q.PeopleForExport(ctx, e.who, e.company, e.last, exportChunk)
		return err
	})
	if err != nil {
		return change.Position{}, err
	}
	e.text.Reset()
	w := csv.NewWriter(&e.text)
	w.UseCRLF = true
	if !e.began {
		e.began = true
		err = w.Write([]string{"id", "email", "full_name", "created_at"})
	}
	for i := 0; i < len(people) && err == nil; i++ {
		p := people[i]
		err = w.Write([]string{strconv.FormatInt(p.ID, 10), harmless(p.Email), harmless(p.FullName), p.CreatedAt.UTC().Format(time.RFC3339Nano)})
		e.last = p.ID
	}
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	e.done = len(people) < exportChunk
	return at.Position, err
}

// harmless puts an apostrophe before what a spreadsheet would run as a formula: what begins with
// one of = + - @, in their full width too, be it behind spaces or signs that are not seen; and what
// begins with a tab or a line end, which some take away first. (OWASP, "CSV Injection".)
func harmless(cell string) string {
	seen := strings.TrimLeftFunc(cell, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
	if strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r") || strings.HasPrefix(cell, "\n") ||
		seen != "" && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", []rune(seen)[0]) {
		return "'" + cell
	}
	return cell
}

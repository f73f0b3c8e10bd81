package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	endpoint = "/api/v1/users" // as metrics name it
	pageSize = 20
	pages    = 10 // that somebody leafs through
	// connections of wrk.
	connections = 64
	// drawn is how many requests are drawn beforehand; wrk sends them over and over.
	drawn = 1 << 16
	// seedOf makes the same draw each time.
	seedOf = 8
)

// key is one list that can be asked for, and what Outpost answered.
type key struct {
	path    string
	company int64
	etag    string
	body    []byte
	header  http.Header
}

// request is a key, and who asks for it.
type request struct{ key, person int }

// workload is what wrk sends: lists of 20 people, of which there are as many as keys, asked for
// by Zipf's law with exponent 1 by people of the company.
type workload struct {
	people   *people
	keys     []*key
	requests []request
	mean     float64 // bytes of body, as requested
}

func (l *lab) newWorkload(primary *node, people *people) (*workload, error) {
	random := rand.New(rand.NewPCG(seedOf, seedOf))
	w := &workload{people: people, keys: newKeys(people)}
	random.Shuffle(len(w.keys), func(i, j int) { w.keys[i], w.keys[j] = w.keys[j], w.keys[i] })
	if want := l.keyCount(); len(w.keys) < want {
		return nil, fmt.Errorf("the demo has %d lists of %d people, and %d are needed", len(w.keys), pageSize, want)
	}
	w.keys = w.keys[:l.keyCount()]
	draw := zipf(random, len(w.keys))
	for range drawn {
		k := draw()
		askers := people.of[w.keys[k].company]
		if len(askers) == 0 {
			return nil, fmt.Errorf("nobody of company %d is signed in", w.keys[k].company)
		}
		w.requests = append(w.requests, request{k, askers[random.IntN(len(askers))]})
	}
	// Lists by what was changed last are the same from now on.
	writer := writer{primary: primary, people: people}
	for _, risk := range []string{"high", usual} {
		if err := writer.change(l.ctx, risk); err != nil {
			return nil, err
		}
	}
	if err := w.fetch(l.ctx, primary, writer.position); err != nil {
		return nil, err
	}
	for _, r := range w.requests {
		w.mean += float64(len(w.keys[r.key].body)) / drawn
	}
	return w, nil
}

func (l *lab) keyCount() int {
	if l.quick {
		return 200
	}
	return 10_000
}

// newKeys gives the first full pages in every order with every choice of fields. The company is in
// the path, which decides alone what is answered, so that a cache that looks at nothing else
// keeps companies apart; Outpost holds the path against the token.
func newKeys(p *people) (keys []*key) {
	optional := []string{"company_id", "is_active", "job_risk", "locale", "role", "version"}
	for company := int64(1); company <= 10; company++ {
		for page := range min(p.lists[company], pages) {
			for _, order := range ordersOf(company) {
				for _, sign := range []string{"", "-"} {
					for choice := range 1 << len(optional) {
						fields := "id,full_name,department"
						for i, name := range optional {
							if choice&(1<<i) != 0 {
								fields += "," + name
							}
						}
						keys = append(keys, &key{company: company, path: fmt.Sprintf("%s?company_id=%d&page=%d&size=%d&sort=%s%s&fields=%s",
							endpoint, company, page+1, pageSize, sign, order, fields)})
					}
				}
			}
		}
	}
	return keys
}

// ordersOf is one order for the company in which somebody is changed, and four for the others:
// what goes out of date with that person has to stay a small part, or no side could be said to
// answer from what it keeps.
func ordersOf(company int64) []string {
	if company == changed {
		return []string{"full_name"}
	}
	return []string{"full_name", "email", "created_at", "updated_at"}
}

// zipf draws ranks below n, the first one most often: rank r with a chance of 1/(r+1). The one
// in math/rand wants an exponent above 1.
func zipf(random *rand.Rand, n int) func() int {
	sums := make([]float64, n)
	sum := 0.0
	for i := range sums {
		sum += 1 / float64(i+1)
		sums[i] = sum
	}
	return func() int { return sort.SearchFloat64s(sums, random.Float64()*sum) }
}

// fetch asks Outpost for every key, as it is at a position or later.
func (w *workload) fetch(ctx context.Context, primary *node, position string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, k := range w.keys {
		askers := w.people.of[k.company]
		token := w.people.asking[askers[i%len(askers)]].token
		group.Go(func() error {
			got, err := ask(ctx, primary.api, k.path, token, "", position)
			if err != nil {
				return err
			}
			k.etag, k.body, k.header = got.header.Get("Etag"), got.body, got.header
			return nil
		})
	}
	return group.Wait()
}

// requestsFor is a file of requests for wrk's script: a path, a person and a tag in each line.
func (w *workload) requestsFor(validate bool) string {
	var b strings.Builder
	for _, r := range w.requests {
		k := w.keys[r.key]
		fmt.Fprintf(&b, "GET %s HTTP/1.1\nAuthorization: Bearer %s\n", k.path, w.people.asking[r.person].token)
		if validate {
			fmt.Fprintf(&b, "If-None-Match: %s\n", k.etag)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (w *workload) String() string {
	return fmt.Sprintf("workload     GET %s, lists of %d people, %.0f bytes of JSON on average; %d keys drawn by Zipf's law (s = 1), %d tokens, %d connections\n",
		endpoint, pageSize, w.mean, len(w.keys), len(w.people.asking), connections)
}

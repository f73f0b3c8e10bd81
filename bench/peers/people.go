package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

const (
	// tokenLife is less than how long a token is good: none may end within a round.
	tokenLife = 13 * time.Minute
	// changed is the company in which somebody is changed while it is measured.
	changed = 8
)

// person may ask for lists of their company.
type person struct {
	email   string
	company int64
	refresh string // what the token is had for
	token   string
}

// people are those who ask, and those who write.
type people struct {
	asking   []person        // in the order of their tokens
	of       map[int64][]int // asking, by company
	lists    map[int64]int   // how many full pages a company has
	progress []enrollment    // whose progress is written
	admin    person          // of the company that is changed
	changed  int64           // who is
	since    time.Time       // when they signed in
}

// enrollment is somebody's who is learning.
type enrollment struct {
	id    int64
	token string
}

// signIn takes as many active people as there should be tokens, of the companies that fill a
// page. Where there are not enough people, some have two sessions.
func (l *lab) signIn(primary *node, database string) (*people, error) {
	p := &people{of: make(map[int64][]int), lists: make(map[int64]int), admin: person{email: fmt.Sprintf("manager%d@example.com", changed)}}
	if err := l.withDatabase(database, func(conn *pgx.Conn) error { return p.find(l.ctx, conn, l.tokens()) }); err != nil {
		return nil, fmt.Errorf("finding people who ask: %w", err)
	}
	p.since = time.Now()
	if err := l.withDatabase(database, func(conn *pgx.Conn) error { return p.beginSessions(l.ctx, conn) }); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(l.ctx)
	group.SetLimit(4)
	for i := range p.asking {
		group.Go(func() error { return primary.refresh(ctx, &p.asking[i]) })
	}
	group.Go(func() error { return primary.refresh(ctx, &p.admin) })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return p, l.withDatabase(database, func(conn *pgx.Conn) error { return p.findEnrollments(l.ctx, conn) })
}

// beginSessions writes sessions as a login leaves them. A thousand passwords would take half a
// minute, and are not what is measured.
func (p *people) beginSessions(ctx context.Context, conn *pgx.Conn) error {
	const query = `WITH session AS (
			INSERT INTO sessions (company_id, data_zone, user_id, expires_at)
			SELECT company_id, data_zone, id, now() + interval '1 day' FROM users WHERE email = $1 RETURNING id)
		INSERT INTO refresh_tokens (session_id, token_hash, ip, user_agent, expires_at)
		SELECT id, $2, '', '', now() + interval '1 day' FROM session`
	batch := new(pgx.Batch)
	begin := func(each *person) {
		each.refresh = rand.Text()
		hash := sha256.Sum256([]byte(each.refresh))
		batch.Queue(query, each.email, hash[:])
	}
	for i := range p.asking {
		begin(&p.asking[i])
	}
	begin(&p.admin)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("beginning sessions: %w", err)
	}
	return nil
}

func (l *lab) tokens() int {
	if l.quick {
		return 20
	}
	return 1000
}

func (p *people) find(ctx context.Context, conn *pgx.Conn, tokens int) error {
	const companies = `SELECT company_id, count(*) / $1 FROM users GROUP BY company_id HAVING count(*) >= $1 ORDER BY company_id`
	rows, err := conn.Query(ctx, companies, pageSize)
	if err != nil {
		return err
	}
	var company int64
	var pages int
	if _, err := pgx.ForEachRow(rows, []any{&company, &pages}, func() error {
		p.lists[company] = pages
		return nil
	}); err != nil {
		return err
	}
	// In an order in which every company is among the first.
	const query = `SELECT email, company_id FROM users WHERE is_active AND role <> 'platform_admin'
		AND company_id IN (SELECT company_id FROM users GROUP BY company_id HAVING count(*) >= $1)
		ORDER BY row_number() OVER (PARTITION BY company_id ORDER BY id), id LIMIT $2`
	if rows, err = conn.Query(ctx, query, pageSize, tokens); err != nil {
		return err
	}
	var email string
	if _, err := pgx.ForEachRow(rows, []any{&email, &company}, func() error {
		p.asking = append(p.asking, person{email: email, company: company})
		return nil
	}); err != nil {
		return err
	}
	for i, found := 0, len(p.asking); len(p.asking) < tokens; i++ {
		p.asking = append(p.asking, p.asking[i%found])
	}
	for i, each := range p.asking {
		p.of[each.company] = append(p.of[each.company], i)
	}
	return conn.QueryRow(ctx, "SELECT min(id) FROM users WHERE company_id = $1 AND is_active AND role = 'manager'", changed).Scan(&p.changed)
}

// findEnrollments looks for those of the askers who are learning something.
func (p *people) findEnrollments(ctx context.Context, conn *pgx.Conn) error {
	tokens := make(map[string]string, len(p.asking))
	for _, each := range p.asking {
		tokens[each.email] = each.token
	}
	const query = `SELECT DISTINCT ON (u.id) u.email, e.id FROM users u JOIN enrollments e ON e.user_id = u.id
		WHERE u.is_active AND e.status IN ('assigned', 'in_progress') ORDER BY u.id, e.id`
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return err
	}
	var email string
	var id int64
	if _, err := pgx.ForEachRow(rows, []any{&email, &id}, func() error {
		if token, ok := tokens[email]; ok {
			p.progress = append(p.progress, enrollment{id, token})
		}
		return nil
	}); err != nil {
		return fmt.Errorf("finding people who learn: %w", err)
	}
	if len(p.progress) == 0 {
		return fmt.Errorf("finding people who learn: none of %d does", len(p.asking))
	}
	return nil
}

// refresh gives the person an access token.
func (n *node) refresh(ctx context.Context, p *person) error {
	body, err := json.Marshal(map[string]string{"refresh_token": p.refresh})
	if err != nil {
		return err
	}
	answer, err := n.send(ctx, http.MethodPost, "/api/v1/auth/refresh", "", body)
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	var out struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(answer.body, &out); err != nil || out.Token == "" {
		return fmt.Errorf("signing in: the answer holds no token (%w)", err)
	}
	p.token = out.Token
	return nil
}

// send asks the API, and wants success.
func (n *node) send(ctx context.Context, method, path, token string, body []byte) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+n.api+path, bytes.NewReader(body))
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return answered{}, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return answered{}, fmt.Errorf("%s %s answered %s: %s", method, path, response.Status, answer)
	}
	return answered{response.StatusCode, response.Header, answer}, nil
}

package primary_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
)

// told are the entries in short: who did what to what.
func told(log training.AuditLog) (list []string) {
	for _, e := range log.Entries {
		var actor, subject int64
		if e.ActorID != nil {
			actor = *e.ActorID
		}
		if e.SubjectID != nil {
			subject = *e.SubjectID
		}
		list = append(list, fmt.Sprintf("%d %s %s %d", actor, e.Action, e.Subject, subject))
	}
	return list
}

// audited gives staff with a log that has no entry yet.
func audited(t *testing.T, change ...func(*primary.Config)) (p *primary.Primary, url string, admin, root training.Principal) {
	t.Helper()
	p, url, admin, root = staff(t, change...)
	pgtest.Exec(t, url, `SET session_replication_role = replica; TRUNCATE audit_log`)
	return p, url, admin, root
}

func TestTheAuditLogTellsWhoDidWhat(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url, admin, root := audited(t, mode)
		ctx := training.WithCaller(t.Context(), training.Caller{IP: "192.0.2.7"})
		sales, other, none := "Sales", "Other", ""
		for _, write := range []struct {
			who    training.Principal
			id     int64
			change training.PersonChange
		}{
			{admin, 1, training.PersonChange{Department: &sales}},
			{root, 1, training.PersonChange{FullName: &other}},
			{root, 4, training.PersonChange{Department: &sales}},
			{admin, 1, training.PersonChange{Department: &none}},
		} {
			if _, _, err := p.ChangePerson(ctx, write.who, write.id, 0, write.change); err != nil {
				t.Fatal(err)
			}
		}
		pgtest.Exec(t, url, `UPDATE users SET department = 'IT' WHERE id = 3`, `UPDATE courses SET minutes = 11 WHERE id = 1`) // by hand
		for name, c := range map[string]struct {
			who    training.Principal
			filter training.AuditFilter
			want   []string
		}{
			"a company's":           {admin, training.AuditFilter{CompanyID: 1}, []string{"0 update users 3", "2 updateUser users 1", "5 updateUser users 1", "2 updateUser users 1"}},
			"one person's":          {admin, training.AuditFilter{CompanyID: 1, ActorID: 2}, []string{"2 updateUser users 1", "2 updateUser users 1"}},
			"a stranger's here":     {admin, training.AuditFilter{CompanyID: 1, ActorID: 5}, []string{"5 updateUser users 1"}},
			"a stranger's":          {root, training.AuditFilter{ActorID: 5}, []string{"5 updateUser users 4", "5 updateUser users 1"}},
			"everything":            {root, training.AuditFilter{}, []string{"0 update courses 1", "0 update users 3", "2 updateUser users 1", "5 updateUser users 4", "5 updateUser users 1", "2 updateUser users 1"}},
			"another company's":     {root, training.AuditFilter{CompanyID: 2}, []string{"5 updateUser users 4"}},
			"an action":             {root, training.AuditFilter{Action: "update"}, []string{"0 update courses 1", "0 update users 3"}},
			"an action of a person": {root, training.AuditFilter{Action: "update", ActorID: 5}, nil},
			"a subject":             {root, training.AuditFilter{Subject: "courses"}, []string{"0 update courses 1"}},
			"a subject that is not": {admin, training.AuditFilter{CompanyID: 1, Subject: "courses"}, nil},
			"of the future":         {admin, training.AuditFilter{CompanyID: 1, From: time.Now().Add(time.Hour)}, nil},
			"of the past":           {root, training.AuditFilter{To: time.Now().Add(-time.Hour)}, nil},
		} {
			c.filter.Size = 100
			log, err := p.AuditLog(t.Context(), c.who, c.filter)
			if err != nil || !slices.Equal(told(log), c.want) || log.NextAfter != "" {
				t.Errorf("%s: %v, %v", name, told(log), err)
			}
		}
		log, err := p.AuditLog(t.Context(), admin, training.AuditFilter{CompanyID: 1, Size: 100})
		if err != nil {
			t.Fatal(err)
		}
		byHand, own, strangers := log.Entries[0], log.Entries[1], log.Entries[2]
		if byHand.ActorID != nil || byHand.ActorName != nil || byHand.IP != "" || string(byHand.Details) != `{"update": {"department": ["", "IT"]}}` {
			t.Errorf("by hand: %+v, %s", byHand, byHand.Details)
		}
		if own.ActorName == nil || *own.ActorName != "Two" || *own.ActorEmail != "two@example.com" || own.IP != "192.0.2.7" || *own.CompanyID != 1 ||
			string(own.Details) != `{"update": {"department": ["Sales", ""]}}` || time.Since(own.CreatedAt) > time.Minute {
			t.Errorf("one's own: %+v, %s", own, own.Details)
		}
		if strangers.ActorName != nil || strangers.ActorEmail != nil {
			t.Errorf("an admin learns who runs the platform: %+v", strangers)
		}
		log, err = p.AuditLog(t.Context(), root, training.AuditFilter{CompanyID: 1, ActorID: 2, Size: 1})
		if err != nil || log.Entries[0].ActorName == nil {
			t.Errorf("a platform administrator does not learn who it was: %+v, %v", log, err)
		}
		if _, err := p.AuditLog(t.Context(), admin, training.AuditFilter{CompanyID: 2, Size: 1}); training.CodeOf(err) != training.NotFound {
			t.Errorf("another company's log: %v", err)
		}
		if _, err := p.AuditLog(t.Context(), admin, training.AuditFilter{Size: 1}); training.CodeOf(err) != training.NotFound {
			t.Errorf("everybody's log: %v", err)
		}
	})
}

// TestTheAuditLogIsWalkedByKey walks a log in which many entries have the same time, and to which some
// are added meanwhile.
func TestTheAuditLogIsWalkedByKey(t *testing.T) {
	p, url, admin, root := audited(t)
	pgtest.Exec(t, url, `INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id, created_at)
		SELECT 1, 'eu', 2, 'made', 'things', i, timestamptz '2026-01-01' + interval '1 microsecond' * (i / 10) FROM generate_series(1, 95) i`)
	from := time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC)
	for name, c := range map[string]struct {
		who         training.Principal
		filter      training.AuditFilter
		first, last int64
	}{
		"a company": {admin, training.AuditFilter{CompanyID: 1}, 95, 1},
		"a person":  {admin, training.AuditFilter{CompanyID: 1, ActorID: 2}, 95, 1},
		"all":       {root, training.AuditFilter{}, 95, 1},
		"a time":    {root, training.AuditFilter{From: from, To: from.Add(2 * time.Microsecond)}, 29, 10},
	} {
		next := c.first
		c.filter.Size = 7
		for page := 0; ; page++ {
			log, err := p.AuditLog(t.Context(), c.who, c.filter)
			if err != nil || page > 20 {
				t.Fatalf("%s, page %d: %v", name, page, err)
			}
			for _, e := range log.Entries {
				if *e.SubjectID != next {
					t.Fatalf("%s, page %d: %d, want %d", name, page, *e.SubjectID, next)
				}
				next--
			}
			if log.NextAfter == "" {
				break
			}
			c.filter.After = log.NextAfter
			pgtest.Exec(t, url, `INSERT INTO audit_log (company_id, data_zone, actor_id, action, subject, subject_id) VALUES (1, 'eu', 2, 'made', 'things', 1000)`)
		}
		if next != c.last-1 {
			t.Errorf("%s: the walk ended before %d", name, next)
		}
		pgtest.Exec(t, url, `SET session_replication_role = replica; DELETE FROM audit_log WHERE subject_id = 1000`)
	}
	for _, after := range []string{"x", "1", "1.0", "1.-1", "-1.5", "999999999999999999.5", "1.5.5", ".5"} {
		if _, err := p.AuditLog(t.Context(), admin, training.AuditFilter{CompanyID: 1, Size: 1, After: after}); training.CodeOf(err) != training.Invalid {
			t.Errorf("after %q: %v", after, err)
		}
	}
}

func TestAPageOfTheAuditLogIsOneStatement(t *testing.T) {
	var seen observed
	p, _, admin, _ := staff(t, func(c *primary.Config) { c.Observe = seen.see })
	seen.take()
	if _, err := p.AuditLog(t.Context(), admin, training.AuditFilter{CompanyID: 1, Size: 20}); err != nil {
		t.Fatal(err)
	}
	if types, total := seen.take(); total != 1 {
		t.Errorf("it took %v", types)
	}
}

// TestNothingSecretIsInTheAuditLog looks at every column that the triggers write down. One that is new
// and looks like a secret fails the test: let audited() in the migrations, or the query of the log, leave
// it out, or say here why it is none.
func TestNothingSecretIsInTheAuditLog(t *testing.T) {
	p, url, admin, root := staff(t)
	const columns = `SELECT coalesce(string_agg(DISTINCT c.table_name || '.' || c.column_name, ' '), '')
		FROM information_schema.columns c JOIN information_schema.triggers g ON g.event_object_table = c.table_name
		WHERE c.table_schema = 'public' AND g.action_statement LIKE '%audit(%' AND audited(jsonb_build_object(c.column_name, 1)) <> '{}'
			AND (c.data_type = 'bytea' OR c.column_name ~ '(hash|secret|token|password|key|code|score|pseudonym|correct|private|credential)')`
	suspects := strings.Fields(value[string](t, url, columns))
	// Left out by the query, but for question_keys, which are the catalogue's: platform administrators' own.
	if want := []string{"certificates.code", "enrollments.score"}; !slices.Equal(slices.DeleteFunc(suspects, func(s string) bool {
		return strings.HasPrefix(s, "question_keys.")
	}), want) {
		t.Errorf("%v, want %v", suspects, want)
	}
	pgtest.Exec(
		t, url, `INSERT INTO enrollments (company_id, data_zone, user_id, course_id, score) VALUES (1, 'eu', 1, 1, 73)`,
		`INSERT INTO certificates (company_id, data_zone, user_id, enrollment_id, course_id, code) SELECT 1, 'eu', 1, id, 1, 'SECRETSECRETSECRETSECRET' FROM enrollments`,
		`UPDATE certificates SET code = 'SECRETSECRETSECRETSECRET2', revoked_at = '2026-01-01'`, `DELETE FROM certificates`, `DELETE FROM enrollments`,
		`INSERT INTO audit_log (company_id, data_zone, action, subject, details) VALUES (1, 'eu', 'x', 'y', '{"insert": {"pseudonym": "SECRET", "left": 1}, "at": "here"}'),
			(1, 'eu', 'x', 'y', '{}'), (1, 'eu', 'x', 'user_credentials', '{"update": null}')`,
	)
	for _, who := range []training.Principal{admin, root} {
		log, err := p.AuditLog(t.Context(), who, training.AuditFilter{CompanyID: 1, Size: 100})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, e := range log.Entries {
			all = append(all, e.Subject+" "+string(e.Details))
		}
		text := strings.Join(all, "\n")
		for _, bad := range []string{"SECRET", "score", "code", "73", "argon2", "pseudonym"} {
			if strings.Contains(text, bad) {
				t.Errorf("the log tells %s:\n%s", bad, text)
			}
		}
		for _, good := range []string{`user_credentials {"update": null}`, `y {}`, `y {"at": "here", "insert": {"left": 1}}`, `"revoked_at": [null, `, `certificates {"delete": {`} {
			if !strings.Contains(text, good) {
				t.Errorf("the log does not tell %s:\n%s", good, text)
			}
		}
	}
}

package primary

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// AuditLog gives a part of the audit log, the newest first: of the asker's own company, or of any for
// a platform administrator. It is not replicated, so the primary is who knows it. Who did something is
// named if they are of the asker's company: of others, such as whoever runs the platform, there is the number.
func (p *Primary) AuditLog(ctx context.Context, who training.Principal, f training.AuditFilter) (out training.AuditLog, err error) {
	params := pgsql.AuditLogParams{
		CompanyID: f.CompanyID, ActorID: f.ActorID, Action: f.Action, Subject: f.Subject, Everyone: who.Role == training.PlatformAdmin,
		Since: f.From, Until: lastAudited, Size: int32(f.Size) + 1,
	}
	if !params.Everyone && f.CompanyID != who.CompanyID {
		return out, training.Errorf(training.NotFound, "There is no such company.")
	}
	if !f.To.IsZero() {
		params.Until = f.To
	}
	if f.After != "" {
		at, id, ok := parseAuditCursor(f.After)
		if !ok {
			return out, training.InvalidField("after", "must be what next_after said")
		}
		if at.Before(params.Until) {
			params.Until, params.UntilID = at, id
		}
	}
	err = p.with(ctx, "reading the audit log", func(conn *pgxpool.Conn) error {
		rows, err := pgsql.New(conn).AuditLog(ctx, params)
		if len(rows) > f.Size {
			rows = rows[:f.Size]
			last := rows[f.Size-1]
			out.NextAfter = auditCursor(last.CreatedAt, last.ID)
		}
		for _, r := range rows {
			out.Entries = append(out.Entries, training.AuditEntry{
				ID: r.ID, CreatedAt: r.CreatedAt.UTC(), CompanyID: r.CompanyID, ActorID: r.ActorID, ActorName: r.ActorName,
				ActorEmail: r.ActorEmail, Action: r.Action, Subject: r.Subject, SubjectID: r.SubjectID, IP: r.Ip, Details: r.Details,
			})
		}
		return err
	})
	return out, err
}

// lastAudited is later than any entry. Ids begin at 1, so that a time with the id 0 stands before all
// entries of that time.
var lastAudited = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)

func auditCursor(at time.Time, id int64) string {
	return strconv.FormatInt(at.UnixMicro(), 10) + "." + strconv.FormatInt(id, 10)
}

func parseAuditCursor(s string) (at time.Time, id int64, ok bool) {
	micros, number, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || n < 0 || n > lastAudited.UnixMicro() {
		return at, 0, false
	}
	id, err = strconv.ParseInt(number, 10, 64)
	return time.UnixMicro(n), id, err == nil && id > 0
}

package source

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// markPrefix names the message of a mark, for whoever else reads the WAL.
const markPrefix = "outpost.mark"

// Marker commits transactions that hold nothing but a message. Each comes out of the
// slot like any other commit, so a position that lies among other databases' or
// unpublished tables' WAL, where Postgres may be too busy to send keepalives, is
// passed at once instead of when Postgres finds the time.
type Marker struct{ conn *pgx.Conn }

// Marker opens a connection that it keeps until Close.
func (s *Source) Marker(ctx context.Context) (*Marker, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	return &Marker{conn}, nil
}

// Mark returns when the mark is committed.
func (m *Marker) Mark(ctx context.Context) error {
	if _, err := m.conn.Exec(ctx, "SELECT pg_logical_emit_message(true, $1, '')", markPrefix); err != nil {
		return fmt.Errorf("marking a position: %w", err)
	}
	return nil
}

// Close ends the connection.
func (m *Marker) Close(ctx context.Context) { closeConn(ctx, m.conn.PgConn()) }

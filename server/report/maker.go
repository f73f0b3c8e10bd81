package report

import (
	"context"
	"fmt"
	"io"
	"time"

	"outpost/server/training"
)

// Maker makes the documents of reports. Its fields are given once, before its first use.
type Maker struct {
	// Read gives the queries of one read transaction. It is over before anything is written.
	Read func(context.Context, func(training.Queries) error) (training.At, error)
	// Fresh waits until what is read has all that Postgres had when it was called.
	Fresh func(context.Context) error
	// Stage begins a part of the work on a report of a type, and gives what ends it.
	Stage func(ctx context.Context, name string, t training.ReportType) (context.Context, func(error))
	Now   func() time.Time
}

// Make writes the document of r to w. It reads what it needs, once, and believes that whoever asked
// for r may have it: of people it shows what their company's privacy mode allows. Errors of reading
// that have a code, such as NotFound of a person who is no longer active, are given on with it. After
// an error, w may have been written to in part.
func (m *Maker) Make(ctx context.Context, r training.Report, w io.Writer) error {
	write, ok := writers()[r.Format]
	if !ok {
		return training.InvalidField("format", "is %q, in which no report is written", r.Format)
	}
	var f facts
	if err := m.stage(ctx, "fetch_compliance_data", r.Type, func(ctx context.Context) (err error) {
		f, err = m.fetch(ctx, r)
		return err
	}); err != nil {
		return fmt.Errorf("reading for a report: %w", err)
	}
	var c *Content
	if err := m.stage(ctx, "process_compliance_data", r.Type, func(context.Context) (err error) {
		c, err = process(r, &f)
		return err
	}); err != nil {
		return fmt.Errorf("working out a report: %w", err)
	}
	f = facts{} // what is written needs none of it
	if err := m.stage(ctx, "generate_"+string(r.Format), r.Type, func(ctx context.Context) error {
		return write(c, stopping{ctx, w})
	}); err != nil {
		return fmt.Errorf("writing a report as %s: %w", r.Format, err)
	}
	return nil
}

func writers() map[training.ReportFormat]func(*Content, io.Writer) error {
	return map[training.ReportFormat]func(*Content, io.Writer) error{
		training.PDF: writePDF, training.CSV: writeCSV, training.JSON: writeJSON, training.HTML: writeHTML,
	}
}

func (m *Maker) stage(ctx context.Context, name string, t training.ReportType, do func(context.Context) error) error {
	ctx, end := m.Stage(ctx, name, t)
	err := ctx.Err()
	if err == nil {
		err = do(ctx)
	}
	end(err)
	return err
}

// stopping is a writer that fails once nobody waits for what is written.
type stopping struct {
	ctx context.Context
	w   io.Writer
}

func (s stopping) Write(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}

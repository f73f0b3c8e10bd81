package primary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"outpost/server/mail"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// A mail is written in the transaction that causes it, and sent by whichever primary claims it
// first. A claim is a lease: no other primary takes the mail while it runs. Right before a server is
// told that a mail is whole, that is written down. Whoever dies before that leaves the mail to the
// next; whoever dies afterwards, or hears no answer, leaves it uncertain: it never goes again.

// Mailer sends letters, and tells done of each at once what became of it. Its errors hold nothing
// that must not be logged. It need not begin letters once ctx has ended. No server may take a letter
// before begin was asked and agreed; when begin fails, neither that letter nor another one is sent.
type Mailer interface {
	Send(ctx context.Context, letters []mail.Letter, begin func(l mail.Letter) error, done func(l mail.Letter, err error))
}

const (
	// mailSenders is how many connections to the mail server there are at most, of this process.
	mailSenders = 2
	// mailBatch is how many mails are claimed at once, for mailLease, which is above the time that a
	// mailer's timeouts let it take for them when nothing is attached.
	mailBatch = 10
	mailLease = 5 * time.Minute
	// mailTries is how often a mail is tried that may succeed another time, about four hours long;
	// refusedTries how often one that was refused for good, as servers say and do not always mean.
	mailTries    = 20
	refusedTries = 3
	// longestPause is between two tries, as a multiple of the first pause.
	longestPause = 64
	// settleTimeout bounds how long it may take to write down what became of a mail, beginTimeout that
	// its sending begins: a mail server waits meanwhile.
	settleTimeout = 30 * time.Second
	beginTimeout  = 10 * time.Second
)

// errClaimed says that a claim has run out, and that somebody else has the mail in hand.
var errClaimed = errors.New("the mail is in other hands")

// outbox wakes whoever sends, in this process.
type outbox struct{ wakes chan struct{} }

func newOutbox() outbox { return outbox{make(chan struct{}, 1)} }

func (o outbox) wake() {
	select {
	case o.wakes <- struct{}{}:
	default: // it is awake
	}
}

// runOutbox sends what is to be sent until ctx ends: at once what this process writes, and what
// others wrote, or what is due again, a little later.
func (p *Primary) runOutbox(ctx context.Context) {
	if p.config.Mailer == nil {
		p.log.Warn("no mail server is known, so that mail waits; OUTPOST_SMTP_URL names one")
	}
	tick := time.NewTicker(p.config.MailPoll)
	defer tick.Stop()
	freed := false
	for {
		if !freed {
			freed = p.freeMail(ctx)
		}
		if err := p.FlushMail(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("mail cannot be sent now", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.outbox.wakes:
		}
	}
}

// freeMail lets go of what this process had in hand when it was killed.
func (p *Primary) freeMail(ctx context.Context) bool {
	if p.config.ClientID == "" {
		return true
	}
	err := p.with(ctx, "freeing mail", func(conn *pgxpool.Conn) error {
		_, err := pgsql.New(conn).FreeMail(ctx, p.config.ClientID)
		return err
	})
	if err != nil && ctx.Err() == nil {
		p.log.Warn("mail that was in hand here waits until its claims run out", "error", err)
	}
	return err == nil
}

// FlushMail writes the mails that were asked for and sends all that is due.
func (p *Primary) FlushMail(ctx context.Context) error {
	if err := p.answerForgotten(ctx); err != nil || p.config.Mailer == nil {
		return err
	}
	if err := p.abandonMail(ctx); err != nil {
		return err
	}
	var senders errgroup.Group
	for range mailSenders {
		senders.Go(func() error { return p.deliver(ctx) })
	}
	return senders.Wait()
}

// abandonMail marks what was begun by somebody who never said how it ended.
func (p *Primary) abandonMail(ctx context.Context) error {
	for marked := mailBatch; marked == mailBatch; {
		var rows []pgsql.MailAbandonedRow
		err := p.with(ctx, "looking for mail that was abandoned", func(conn *pgxpool.Conn) (err error) {
			rows, err = pgsql.New(conn).MailAbandoned(ctx, mailBatch)
			return err
		})
		if err != nil {
			return err
		}
		marked = len(rows)
		for _, r := range rows {
			p.warnUncertain(ctx, r.ID, r.Kind, r.Attempts, r.LastError)
		}
	}
	return nil
}

func (p *Primary) warnUncertain(ctx context.Context, id int64, kind string, tries int32, reason string) {
	p.log.WarnContext(ctx, "it is uncertain whether a mail was sent; it is not sent again", "mail", id, "kind", kind, "tries", tries, "reason", reason)
}

// deliver sends until nothing is left.
func (p *Primary) deliver(ctx context.Context) error {
	for claimed := mailBatch; claimed == mailBatch && ctx.Err() == nil; {
		var rows []pgsql.ClaimMailRow
		err := p.with(ctx, "claiming mail", func(conn *pgxpool.Conn) (err error) {
			rows, err = pgsql.New(conn).ClaimMail(ctx, pgsql.ClaimMailParams{Node: p.config.ClientID, Lease: mailLease.Seconds(), Batch: mailBatch})
			return err
		})
		if err != nil {
			return err
		}
		claimed = len(rows)
		if err := p.send(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// send sends what was claimed and writes down what became of each.
func (p *Primary) send(ctx context.Context, rows []pgsql.ClaimMailRow) error {
	var errs []error
	var letters []mail.Letter
	attempts := make(map[int64]int32, len(rows))
	for _, r := range rows {
		attempts[r.ID] = r.Attempts
		l := mail.Letter{ID: r.ID, Kind: mail.Kind(r.Kind), To: r.Recipient, Locale: r.Locale, Written: r.CreatedAt.UTC()}
		switch err := json.Unmarshal(r.Payload, &l.Content); {
		case err != nil: // its text may be the content's
			errs = append(errs, p.fail(ctx, l, r.Attempts, &mail.Error{Reason: "its content cannot be read"}, true))
		case r.IsLate:
			errs = append(errs, p.fail(ctx, l, r.Attempts, &mail.Error{Reason: "it came too late to be of use"}, true))
		default:
			if l.Kind == mail.Report && r.ReportID != nil && l.Document != nil && !l.Document.TooLarge() {
				l.Attachment = p.attachment(*r.ReportID)
			}
			letters = append(letters, l)
		}
	}
	if len(letters) > 0 {
		p.config.Mailer.Send(ctx, letters, func(l mail.Letter) error {
			err := p.beginMail(ctx, l, attempts[l.ID])
			if !errors.Is(err, errClaimed) {
				errs = append(errs, err)
			}
			return err
		}, func(l mail.Letter, err error) {
			errs = append(errs, p.settle(ctx, l, attempts[l.ID], err))
		})
	}
	return errors.Join(errs...)
}

// attachment is a report's document, which the sweep keeps until the letter has gone.
func (p *Primary) attachment(report int64) *mail.Attachment {
	return &mail.Attachment{Load: func(ctx context.Context) (mail.File, error) {
		var row pgsql.Report
		err := p.with(ctx, "reading a report for a mail", func(conn *pgxpool.Conn) (err error) {
			row, err = pgsql.New(conn).ReportByID(ctx, report)
			return err
		})
		if err != nil {
			return mail.File{}, err
		}
		r := reportOf(row)
		file := mail.File{Name: r.FileName(), Type: r.Format.ContentType()}
		for part := 0; int64(len(file.Content)) < r.Bytes; part++ {
			content, err := p.ReportPart(ctx, report, part)
			if training.CodeOf(err) == training.NotFound {
				return mail.File{}, &mail.Error{Reason: "the document is not there any more", Permanent: true}
			}
			if err != nil {
				return mail.File{}, err
			}
			if len(file.Content)+len(content) > mail.MaxAttachment {
				return mail.File{}, &mail.Error{Reason: "the document is larger than was said", Permanent: true}
			}
			file.Content = append(file.Content, content...)
		}
		return file, nil
	}}
}

// beginMail writes down that a mail server may have the mail from now on. It does not stop when the
// process does: what is on its way is finished.
func (p *Primary) beginMail(ctx context.Context, l mail.Letter, attempt int32) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginTimeout)
	defer cancel()
	return p.with(ctx, "beginning to send a mail", func(conn *pgxpool.Conn) error {
		n, err := pgsql.New(conn).BeginMail(ctx, pgsql.BeginMailParams{ID: l.ID, Attempt: attempt, Lease: mailLease.Seconds()})
		if err == nil && n == 0 {
			return errClaimed
		}
		return err
	})
}

// settle writes down what became of a mail that was tried so many times. It does not stop when the
// process does: the mail has gone, and must not go again.
func (p *Primary) settle(ctx context.Context, l mail.Letter, tries int32, sent error) error {
	limit := int32(mailTries)
	var failed *mail.Error
	switch {
	case errors.As(sent, &failed) && failed.Uncertain:
		return p.settling(ctx, func(ctx context.Context, q *pgsql.Queries) error {
			n, err := q.MailUncertain(ctx, pgsql.MailUncertainParams{ID: l.ID, Attempt: tries, Reason: clean(failed.Reason)})
			if n > 0 {
				p.warnUncertain(ctx, l.ID, string(l.Kind), tries, failed.Reason)
			}
			return err
		})
	case sent == nil:
		return p.settling(ctx, func(ctx context.Context, q *pgsql.Queries) error { return q.MailSent(ctx, l.ID) })
	case failed != nil && failed.Permanent:
		limit = refusedTries
	}
	return p.fail(ctx, l, tries, sent, tries >= limit)
}

func (p *Primary) settling(ctx context.Context, fn func(context.Context, *pgsql.Queries) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	return p.with(ctx, "recording what became of a mail", func(conn *pgxpool.Conn) error { return fn(ctx, pgsql.New(conn)) })
}

// fail writes down that a mail was surely not sent: it is tried again, or given up.
func (p *Primary) fail(ctx context.Context, l mail.Letter, tries int32, sent error, giveUp bool) error {
	return p.settling(ctx, func(ctx context.Context, q *pgsql.Queries) error {
		pause := p.config.MailRetry * time.Duration(min(1<<min(tries-1, 16), longestPause))
		over, err := q.MailFailed(ctx, pgsql.MailFailedParams{
			ID: l.ID, Attempt: tries, GiveUp: giveUp, Pause: pause.Seconds(), Reason: clean(sent.Error()),
		})
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil // it is in other hands, or settled
		case err != nil:
			return fmt.Errorf("after %w: %w", sent, err)
		case over:
			p.log.ErrorContext(ctx, "a mail was given up", "mail", l.ID, "kind", string(l.Kind), "tries", tries, "reason", sent.Error())
		default:
			p.log.WarnContext(ctx, "a mail was not sent yet", "mail", l.ID, "kind", string(l.Kind), "tries", tries, "reason", sent.Error(), "again_in", pause)
		}
		return nil
	})
}

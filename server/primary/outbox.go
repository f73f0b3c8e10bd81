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
)

// A mail is written in the transaction that causes it, and sent by whichever primary claims it
// first. A claim is a lease: no other primary takes the mail while it runs, and whoever dies before
// saying what became of a mail leaves it to the next, who may send it again.

// Mailer sends letters over one connection, and tells done of each at once what became of it. Its
// errors hold nothing that must not be logged. It need not begin letters once ctx has ended.
type Mailer interface {
	Send(ctx context.Context, letters []mail.Letter, done func(l mail.Letter, err error))
}

const (
	// mailSenders is how many connections to the mail server there are at most, of this process.
	mailSenders = 2
	// mailBatch is how many mails are claimed at once, for mailLease, which is far above the time that
	// a mailer's timeouts let it take for them.
	mailBatch = 10
	mailLease = 5 * time.Minute
	// mailTries is how often a mail is tried that may succeed another time, about four hours long;
	// refusedTries how often one that was refused for good, as servers say and do not always mean.
	mailTries    = 20
	refusedTries = 3
	// longestPause is between two tries, as a multiple of the first pause.
	longestPause = 64
	// settleTimeout bounds how long it may take to write down what became of a mail.
	settleTimeout = 30 * time.Second
)

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
	for {
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

// FlushMail writes the mails that were asked for and sends all that is due.
func (p *Primary) FlushMail(ctx context.Context) error {
	if err := p.answerForgotten(ctx); err != nil || p.config.Mailer == nil {
		return err
	}
	var senders errgroup.Group
	for range mailSenders {
		senders.Go(func() error { return p.deliver(ctx) })
	}
	return senders.Wait()
}

// deliver sends until nothing is left.
func (p *Primary) deliver(ctx context.Context) error {
	for claimed := mailBatch; claimed == mailBatch && ctx.Err() == nil; {
		var rows []pgsql.ClaimMailRow
		err := p.with(ctx, "claiming mail", func(conn *pgxpool.Conn) (err error) {
			rows, err = pgsql.New(conn).ClaimMail(ctx, pgsql.ClaimMailParams{Lease: mailLease.Seconds(), Batch: mailBatch})
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
			errs = append(errs, p.settle(ctx, l, refusedTries, &mail.Error{Reason: "its content cannot be read", Permanent: true}))
		case r.IsLate:
			errs = append(errs, p.settle(ctx, l, mailTries, &mail.Error{Reason: "it came too late to be of use"}))
		default:
			letters = append(letters, l)
		}
	}
	if len(letters) > 0 {
		p.config.Mailer.Send(ctx, letters, func(l mail.Letter, err error) {
			errs = append(errs, p.settle(ctx, l, attempts[l.ID], err))
		})
	}
	return errors.Join(errs...)
}

// settle writes down what became of a mail that was tried so many times. It does not stop when the
// process does: the mail has gone, and must not go again.
func (p *Primary) settle(ctx context.Context, l mail.Letter, tries int32, sent error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	return p.with(ctx, "recording what became of a mail", func(conn *pgxpool.Conn) error {
		q := pgsql.New(conn)
		if sent == nil {
			return q.MailSent(ctx, l.ID)
		}
		limit := int32(mailTries)
		var failed *mail.Error
		if errors.As(sent, &failed) && failed.Permanent {
			limit = refusedTries
		}
		pause := p.config.MailRetry * time.Duration(min(1<<min(tries-1, 16), longestPause))
		over, err := q.MailFailed(ctx, pgsql.MailFailedParams{
			ID: l.ID, GiveUp: tries >= limit, Pause: pause.Seconds(), Reason: clean(sent.Error()),
		})
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil // somebody else has sent it
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

package bot

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// Delivery is one webhook, verified and reduced to identifiers.
type Delivery struct {
	Provider string // Provider.Name
	GUID     string // the forge's id of the delivery, the same when redelivered
	Event    providers.Event
}

// Outcome says what Receive did.
type Outcome string

// The outcomes of Receive.
const (
	Accepted  Outcome = "accepted"  // stored; a job will act on it
	Duplicate Outcome = "duplicate" // stored before; an unfinished one is rung again
	Ignored   Outcome = "ignored"   // stored as done: nothing for us
)

// States of a delivery; see the package comment.
const (
	stateReceived = "received"
	stateDone     = "done"
	stateFailed   = "failed"
)

// received is a row of the inbox.
type received struct {
	Delivery
	ID    string
	State string
	Note  string
	At    time.Time // when it came in

	job queue.Job // that works on it now
}

// ring is the delivery's job. Comments of one pull request share a key, so they
// are worked off one at a time.
func (r received) ring() queue.NewJob {
	key := r.subject()
	if key == "" {
		key = "delivery:" + r.ID
	}
	return queue.NewJob{Kind: JobDelivery, Key: key, Payload: deliveryPayload{ID: r.ID}}
}

// subject names the conversation that a comment belongs to, "" for the rest. The
// forge's number of the repository survives its renaming in between.
func (r received) subject() string {
	switch {
	case r.Event.Kind != providers.CommentCreated:
		return ""
	case r.Event.Repo.ID != 0:
		return fmt.Sprintf("comments:%s/%d#%d", r.Provider, r.Event.Repo.ID, r.Event.PullRequest)
	}
	return fmt.Sprintf("comments:%s#%d", r.repository(), r.Event.PullRequest)
}

// repository is the full name of the repository the delivery is about.
func (r received) repository() string { return r.Provider + "/" + r.Event.Repo.FullName() }

// loadDelivery reads the one row of a query.
func loadDelivery(ctx context.Context, q store.Queryer, query string, args ...any) (received, error) {
	var r received
	var event string
	var at int64
	err := q.QueryRow(ctx, query, args...).
		Scan(&r.ID, &r.Provider, &r.GUID, &event, &r.State, &r.Note, &at)
	r.At = store.FromMicros(at)
	if err != nil {
		return r, fmt.Errorf("read a delivery: %w", err)
	}
	if err := json.Unmarshal([]byte(event), &r.Event); err != nil {
		return r, fmt.Errorf("read delivery %s: %w", r.ID, err)
	}
	return r, nil
}

// finish records that a delivery was acted upon, together with the jobs that
// go on from there. It reads nothing first, so it needs no turn.
func (b *Bot) finish(ctx context.Context, r received, e effect) error {
	if len(e.jobs) == 0 {
		return settleDelivery(ctx, b.Store, r.ID, stateDone, e.note)
	}
	return b.Store.TxUnordered(ctx, func(tx *store.Tx) error {
		if err := settleDelivery(ctx, tx, r.ID, stateDone, e.note); err != nil {
			return err
		}
		return b.Queue.Enqueue(ctx, tx, e.jobs...)
	})
}

// timed is a store.DB or store.Tx.
type timed interface {
	store.Queryer
	Now() time.Time
}

func settleDelivery(ctx context.Context, in timed, id, state, note string) error {
	_, err := in.Exec(ctx, sqlSettleDelivery,
		id, state, secret.Redact(note), store.Micros(in.Now()))
	return err
}

// deliveryDead records a delivery whose job was given up. What it asked for is
// found by the reconciler, but for commands, whose author sees no answer.
func (b *Bot) deliveryDead(ctx context.Context, tx *store.Tx, job queue.Job, cause error) error {
	var payload deliveryPayload
	_ = json.Unmarshal(job.Payload, &payload) // an unreadable one names no row: nothing is changed
	r, err := b.next(ctx, tx, payload.ID)
	if err != nil || r == nil {
		return err
	}
	return settleDelivery(ctx, tx, r.ID, stateFailed, cause.Error())
}

// next is the delivery that a job works on now, nil when there is none: of a
// conversation the first comment that waits, in the forge's order, whichever
// arrived first. Each of its jobs works off one. The job of one that was given up
// runs again only because somebody wants just that one.
func (b *Bot) next(ctx context.Context, q store.Queryer, id string) (*received, error) {
	own, err := loadDelivery(ctx, q, sqlDeliveryByID, id)
	switch {
	case isNoRows(err):
		return nil, nil // forgotten meanwhile
	case err != nil:
		return nil, err
	}
	if own.subject() != "" && own.State != stateFailed {
		first, err := loadDelivery(ctx, q, sqlNextComment, own.subject())
		if !isNoRows(err) {
			return &first, err
		}
	}
	if own.State == stateDone {
		return nil, nil
	}
	return &own, nil
}

// Seen is a delivery's record, for operators and tests.
type Seen struct {
	GUID, Kind, State, Note string
}

// Deliveries lists the newest deliveries, at most limit.
func (b *Bot) Deliveries(ctx context.Context, limit int) ([]Seen, error) {
	rows, err := b.Store.Query(ctx, sqlDeliveries, limit)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return store.Collect(rows, func(scan store.Scan) (s Seen, err error) {
		return s, scan(&s.GUID, &s.Kind, &s.State, &s.Note)
	})
}

func isNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

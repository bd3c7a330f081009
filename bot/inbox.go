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

// Receive stores a delivery and its job in one transaction. Its error means
// that the forge should send it again. Deliveries don't wait for each other: of
// two with one GUID the unique index makes the second wait for the first's end
// and then find it, and a job too many finds its delivery done.
func (b *Bot) Receive(ctx context.Context, d Delivery) (outcome Outcome, err error) {
	err = b.Store.TxUnordered(ctx, func(tx *store.Tx) error {
		outcome, err = b.receive(ctx, tx, d)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("store delivery %s: %w", d.GUID, err)
	}
	return outcome, nil
}

func (b *Bot) receive(ctx context.Context, tx *store.Tx, d Delivery) (Outcome, error) {
	r := received{Delivery: d, ID: b.ids.At(tx.Now()), State: stateReceived}
	if d.Event.Kind == providers.Ignored {
		r.State, r.Note = stateDone, d.Event.Note
	}
	isNew, err := insertDelivery(ctx, tx, r)
	if err != nil {
		return "", err
	}
	outcome := Accepted
	if !isNew {
		outcome = Duplicate
		if r, err = loadDelivery(ctx, tx, sqlDeliveryByGUID, d.Provider, d.GUID); err != nil {
			return "", err
		}
	}
	switch {
	case r.State != stateDone:
		return outcome, b.Queue.Enqueue(ctx, tx, r.ring())
	case isNew:
		return Ignored, nil
	}
	return Duplicate, nil
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

func insertDelivery(ctx context.Context, tx *store.Tx, r received) (isNew bool, err error) {
	event, err := json.Marshal(r.Event)
	if err != nil {
		return false, fmt.Errorf("encode the event: %w", err)
	}
	doneAt := int64(0)
	if r.State == stateDone {
		doneAt = store.Micros(tx.Now())
	}
	result, err := tx.Exec(ctx, sqlInsertDelivery,
		r.ID, r.Provider, r.GUID, string(r.Event.Kind), string(event), r.State, r.Note, store.Micros(tx.Now()), doneAt, r.subject(), r.Event.Comment)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

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
	return b.Store.TxUnordered(ctx, func(tx *store.Tx) error {
		if err := settleDelivery(ctx, tx, r.ID, stateDone, e.note); err != nil {
			return err
		}
		return b.Queue.Enqueue(ctx, tx, e.jobs...)
	})
}

func settleDelivery(ctx context.Context, tx *store.Tx, id, state, note string) error {
	_, err := tx.Exec(ctx, sqlSettleDelivery,
		id, state, secret.Redact(note), store.Micros(tx.Now()))
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
// arrived first. Each of its jobs works off one.
func (b *Bot) next(ctx context.Context, q store.Queryer, id string) (*received, error) {
	own, err := loadDelivery(ctx, q, sqlDeliveryByID, id)
	switch {
	case isNoRows(err):
		return nil, nil // forgotten meanwhile
	case err != nil:
		return nil, err
	}
	if own.subject() != "" {
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

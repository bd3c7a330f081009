package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// intake collects deliveries that come while others are being stored, so that
// they share a transaction and its statements: under load the round trips and the
// commit are most of a delivery's cost.
type intake struct {
	mu      sync.Mutex
	waiting []*arrival
	lanes   int // transactions under way
}

const (
	intakeLanes    = 2                // transactions at once: one commits while one is filled
	intakeBatch    = 32               // deliveries in one of them
	intakePatience = 10 * time.Second // then the forge has given up
)

// arrival is a delivery that waits to be stored. Its results are set before
// stored is closed.
type arrival struct {
	delivery Delivery
	trace    string // see queue.TraceOf
	outcome  Outcome
	err      error
	stored   chan struct{}
}

// Receive stores a delivery and its job in one transaction. Its error means
// that the forge should send it again. No two deliveries wait for the writer's
// turn: of two with one GUID the unique index makes the second wait for the
// first's end and then find it, and a job too many finds its delivery done.
func (b *Bot) Receive(ctx context.Context, d Delivery) (Outcome, error) {
	a := &arrival{delivery: d, trace: queue.TraceOf(ctx), stored: make(chan struct{})}
	if b.intake.add(a) {
		go b.storeArrivals() //nolint:contextcheck // it goes on for those who come meanwhile
	}
	select {
	case <-a.stored:
		return a.outcome, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("store delivery %s: %w", d.GUID, ctx.Err())
	}
}

// add lets an arrival wait, and says whether somebody must open a lane.
func (i *intake) add(a *arrival) (open bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.waiting = append(i.waiting, a)
	if open = i.lanes < intakeLanes; open {
		i.lanes++
	}
	return open
}

// next takes those who wait; when nobody does, the lane is closed.
func (i *intake) next() (batch []*arrival) {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := min(len(i.waiting), intakeBatch)
	if n == 0 {
		i.lanes--
		return nil
	}
	batch = slices.Clone(i.waiting[:n])
	i.waiting = i.waiting[n:]
	return batch
}

// storeArrivals works one lane until nobody waits.
func (b *Bot) storeArrivals() {
	for batch := b.intake.next(); batch != nil; batch = b.intake.next() {
		b.storeTogether(batch)
		for _, a := range batch {
			close(a.stored)
		}
	}
}

// storeTogether stores a batch in one transaction; if that fails, each by itself,
// so that one that can't be stored leaves the others alone. All nodes store in
// the order of the GUIDs: two that have the same duplicates don't wait in a ring.
func (b *Bot) storeTogether(batch []*arrival) {
	slices.SortFunc(batch, func(x, y *arrival) int { return cmp.Compare(x.delivery.GUID, y.delivery.GUID) })
	if b.storeAll(batch) == nil {
		return
	}
	for _, a := range batch {
		if a.err = b.storeAll([]*arrival{a}); a.err != nil {
			a.outcome, a.err = "", fmt.Errorf("store delivery %s: %w", a.delivery.GUID, a.err)
		}
	}
}

func (b *Bot) storeAll(batch []*arrival) error {
	ctx, cancel := context.WithTimeout(context.Background(), intakePatience)
	defer cancel()
	return b.Store.TxUnordered(ctx, func(tx *store.Tx) error {
		rows := make([]received, len(batch))
		for i, a := range batch {
			rows[i] = received{Delivery: a.delivery, ID: b.ids.At(tx.Now()), State: stateReceived}
		}
		if err := b.ignore(ctx, tx, rows); err != nil {
			return err
		}
		isNew, err := insertDeliveries(ctx, tx, rows)
		if err != nil {
			return err
		}
		var jobs []queue.NewJob
		for i, a := range batch {
			if a.outcome, err = outcome(ctx, tx, &rows[i], isNew); err != nil {
				return err
			}
			if rows[i].State != stateDone {
				job := rows[i].ring()
				job.Trace = a.trace
				jobs = append(jobs, job)
			}
		}
		return b.Queue.Enqueue(ctx, tx, jobs...)
	})
}

// ignore marks what nothing follows from as done: events of no concern, and those
// of repositories that are neither called nor known as a configured one, most of
// what an organisation's app hears.
func (b *Bot) ignore(ctx context.Context, tx *store.Tx, rows []received) error {
	var strangers []*received
	var numbers []any
	for i := range rows {
		switch r := &rows[i]; {
		case r.Event.Kind == providers.Ignored:
			r.State, r.Note = stateDone, r.Event.Note
		case r.Event.Kind != providers.InstallationChanged && len(b.projects(r.repository())) == 0:
			strangers, numbers = append(strangers, r), append(numbers, r.Event.Repo.ID)
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	found, err := tx.Query(ctx, inList(sqlRepositoriesByID, len(numbers)), numbers...)
	if err != nil {
		return err
	}
	known, err := store.Collect(found, scanRepository)
	for _, r := range strangers {
		ours := slices.ContainsFunc(known, func(k repository) bool {
			return k.Repo.Provider == r.Provider && k.Repo.ID == r.Event.Repo.ID && len(b.projects(k.Name)) > 0
		})
		if !ours {
			r.State, r.Note = stateDone, unbound(*r)
		}
	}
	return err
}

// outcome says what storing a delivery did. A row that is not new becomes the one
// that was there.
func outcome(ctx context.Context, tx *store.Tx, r *received, isNew map[string]bool) (Outcome, error) {
	switch {
	case !isNew[r.ID]:
		was, err := loadDelivery(ctx, tx, sqlDeliveryByGUID, r.Provider, r.GUID)
		*r = was
		return Duplicate, err
	case r.State == stateDone:
		return Ignored, nil
	}
	return Accepted, nil
}

// insertDeliveries inserts the rows whose GUID is new, in one statement, and
// returns their ids.
func insertDeliveries(ctx context.Context, tx *store.Tx, rows []received) (isNew map[string]bool, err error) {
	now := store.Micros(tx.Now())
	var args []any
	for _, r := range rows {
		event, err := json.Marshal(r.Event)
		if err != nil {
			return nil, fmt.Errorf("encode the event: %w", err)
		}
		doneAt := int64(0)
		if r.State == stateDone {
			doneAt = now
		}
		args = append(args, r.ID, r.Provider, r.GUID, string(r.Event.Kind), string(event), r.State, r.Note, now, doneAt, r.subject(), r.Event.Comment)
	}
	found, err := tx.Query(ctx, manyRows(sqlInsertDelivery, len(rows)), args...)
	if err != nil {
		return nil, err
	}
	ids, err := store.Collect(found, func(scan store.Scan) (id string, err error) { return id, scan(&id) })
	isNew = map[string]bool{}
	for _, id := range ids {
		isNew[id] = true
	}
	return isNew, err
}

// manyRows makes of an INSERT of one row, with its parameters in order, one of
// many.
func manyRows(insert string, rows int) string {
	before, after, _ := strings.Cut(insert, "($1")
	one, rest, _ := strings.Cut(after, ")")
	width := strings.Count(one, "$") + 1
	lists := make([]string, rows)
	for i := range lists {
		parameters := make([]string, width)
		for n := range parameters {
			parameters[n] = "$" + strconv.Itoa(i*width+n+1)
		}
		lists[i] = "(" + strings.Join(parameters, ", ") + ")"
	}
	return before + strings.Join(lists, ", ") + rest
}

// inList makes of a query IN ($1) one of n values.
func inList(query string, n int) string {
	parameters := make([]string, n)
	for i := range parameters {
		parameters[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Replace(query, "($1)", "("+strings.Join(parameters, ", ")+")", 1)
}

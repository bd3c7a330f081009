package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/batch"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// Deliveries that come while others are being stored share a transaction and its
// statements: under load the round trips and the commit are most of a delivery's
// cost. One transaction commits while the next is filled.
var intakeTogether = batch.Options{Lanes: 2, Most: 32}

// intakePatience bounds such a transaction; then the forge has given up.
const intakePatience = 10 * time.Second

// arrival is a delivery that is to be stored.
type arrival struct {
	delivery Delivery
	trace    string // see queue.TraceOf
}

// Receive stores a delivery and its job in one transaction. Its error means
// that the forge should send it again. No two deliveries wait for the writer's
// turn: of two with one GUID the unique index makes the second wait for the
// first's end and then find it, and a job too many finds its delivery done.
func (b *Bot) Receive(ctx context.Context, d Delivery) (Outcome, error) {
	outcome, err := b.intake.Do(ctx, arrival{delivery: d, trace: queue.TraceOf(ctx)})
	if err != nil {
		return "", fmt.Errorf("store delivery %s: %w", d.GUID, err)
	}
	return outcome, nil
}

// storeArrivals stores deliveries in one transaction. All nodes store in the order
// of the GUIDs: two that have the same duplicates don't wait in a ring.
func (b *Bot) storeArrivals(arrivals []arrival) (outcomes []Outcome, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), intakePatience)
	defer cancel()
	sorted := make([]int, len(arrivals)) // places in arrivals
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortFunc(sorted, func(i, j int) int { return cmp.Compare(arrivals[i].delivery.GUID, arrivals[j].delivery.GUID) })
	outcomes = make([]Outcome, len(arrivals))
	return outcomes, b.Store.TxUnordered(ctx, func(tx *store.Tx) error {
		rows := make([]received, len(arrivals))
		for n, i := range sorted {
			rows[n] = received{Delivery: arrivals[i].delivery, ID: b.ids.At(tx.Now()), State: stateReceived}
		}
		if err := b.ignore(ctx, tx, rows); err != nil {
			return err
		}
		isNew, err := insertDeliveries(ctx, tx, rows)
		if err != nil {
			return err
		}
		var jobs []queue.NewJob
		for n, i := range sorted {
			if outcomes[i], err = outcome(ctx, tx, &rows[n], isNew); err != nil {
				return err
			}
			if rows[n].State != stateDone {
				job := rows[n].ring()
				job.Trace = arrivals[i].trace
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
	return before + store.Rows(rows, width) + rest
}

// inList makes of a query IN ($1) one of n values.
func inList(query string, n int) string {
	parameters := make([]string, n)
	for i := range parameters {
		parameters[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Replace(query, "($1)", "("+strings.Join(parameters, ", ")+")", 1)
}

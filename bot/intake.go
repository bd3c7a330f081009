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

// stored is an arrival as it is stored, and what follows from it.
type stored struct {
	received

	outcome Outcome
	push    *push // to remember; nil for none
	jobs    []queue.NewJob
}

// Receive stores a delivery and the jobs that follow in one transaction. Its
// error means that the forge should send it again. No two deliveries wait for the writer's
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
		rows := make([]stored, len(arrivals))
		for n, i := range sorted {
			rows[n] = stored{received: received{Delivery: arrivals[i].delivery, ID: b.ids.At(tx.Now())}}
		}
		if err := b.decide(ctx, tx, rows); err != nil {
			return err
		}
		if err := insertDeliveries(ctx, tx, rows); err != nil {
			return err
		}
		for n, i := range sorted {
			outcomes[i] = rows[n].outcome
			for j := range rows[n].jobs {
				rows[n].jobs[j].Trace = arrivals[i].trace
			}
		}
		return b.followUp(ctx, tx, rows)
	})
}

// followUp writes what follows from stored deliveries, on all nodes in one order.
func (b *Bot) followUp(ctx context.Context, tx *store.Tx, rows []stored) error {
	var pushes []push
	var jobs []queue.NewJob
	for _, r := range rows {
		jobs = append(jobs, r.jobs...)
		if r.push != nil {
			pushes = append(pushes, *r.push)
		}
	}
	if err := savePushes(ctx, tx, pushes); err != nil {
		return err
	}
	slices.SortStableFunc(jobs, func(i, j queue.NewJob) int { return cmp.Or(cmp.Compare(i.Kind, j.Kind), cmp.Compare(i.Key, j.Key)) })
	return b.Queue.Enqueue(ctx, tx, jobs...)
}

// decide says for each delivery what follows from it, and that it is done where
// the store alone can tell: nothing from events of no concern and those of
// repositories that no project is bound to, most of what an organisation's app
// hears. The rest is left to a job each.
func (b *Bot) decide(ctx context.Context, tx *store.Tx, rows []stored) error {
	known, err := b.knownOf(ctx, tx, rows)
	for i := range rows {
		r := &rows[i]
		r.State, r.outcome = stateDone, Ignored
		bound, sure := b.bound(r.received, known...)
		e, decided := b.decided(bound, r.Event)
		switch {
		case r.Event.Kind == providers.Ignored:
			r.Note = r.Event.Note
		case r.Event.Kind != providers.InstallationChanged && bound == "":
			r.Note = unbound(r.received)
		case sure && decided:
			r.outcome, r.Note, r.jobs, r.push = Accepted, e.note, e.jobs, pushOf(bound, r.Event)
		default:
			r.outcome, r.State, r.jobs = Accepted, stateReceived, []queue.NewJob{r.ring()}
		}
	}
	return err
}

// knownOf are the repositories of the deliveries that the store knows by number.
func (*Bot) knownOf(ctx context.Context, tx *store.Tx, rows []stored) ([]repository, error) {
	var numbers []any
	for _, r := range rows {
		if id := r.Event.Repo.ID; id != 0 && !slices.Contains(numbers, any(id)) {
			numbers = append(numbers, id)
		}
	}
	if len(numbers) == 0 {
		return nil, nil
	}
	found, err := tx.Query(ctx, inList(sqlRepositoriesByID, len(numbers)), numbers...)
	if err != nil {
		return nil, err
	}
	return store.Collect(found, scanRepository)
}

// insertDeliveries inserts the rows whose GUID is new, in one statement. The
// others become the rows that were there, of which unfinished ones are rung again.
func insertDeliveries(ctx context.Context, tx *store.Tx, rows []stored) error {
	args, err := deliveryArgs(rows, store.Micros(tx.Now()))
	if err != nil {
		return err
	}
	found, err := tx.Query(ctx, manyRows(sqlInsertDelivery, len(rows)), args...)
	if err != nil {
		return err
	}
	isNew, err := store.Collect(found, func(scan store.Scan) (id string, err error) { return id, scan(&id) })
	for i, r := range rows {
		if err != nil || slices.Contains(isNew, r.ID) {
			continue
		}
		was := stored{outcome: Duplicate}
		was.received, err = loadDelivery(ctx, tx, sqlDeliveryByGUID, r.Provider, r.GUID)
		if was.State != stateDone {
			was.jobs = []queue.NewJob{was.ring()}
		}
		rows[i] = was
	}
	return err
}

func deliveryArgs(rows []stored, now int64) (args []any, err error) {
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
	return args, nil
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

package queue

import (
	"context"
	"embed"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/shipsql/shipsql/internal/batch"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/ids"
	"github.com/shipsql/shipsql/store"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the queue's tables up to date.
func Migrate(ctx context.Context, db *store.DB) error { return db.Migrate(ctx, "queue", migrations) }

// Options tune a queue; the zero value of each field means its default.
type Options struct {
	Workers int // jobs run at once in this process; default 8
	// Limits is how many jobs of a kind run at once in this process, so that long
	// ones leave workers for others; a kind that is absent has no limit.
	Limits map[string]int
	// Pools are the pools whose jobs this process runs; default: only those
	// without a pool.
	Pools []string
	// Node is what this process is called among the workers; default: the
	// host's name.
	Node string

	Lease       time.Duration // a worker that does not renew for so long is dead; default 15 s
	Renew       time.Duration // how often a lease is renewed; default a third of Lease
	Reconcile   time.Duration // how often the store is asked what is runnable or lost; default 4 s
	Grace       time.Duration // what running jobs get to finish at shutdown; default 20 s
	BackoffMin  time.Duration // wait after the first failure, doubled with each; default 1 s
	BackoffMax  time.Duration // the longest wait; default 10 min
	MaxAttempts int           // failed attempts before a job is dead; default 20. Those for [fault.Unreachable] never make it so
	KeepDone    time.Duration // how long done jobs are kept; default 24 h

	// Observe is told of every attempt that ended, for metrics; may be nil.
	Observe func(kind string, outcome Outcome, took time.Duration)
}

// withDefaults fills the gaps. The default Lease and Reconcile together keep a
// dead worker's job waiting less than the 20 s that the design allows.
func (o Options) withDefaults() Options {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&o.Lease, 15*time.Second)
	set(&o.Renew, o.Lease/3)
	set(&o.Reconcile, 4*time.Second)
	set(&o.Grace, 20*time.Second)
	set(&o.BackoffMin, time.Second)
	set(&o.BackoffMax, 10*time.Minute)
	set(&o.KeepDone, 24*time.Hour)
	if o.Workers == 0 {
		o.Workers = 8
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 20
	}
	if len(o.Pools) == 0 {
		o.Pools = []string{""}
	}
	if o.Node == "" {
		o.Node, _ = os.Hostname() // a name for people: none is no harm
	}
	return o
}

// Queue is a store's queue. It is safe for concurrent use. A process that only
// enqueues (role web) never calls Run.
type Queue struct {
	db      *store.DB
	jobs    table
	bell    Bell
	log     *slog.Logger
	options Options
	contact *contact      // with the store
	nudges  chan struct{} // wakes one idle worker of this process
	ids     *ids.Source
	done    *batch.Line[Job, bool] // claims that end, and whether they were held

	handlers map[string]Handler     // fixed once Run is called
	onDead   map[string]DeadHandler // likewise

	takes   *batch.Line[struct{}, *Job] // workers that want a job, and what each gets: nil for none
	outlook outlook                     // of the one that claims for all

	mu       sync.Mutex     // guards what follows
	active   map[string]int // running jobs of this process by kind
	selfID   string         // this process's row among the workers; "" unless Run runs
	stopping bool           // Run's context is done: StillMine says no
}

// New makes a queue on a store whose queue tables are migrated. Register handlers
// before Run.
func New(db *store.DB, bell Bell, log *slog.Logger, o Options) *Queue {
	o = o.withDefaults()
	q := &Queue{
		db: db, bell: bell, log: log, options: o,
		jobs:     table{db: db, lease: o.Lease},
		contact:  &contact{log: log},
		nudges:   make(chan struct{}, 1),
		ids:      ids.New(),
		handlers: map[string]Handler{}, onDead: map[string]DeadHandler{},
		active: map[string]int{},
	}
	together := batch.Options{Lanes: 1, Most: 32, Rest: 3}
	q.takes, q.done = batch.New(together, q.takeAll), batch.New(together, q.finishAll)
	return q
}

// Handle sets the handler of a kind. Jobs of a kind without one stay where they
// are, for another process that knows them.
func (q *Queue) Handle(kind string, h Handler) { q.handlers[kind] = h }

// OnDead sets who is told when a job of the kind is given up.
func (q *Queue) OnDead(kind string, h DeadHandler) { q.onDead[kind] = h }

// StillMine says, by a nil error, that the job's lease is held by this claim and
// the process is not about to stop: a handler may begin its next step.
func (q *Queue) StillMine(ctx context.Context, job Job) error {
	if q.Stopping() {
		return fault.New(fault.Conflict, "the process is stopping").At("job " + job.ID)
	}
	return q.jobs.mine(ctx, job)
}

// Stopping says that the process is about to stop: no handler should begin
// another step.
func (q *Queue) Stopping() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stopping
}

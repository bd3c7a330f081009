package deploy

import (
	"context"
	"embed"
	"log/slog"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/batch"
	"github.com/shipsql/shipsql/internal/ids"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

//go:embed schema
var schema embed.FS

// Kinds of the jobs this room handles.
const (
	JobAdvance = "advance" // key project:ID; decides and starts what may start
	JobTask    = "task"    // key db:NAME; runs what is next on one database
)

// Deps is what a Service needs from outside. Authority and Changed may be set
// after New, before the queue runs, because the bot needs the Service first.
type Deps struct {
	Engines     map[string]executor.Engine
	Authority   Authority
	Changed     func(ctx context.Context, tx *store.Tx, c Change) error
	Log         *slog.Logger
	ToolVersion string
}

// ChangeKind says what changed, so that the bot knows whom to tell.
type ChangeKind string

// What can change.
const (
	ReleaseRecorded ChangeKind = "release_recorded" // a merge made a release
	ReviewNeeded    ChangeKind = "review_needed"    // review the release at its present text
	StageChanged    ChangeKind = "stage_changed"    // a gate, approval or state of a stage, or the review
	TaskProgressed  ChangeKind = "task_progressed"  // progress of a running task (throttled)
	BranchChanged   ChangeKind = "branch_changed"   // the branch was refused, or is fine again
)

// Change is given to Deps.Changed inside the transaction that made it, so that
// a view job is enqueued exactly when the change is committed.
type Change struct {
	Kind        ChangeKind
	Project     Project
	Release     string // "" for BranchChanged
	PullRequest int
	Environment string // of StageChanged (may be "") and TaskProgressed
	State       State  // the stage's state now; "" when a task or the review changed
}

// Service is the room's front. It is safe for concurrent use.
type Service struct {
	db    *store.DB
	queue *queue.Queue
	cfg   Config
	deps  Deps
	ids   *ids.Source

	starts *batch.Line[starting, started]
	ends   *batch.Line[ended, struct{}]

	topology topology
	sights   sights
	told     told // of tasks' plain starts and ends
	troubled told // of tasks that went wrong
}

// New makes the service on a store, brings its tables up to date and sets its
// job handlers on the queue.
func New(ctx context.Context, db *store.DB, q *queue.Queue, cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, "deploy", schema); err != nil {
		return nil, err
	}
	if deps.Authority == nil {
		deps.Authority = nobody{}
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{db: db, queue: q, cfg: cfg.withDefaults(), deps: deps, ids: ids.New()}
	s.topology = newTopology(s.cfg)
	s.starts, s.ends = batch.New(together, s.startAll), batch.New(together, s.endAll)
	q.Handle(JobAdvance, s.handleAdvance)
	q.Handle(JobTask, s.handleTask)
	return s, nil
}

// SetAuthority sets Deps.Authority. Call it before the queue runs.
func (s *Service) SetAuthority(a Authority) { s.deps.Authority = a }

// OnChange sets Deps.Changed. Call it before the queue runs.
func (s *Service) OnChange(fn func(ctx context.Context, tx *store.Tx, c Change) error) {
	s.deps.Changed = fn
}

// Config is the configuration with defaults filled in.
func (s *Service) Config() Config { return s.cfg }

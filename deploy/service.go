package deploy

import (
	"context"
	"log/slog"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

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

// Authority says who may do what; the bot implements it by asking the forge
// anew. An error means "can't tell" and is a closed gate.
type Authority interface {
	// MayApprove: the login is one of the environment's approvers now, can
	// read the repository, is no bot, and is not one of the change's own people
	// (unless the environment allows self-approval). For an edit accepted before
	// the merge, rel has only Project, PullRequest and People unset: the
	// implementation reads the pull request's people itself.
	MayApprove(ctx context.Context, project Project, rel Release, env Environment, login string) (Eligibility, error)
	// MayOperate: the login may write to the repository (retry, cancel, and
	// whatever an environment without approvers asks a person for).
	MayOperate(ctx context.Context, project Project, login string) (Eligibility, error)
}

// Eligibility is the Authority's answer; Reason is for people, e.g. "ann is no
// member of acme/dba".
type Eligibility struct {
	OK     bool
	Reason string
}

// ChangeKind says what changed, so that the bot knows whom to tell.
type ChangeKind string

// What can change.
const (
	ReleaseRecorded ChangeKind = "release_recorded" // a merge made a release
	ReviewNeeded    ChangeKind = "review_needed"    // review the release at its present text
	StageChanged    ChangeKind = "stage_changed"    // a gate, approval or state of a stage
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
	Environment string // of StageChanged and TaskProgressed
	State       State  // the stage's state now, of StageChanged
}

// Service is the room's front. It is safe for concurrent use.
type Service struct {
	db    *store.DB
	queue *queue.Queue
	cfg   Config
	deps  Deps
}

// SetAuthority sets Deps.Authority. Call it before the queue runs.
func (s *Service) SetAuthority(a Authority) { s.deps.Authority = a }

// OnChange sets Deps.Changed. Call it before the queue runs.
func (s *Service) OnChange(fn func(ctx context.Context, tx *store.Tx, c Change) error) {
	s.deps.Changed = fn
}

// Config is the configuration with defaults filled in.
func (s *Service) Config() Config { return s.cfg }

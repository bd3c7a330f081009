package deploy

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// The seam, to be filled in: every method here gets its own file.

func notYet[T any]() (T, error) {
	var zero T
	return zero, fault.New(fault.Unsupported, "not built yet")
}

// New makes the service, creates its tables and sets its job handlers on q.
func New(ctx context.Context, db *store.DB, q *queue.Queue, cfg Config, deps Deps) (*Service, error) {
	return notYet[*Service]()
}

// Reconcile rings for whatever the store says is unfinished; call it once at boot.
// It also makes sure that time passing (expired approvals) is noticed, so call
// it again every few minutes (the bot's reconcile job does).
func (s *Service) Reconcile(ctx context.Context) error { _, err := notYet[int](); return err }

// --- the branch ---

// Cursor is the last commit of the branch that the project has seen.
func (s *Service) Cursor(ctx context.Context, projectID string) (sha string, ok bool, err error) {
	_, err = notYet[int]()
	return "", false, err
}

// StartAt sets the cursor without making releases: at first boot, or by the
// operator after a force-push; it ends a refusal.
func (s *Service) StartAt(ctx context.Context, projectID, sha string) error {
	_, err := notYet[int]()
	return err
}

// Advance moves the cursor and records the releases, in one transaction. Doing
// it again is harmless. A cursor that is not at from (any more) is a Conflict:
// read the cursor and walk again.
func (s *Service) Advance(ctx context.Context, projectID, from, to string, rels []NewRelease) ([]Release, error) {
	return notYet[[]Release]()
}

// Refuse stops the project's line and says why; Advance or StartAt end it.
func (s *Service) Refuse(ctx context.Context, projectID string, r Refusal) error {
	_, err := notYet[int]()
	return err
}

// KnownBlobs says which of the forge's content ids the store has already, so
// that File.Content may be left out for them.
func (s *Service) KnownBlobs(ctx context.Context, projectID string, blobs []string) (map[string]bool, error) {
	return notYet[map[string]bool]()
}

// RecordReview stores the verdict at the merge commit. A verdict whose Hash is
// not the release's present one is a Conflict: review again.
func (s *Service) RecordReview(ctx context.Context, releaseID string, v Verdict) error {
	_, err := notYet[int]()
	return err
}

// ReviewReport is the last verdict's Report, nil when there is none.
func (s *Service) ReviewReport(ctx context.Context, releaseID string) ([]byte, error) {
	return notYet[[]byte]()
}

// --- commands; every error is a *Refused, or an internal fault ---

// Approve records an approval of (release, hash, environment).
func (s *Service) Approve(ctx context.Context, c Command) (Answer, error) { return notYet[Answer]() }

// Reject closes the environment's gate for the release; approvals given before don't count any more.
func (s *Service) Reject(ctx context.Context, c Command) (Answer, error) { return notYet[Answer]() }

// Retry runs failed or cancelled tasks again.
func (s *Service) Retry(ctx context.Context, c Command) (Answer, error) { return notYet[Answer]() }

// Skip decides that a version won't run in an environment.
func (s *Service) Skip(ctx context.Context, c Command) (Answer, error) { return notYet[Answer]() }

// AcceptEdit lets a changed text of a released migration count.
func (s *Service) AcceptEdit(ctx context.Context, c Command) (Answer, error) {
	return notYet[Answer]()
}

// Resolve states the outcome of an ambiguous step.
func (s *Service) Resolve(ctx context.Context, c Command) (Answer, error) { return notYet[Answer]() }

// Cancel stops a stage: what runs finishes its file, nothing else starts.
func (s *Service) Cancel(ctx context.Context, c Command) (Answer, error) { return notYet[Answer]() }

// --- views ---

// Release is one release; fault.NotFound when there is none.
func (s *Service) Release(ctx context.Context, releaseID string) (Release, error) {
	return notYet[Release]()
}

// Rollout is one release's way; fault.NotFound when there is none.
func (s *Service) Rollout(ctx context.Context, releaseID string) (Rollout, error) {
	return notYet[Rollout]()
}

// RolloutsOfPR are the rollouts of a merged pull request, one per project;
// empty before the merge. repository is provider/owner/name.
func (s *Service) RolloutsOfPR(ctx context.Context, repository string, pullRequest int) ([]Rollout, error) {
	return notYet[[]Rollout]()
}

// Earlier are the unfinished rollouts of a project, oldest first, before the
// given release; with releaseID "" all of them (what the next pull request
// has before it). Those with PullRequest 0 have no pull request to show on.
func (s *Service) Earlier(ctx context.Context, projectID, releaseID string) ([]Rollout, error) {
	return notYet[[]Rollout]()
}

// Releases lists a project's releases, newest first, at most limit (1–1000).
func (s *Service) Releases(ctx context.Context, projectID string, limit int) ([]Release, error) {
	return notYet[[]Release]()
}

// Files are the release's own migrations as they would run now (edits in,
// withdrawn and broken ones out), with their text: what RecordReview judges.
func (s *Service) Files(ctx context.Context, releaseID string) ([]executor.File, error) {
	return notYet[[]executor.File]()
}

// Pending are the migrations that will run in the environment before the given
// release (releaseID "": before whatever is merged next), in order: the
// reviewer's Before. environment "" means the last one of the project's road.
func (s *Service) Pending(ctx context.Context, projectID, environment, releaseID string) ([]executor.File, error) {
	return notYet[[]executor.File]()
}

// Placement is where a migration stands on one database.
type Placement struct {
	Environment string
	Database    string
	State       State // Done, Skipped, Ambiguous, Failed, Running, Queued or Waiting
	Version     string
	Path        string
	Checksum    string // of the text that stands there, when Done
	Release     string
	At          time.Time
}

// Where says, for each path released by the project, where it stands; paths
// that ShipSQL never released are absent.
func (s *Service) Where(ctx context.Context, projectID string, paths []string) (map[string][]Placement, error) {
	return notYet[map[string][]Placement]()
}

// AcceptedEdits are the edits accepted on an open pull request, by path; an
// edit holds only while the file's checksum at the head is Edit.After.
func (s *Service) AcceptedEdits(ctx context.Context, projectID string, pullRequest int) (map[string]Edit, error) {
	return notYet[map[string]Edit]()
}

// Status is a project at a glance.
type Status struct {
	Project    Project
	Cursor     string
	Refusal    *Refusal
	Unfinished []Rollout          // oldest first
	Newest     map[string]Release // environment → newest release that passed it
}

// Status says where a project stands.
func (s *Service) Status(ctx context.Context, projectID string) (Status, error) {
	return notYet[Status]()
}

// AuditRow is one decision, chained to the one before it.
type AuditRow struct {
	Seq         int64
	At          time.Time
	Action      string // approve, reject, skip, release, task_started, task_done, …
	Project     string
	Release     string
	Environment string
	Database    string
	Actor       Actor
	Data        []byte // canonical JSON: hash, reason, evidence
	Prev, Hash  string // hex sha256
}

// Audit lists a release's audit rows, oldest first.
func (s *Service) Audit(ctx context.Context, releaseID string) ([]AuditRow, error) {
	return notYet[[]AuditRow]()
}

// VerifyAudit walks the whole chain; the error names the first row that was
// changed, removed or inserted.
func (s *Service) VerifyAudit(ctx context.Context) error { _, err := notYet[int](); return err }

package deploy

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// branch is how far a project's branch has been walked.
type branch struct {
	cursor  string
	refusal *Refusal
}

func loadBranch(ctx context.Context, q store.Queryer, projectID string) (branch, bool, error) {
	var b branch
	var refusal string
	err := q.QueryRow(ctx, `SELECT seen_commit, refusal FROM deploy_projects WHERE id = $1`, projectID).Scan(&b.cursor, &refusal)
	if errors.Is(err, sql.ErrNoRows) {
		return b, false, nil
	}
	if err != nil {
		return b, false, err
	}
	return b, true, decode(refusal, &b.refusal)
}

func saveBranch(ctx context.Context, tx *store.Tx, projectID string, b branch) error {
	refusal, err := optional(b.refusal)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO deploy_projects (id, seen_commit, refusal, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET seen_commit = excluded.seen_commit, refusal = excluded.refusal,
			updated_at = excluded.updated_at, revision = deploy_projects.revision + 1`,
		projectID, b.cursor, refusal, micros(tx.Now()))
	return err
}

// Cursor is the last commit of the branch that the project has seen; not ok
// before the first StartAt.
func (s *Service) Cursor(ctx context.Context, projectID string) (sha string, ok bool, err error) {
	b, ok, err := loadBranch(ctx, s.db, projectID)
	return b.cursor, ok, err
}

// StartAt sets the cursor without making releases: at first boot, or by the
// operator after a force-push; it ends a refusal.
func (s *Service) StartAt(ctx context.Context, projectID, sha string) error {
	p, err := s.project(projectID)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		before, _, err := loadBranch(ctx, tx, projectID)
		if err != nil {
			return err
		}
		if err := saveBranch(ctx, tx, projectID, branch{cursor: sha}); err != nil {
			return err
		}
		n := note{action: "start_at", project: projectID, actor: machine, data: map[string]string{"from": before.cursor, "to": sha}}
		if err := audit(ctx, tx, n); err != nil {
			return err
		}
		return s.branchChanged(ctx, tx, p)
	})
}

// Refuse stops the project's line and says why; Advance or StartAt end it.
// Refusing again for the same reason changes nothing.
func (s *Service) Refuse(ctx context.Context, projectID string, r Refusal) error {
	p, err := s.project(projectID)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		b, _, err := loadBranch(ctx, tx, projectID)
		if err != nil {
			return err
		}
		if b.refusal != nil && b.refusal.Code == r.Code && b.refusal.Text == r.Text {
			return nil
		}
		r.At = tx.Now()
		b.refusal = &r
		if err := saveBranch(ctx, tx, projectID, b); err != nil {
			return err
		}
		n := note{action: "refuse_branch", project: projectID, actor: machine, data: r}
		if err := audit(ctx, tx, n); err != nil {
			return err
		}
		return s.branchChanged(ctx, tx, p)
	})
}

// Advance moves the cursor and records the releases, in one transaction. Doing
// it again is harmless and returns the releases made before. A cursor that is
// not at from (any more) is a Conflict: read the cursor and walk again.
func (s *Service) Advance(ctx context.Context, projectID, from, to string, rels []NewRelease) ([]Release, error) {
	p, err := s.project(projectID)
	if err != nil {
		return nil, err
	}
	merges, err := s.prepare(ctx, p, rels) // reads and parses: not in the writer's time
	if err != nil {
		return nil, err
	}
	var made []Release
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		b, _, err := loadBranch(ctx, tx, projectID)
		if err != nil {
			return err
		}
		if b.cursor == to && from != to {
			made, err = mergedBefore(ctx, tx, projectID, merges)
			return err
		}
		if b.cursor != from {
			return fault.New(fault.Conflict, "the cursor is at %s, not at %s", b.cursor, from).At(projectID).
				Then("read the cursor and walk the branch again")
		}
		if made, err = s.recordAll(ctx, tx, p, merges); err != nil {
			return err
		}
		if err := saveBranch(ctx, tx, projectID, branch{cursor: to}); err != nil {
			return err
		}
		if b.refusal != nil {
			err = s.changed(ctx, tx, Change{Kind: BranchChanged, Project: p})
		}
		return errors.Join(err, s.ringProject(ctx, tx, projectID))
	})
	return made, err
}

// mergedBefore finds the releases that an earlier, equal Advance made.
func mergedBefore(ctx context.Context, q store.Queryer, projectID string, merges []merge) ([]Release, error) {
	var made []Release
	for _, m := range merges {
		stored, err := loadReleases(ctx, q, scope{"project = $1 AND merge_commit = $2", []any{projectID, m.MergeCommit}})
		if err != nil {
			return nil, err
		}
		for _, r := range stored {
			made = append(made, r.Release)
		}
	}
	return made, nil
}

func (s *Service) project(id string) (Project, error) {
	p, ok := s.cfg.Project(id)
	if !ok {
		return p, fault.New(fault.NotFound, "no project %q is configured", id).Then("add it under projects in shipsql.yaml")
	}
	return p, nil
}

func (s *Service) branchChanged(ctx context.Context, tx *store.Tx, p Project) error {
	if err := s.changed(ctx, tx, Change{Kind: BranchChanged, Project: p}); err != nil {
		return err
	}
	return s.ringProject(ctx, tx, p.ID())
}

// ringProject asks for the project's gates to be evaluated again.
func (s *Service) ringProject(ctx context.Context, tx *store.Tx, projectID string) error {
	return s.ringProjectAt(ctx, tx, projectID, time.Time{})
}

// ringProjectAt does so at a time to come; the zero time is now.
func (s *Service) ringProjectAt(ctx context.Context, tx *store.Tx, projectID string, at time.Time) error {
	return s.queue.Enqueue(ctx, tx, queue.NewJob{
		Kind: JobAdvance, Key: "project:" + projectID, Payload: advancePayload{projectID}, RunAfter: at, Coalesce: true,
	})
}

// job asks for what is next on a database to be run by a worker of its pool.
func (t ready) job() queue.NewJob {
	return queue.NewJob{Kind: JobTask, Key: "db:" + t.database, Payload: taskPayload{t.database, t.next}, Pool: t.pool, Coalesce: true}
}

// ringAll asks for the tasks of several databases to be run.
func (s *Service) ringAll(ctx context.Context, tx *store.Tx, tasks []ready) error {
	jobs := make([]queue.NewJob, len(tasks))
	for i, t := range tasks {
		jobs[i] = t.job()
	}
	return s.queue.Enqueue(ctx, tx, jobs...)
}

// changed tells the bot, inside the transaction that made the change.
func (s *Service) changed(ctx context.Context, tx *store.Tx, c Change) error {
	if s.deps.Changed == nil {
		return nil
	}
	return s.deps.Changed(ctx, tx, c)
}

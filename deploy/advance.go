package deploy

import (
	"context"
	"encoding/json"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// askAgain is how soon the forge is asked again when it could not answer.
const askAgain = 15 * time.Second

type advancePayload struct {
	Project string `json:"project"`
}

// handleAdvance evaluates a project's gates and starts what may start.
func (s *Service) handleAdvance(ctx context.Context, job queue.Job) error {
	var payload advancePayload
	if err := json.Unmarshal(job.Payload, &payload); err != nil {
		return queue.Permanent(fault.New(fault.Internal, "unreadable job").Because(err))
	}
	p, ok := s.cfg.Project(payload.Project)
	if !ok {
		s.deps.Log.Warn("A project is not configured any more; its line stands", "project", payload.Project)
		return nil
	}
	facts, err := s.gather(ctx, p)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := s.settle(ctx, tx, p, facts.asked())
		return err
	})
	if err == nil && facts.unsure() {
		return queue.Retry(askAgain, nil)
	}
	return err
}

// gather reads a project's line, asks the Authority about its approvals, and the
// queue which pools have a worker. There is no transaction: the forge may take
// its time.
func (s *Service) gather(ctx context.Context, p Project) (Facts, error) {
	facts, _, err := s.loadFacts(ctx, s.db, p)
	if err != nil {
		return facts, err
	}
	facts.Eligible = s.ask(ctx, facts)
	facts.Online, err = s.queue.OnlinePools(ctx)
	return facts, err
}

// asked is what was asked for the facts.
func (f Facts) asked() asked { return asked{eligible: f.Eligible, online: f.Online} }

// Reconcile rings for whatever the store says is unfinished: call it at boot
// and every few minutes (the bot's reconcile job does), so that the passing of
// time (expired approvals) and given-up jobs are noticed.
func (s *Service) Reconcile(ctx context.Context) error {
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		for _, p := range s.cfg.Projects {
			if err := s.ringProject(ctx, tx, p.ID()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for after := ""; ; {
		tasks, err := list(ctx, s.db, readReady, `SELECT max(id), database, max(worker) FROM deploy_tasks
			WHERE database > $1 AND state IN ('queued', 'running') GROUP BY database ORDER BY database LIMIT $2`, after, queueBatch)
		if err != nil || len(tasks) == 0 {
			return err
		}
		if err := s.db.Tx(ctx, func(tx *store.Tx) error { return s.ringAll(ctx, tx, tasks) }); err != nil {
			return err
		}
		after = tasks[len(tasks)-1].database
	}
}

// RecordReview stores the verdict at the merge commit. A verdict whose Hash is
// not the release's present one is a Conflict: review again.
func (s *Service) RecordReview(ctx context.Context, releaseID string, v Verdict) error {
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		r, p, err := s.releaseIn(ctx, tx, releaseID)
		if err != nil {
			return err
		}
		if v.Hash != r.Hash {
			return fault.New(fault.Conflict, "the release's text was edited since it was read for review").At("release " + r.ID).
				Then("read the release's files again and review them")
		}
		review, err := encode(Review{Hash: v.Hash, Clean: v.Clean, Errors: v.Errors, Summary: v.Summary, At: tx.Now()})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE deploy_releases SET review = $2, review_report = $3 WHERE id = $1`, r.ID, review, string(v.Report))
		if err != nil {
			return err
		}
		n := note{action: "review", project: r.Project, release: r.ID, actor: machine,
			data: map[string]any{"hash": v.Hash, "clean": v.Clean, "errors": v.Errors, "report": hashOf(v.Report)}}
		if err := audit(ctx, tx, n); err != nil {
			return err
		}
		if err := s.changed(ctx, tx, Change{Kind: StageChanged, Project: p, Release: r.ID, PullRequest: r.PullRequest}); err != nil {
			return err
		}
		return s.ringProject(ctx, tx, r.Project)
	})
}

// ReviewReport is the last verdict's Report, nil when there is none.
func (s *Service) ReviewReport(ctx context.Context, releaseID string) ([]byte, error) {
	reports, err := list(ctx, s.db, text, `SELECT review_report FROM deploy_releases WHERE id = $1`, releaseID)
	if err != nil || len(reports) == 0 || reports[0] == "" {
		return nil, err
	}
	return []byte(reports[0]), nil
}

// releaseIn reads one release and its project.
func (s *Service) releaseIn(ctx context.Context, q store.Queryer, id string) (Release, Project, error) {
	found, err := loadReleases(ctx, q, onlyRelease(id))
	if err != nil {
		return Release{}, Project{}, err
	}
	if len(found) == 0 {
		return Release{}, Project{}, fault.New(fault.NotFound, "there is no release %q", id)
	}
	p, err := s.project(found[0].Project)
	return found[0].Release, p, err
}

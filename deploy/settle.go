package deploy

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/shipsql/shipsql/store"
)

// settle evaluates a project's gates inside a transaction, with the Authority's
// answers had before it, and carries the decision out: stages and standings are
// stored, tasks queued or taken back, finished releases closed. It changes
// nothing when nothing changed.
func (s *Service) settle(ctx context.Context, tx *store.Tx, p Project, eligible map[Ask]Say) (Decision, error) {
	facts, l, err := s.loadFacts(ctx, tx, p)
	if err != nil {
		return Decision{}, err
	}
	facts.Eligible = eligible
	decision := Decide(facts)
	for _, d := range decision.Stages {
		if err := s.settleStage(ctx, tx, p, l, d); err != nil {
			return decision, err
		}
	}
	for _, r := range l.stored {
		if !decision.passed(r.ID) {
			continue
		}
		if err := s.finish(ctx, tx, p, r.Release); err != nil {
			return decision, err
		}
	}
	return decision, nil
}

// passed says whether every stage of a release has passed. A release without
// any stage has not.
func (d Decision) passed(release string) bool {
	stages := 0
	for _, s := range d.Stages {
		if s.Release != release {
			continue
		}
		if !s.State.Passed() {
			return false
		}
		stages++
	}
	return stages > 0
}

func (s *Service) finish(ctx context.Context, tx *store.Tx, p Project, r Release) error {
	if err := finishRelease(ctx, tx, r.ID); err != nil {
		return err
	}
	return audit(ctx, tx, note{action: "finished", project: p.ID(), release: r.ID, actor: machine, data: map[string]string{"hash": r.Hash}})
}

func (s *Service) settleStage(ctx context.Context, tx *store.Tx, p Project, l line, d StageDecision) error {
	key := stageKey{d.Release, d.Environment}
	before, existed := l.rows[key]
	release := l.stored[l.index(d.Release)].Release
	if err := s.settleTasks(ctx, tx, release, l.tasks[key], d); err != nil {
		return err
	}
	standings, err := settleStandings(ctx, tx, l.facts[l.index(d.Release)].Stages[d.Environment].Approvals, d.Approvals)
	if err != nil {
		return err
	}
	after := before.decided(d, tx)
	if existed && !standings && after.equal(before) {
		return nil
	}
	if err := saveStage(ctx, tx, after); err != nil {
		return err
	}
	if len(d.Start) > 0 {
		if err := s.auditOpened(ctx, tx, p, release, d); err != nil {
			return err
		}
	}
	return s.changed(ctx, tx, Change{
		Kind: StageChanged, Project: p, Release: d.Release, PullRequest: release.PullRequest,
		Environment: d.Environment, State: d.State,
	})
}

// decided is the row with a new decision in it.
func (before storedStage) decided(d StageDecision, tx *store.Tx) storedStage {
	after := before
	after.release, after.environment = d.Release, d.Environment
	after.state, after.reasons, after.needed, after.counted = d.State, d.Reasons, d.Needed, d.Counted
	if after.startedAt.IsZero() && len(d.Start) > 0 {
		after.startedAt = tx.Now()
	}
	if after.finishedAt.IsZero() && d.State.Passed() {
		after.finishedAt = tx.Now()
	}
	return after
}

func (before storedStage) equal(after storedStage) bool {
	a, errA := json.Marshal(before.reasons)
	b, errB := json.Marshal(after.reasons)
	before.reasons, after.reasons = nil, nil
	return errA == nil && errB == nil && string(a) == string(b) && reflect.DeepEqual(before, after)
}

// settleStandings stores the approvals' worth where it changed.
func settleStandings(ctx context.Context, tx *store.Tx, before, after []Approval) (changed bool, err error) {
	for i, a := range after {
		if a.Standing == before[i].Standing {
			continue
		}
		changed = true
		if err := saveStanding(ctx, tx, a); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// settleTasks queues and takes back tasks; those of a skipped stage that did not
// run are skipped with it.
func (s *Service) settleTasks(ctx context.Context, tx *store.Tx, r Release, tasks []storedTask, d StageDecision) error {
	for _, database := range d.Start {
		t := s.taskFor(tasks, r, d.Environment, database, tx)
		t.State = Queued
		if err := saveTask(ctx, tx, t); err != nil {
			return err
		}
		if err := s.ringDatabase(ctx, tx, database); err != nil {
			return err
		}
	}
	for _, t := range tasks {
		before := t.State
		switch {
		case slices.Contains(d.Stop, t.Database):
			t.State = Waiting
		case d.State.Passed() && !t.State.Passed():
			t.State, t.FinishedAt = Skipped, tx.Now()
		}
		if t.State == before || slices.Contains(d.Start, t.Database) {
			continue
		}
		if err := saveTask(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

// taskFor finds the database's task or makes it.
func (s *Service) taskFor(tasks []storedTask, r Release, environment, database string, tx *store.Tx) storedTask {
	for _, t := range tasks {
		if t.Database == database {
			return t
		}
	}
	return storedTask{project: r.Project, Task: Task{
		ID: s.ids.At(tx.Now()), Release: r.ID, Environment: environment, Database: database, CreatedAt: tx.Now(),
	}}
}

// auditOpened records on whose word a gate opened.
func (s *Service) auditOpened(ctx context.Context, tx *store.Tx, p Project, r Release, d StageDecision) error {
	var people, despite []string
	for _, a := range d.Approvals {
		if a.Standing.Counts {
			people = append(people, a.Actor.Person())
			despite = append(despite, a.Despite)
		}
	}
	return audit(ctx, tx, note{
		action: "start", project: p.ID(), release: r.ID, environment: d.Environment, actor: machine,
		data: map[string]any{"hash": r.Hash, "databases": d.Start, "approved_by": people, "despite_findings": despite,
			"review_clean": r.Review.Clean},
	})
}

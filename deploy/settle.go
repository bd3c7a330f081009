package deploy

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/shipsql/shipsql/store"
)

// asked is what others were asked before a transaction: who may approve, and
// which pools have a worker.
type asked struct {
	eligible map[Ask]Say
	online   map[string]bool
}

// settle evaluates a project's gates inside a transaction, with the answers had
// before it, and carries the decision out: stages and standings are stored, tasks
// queued or taken back, finished releases closed. It changes nothing when nothing
// changed.
func (s *Service) settle(ctx context.Context, tx *store.Tx, p Project, a asked) (Decision, error) {
	facts, l, err := s.loadFacts(ctx, tx, p)
	if err != nil {
		return Decision{}, err
	}
	facts.Eligible, facts.Online = a.eligible, a.online
	decision := Decide(facts)
	changes := 0
	for _, d := range decision.Stages {
		changed, err := s.settleStage(ctx, tx, p, l, d)
		if err != nil {
			return decision, err
		}
		if changed {
			changes++
		}
	}
	if changes > 0 {
		if err := nextRevision(ctx, tx, p.ID()); err != nil {
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
	if decision.unasked() {
		if err := s.ringProject(ctx, tx, p.ID()); err != nil {
			return decision, err
		}
	}
	return decision, s.watch(ctx, tx, p, decision)
}

// unasked says that an approval was given after the Authority had been asked, so
// that a gate stays closed until it is asked again.
func (d Decision) unasked() bool {
	return slices.ContainsFunc(d.Stages, func(s StageDecision) bool {
		return !s.State.Passed() && slices.ContainsFunc(s.Approvals, func(a Approval) bool {
			return a.Standing.Why == NotStandingNotAsked
		})
	})
}

const (
	workerPause = 3 * time.Second  // before a pool without a worker is asked about again
	watchPause  = 15 * time.Second // before a stage under way is looked at again
)

// watch has the project looked at again while time alone can change something: a
// worker comes or goes, an approval expires.
func (s *Service) watch(ctx context.Context, tx *store.Tx, p Project, d Decision) error {
	var pause time.Duration
	for _, stage := range d.Stages {
		switch {
		case slices.ContainsFunc(stage.Reasons, func(r Reason) bool { return r.Code == GateNoWorker }):
			pause = workerPause
		case stage.State.Active() && pause == 0:
			pause = watchPause
		}
	}
	if pause == 0 {
		return nil
	}
	return s.ringProjectAt(ctx, tx, p.ID(), tx.Now().Add(pause))
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

// settleStage carries out the decision on one stage; changed says that others
// would decide differently now.
func (s *Service) settleStage(ctx context.Context, tx *store.Tx, p Project, l line, d StageDecision) (changed bool, err error) {
	key := stageKey{d.Release, d.Environment}
	before, existed := l.rows[key]
	facts := l.facts[l.index(d.Release)]
	after := before.decided(d, tx)
	if after.roster, err = s.settleTasks(ctx, tx, facts, before, after, d); err != nil {
		return false, err
	}
	standings, err := settleStandings(ctx, tx, facts.Stages[d.Environment].Approvals, d.Approvals)
	if err != nil {
		return false, err
	}
	if existed && !standings && after.equal(before) {
		return len(d.Start)+len(d.Stop) > 0, nil
	}
	if err := saveStage(ctx, tx, after); err != nil {
		return false, err
	}
	return true, s.changed(ctx, tx, Change{
		Kind: StageChanged, Project: p, Release: d.Release, PullRequest: facts.Release.PullRequest,
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

// settleTasks makes, queues and takes back the tasks of a stage; those of one that
// passed without them are skipped with it. It returns the roster of the stage's
// tasks as it is then.
func (s *Service) settleTasks(ctx context.Context, tx *store.Tx, l LineFacts, before, after storedStage, d StageDecision) (string, error) {
	here, roster := s.topology.stop(l.Release.Project, d.Environment), before.roster
	if d.State.Passed() {
		if before.state.Passed() || l.Stages[d.Environment].Tasks.Total() == 0 {
			return roster, nil
		}
		return roster, skipRest(ctx, tx, stageKey{d.Release, d.Environment})
	}
	if !after.startedAt.IsZero() && roster != here.roster {
		complete, err := s.makeTasks(ctx, tx, l.Release, d.Environment)
		if err != nil {
			return roster, err
		}
		if complete {
			roster = here.roster
		}
	}
	for _, pool := range d.Stop {
		if err := takeBack(ctx, tx, stageKey{d.Release, d.Environment}, pool); err != nil {
			return roster, err
		}
	}
	waiting := 0
	for _, pool := range d.Start {
		waiting += l.Stages[d.Environment].Tasks[pool][Waiting] + l.Stages[d.Environment].Missing[pool]
	}
	if waiting > queueBatch { // the next batch, before this one's tasks in the queue
		if err := s.ringProject(ctx, tx, l.Release.Project); err != nil {
			return roster, err
		}
	}
	return roster, s.startTasks(ctx, tx, l.Release, d)
}

// startTasks queues the next batch of a stage's waiting tasks.
func (s *Service) startTasks(ctx context.Context, tx *store.Tx, r Release, d StageDecision) error {
	var batch []ready
	for _, pool := range d.Start {
		waiting, err := waitingTasks(ctx, tx, stageKey{d.Release, d.Environment}, pool, queueBatch-len(batch))
		if err != nil {
			return err
		}
		for _, t := range waiting {
			t.next = &nextTask{ID: t.id, Project: r.Project, Release: r.ID, Environment: d.Environment}
			batch = append(batch, t)
		}
	}
	if len(batch) == 0 {
		return nil
	}
	if err := queueTasks(ctx, tx, batch); err != nil {
		return err
	}
	if err := s.ringAll(ctx, tx, batch); err != nil {
		return err
	}
	return s.auditOpened(ctx, tx, r, d, batch)
}

// auditOpened records on whose word tasks were queued.
func (s *Service) auditOpened(ctx context.Context, tx *store.Tx, r Release, d StageDecision, batch []ready) error {
	var people, despite []string
	for _, a := range d.Approvals {
		if a.Standing.Counts {
			people = append(people, a.Actor.Person())
			despite = append(despite, a.Despite)
		}
	}
	names := make([]string, len(batch))
	for i, t := range batch {
		names[i] = t.database
	}
	return audit(ctx, tx, note{
		action: "start", project: r.Project, release: r.ID, environment: d.Environment, actor: machine,
		data: map[string]any{"hash": r.Hash, "databases": names, "approved_by": people, "despite_findings": despite,
			"review_clean": r.Review.Clean},
	})
}
